// Drives a fuzz target where there is no libFuzzer (g++): every file of the folders as it is, then
// what chance makes of them, for a time. It finds no way into new code by itself, as libFuzzer
// does; it holds what was found, in every build.
//
//     fuzz_chunked SECONDS FOLDER...     SEED=n repeats a run
//
// An input that ends the program is left in the file `failed-input`.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t longest = 8192;

std::string input;  // what runs now, for who looks at its end

void keep_input() {
    const int file = ::open("failed-input", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    const ssize_t written = ::write(file, input.data(), input.size());
    std::fprintf(stderr, "the input, %zd octets, is in failed-input\n", written);
}

void watch_the_end() {
    ::signal(SIGABRT, [](int) {
        keep_input();
        ::_exit(1);
    });
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(keep_input);
#endif
}

class Chance {
public:
    explicit Chance(std::uint64_t seed) : octets_(seed) {}
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : octets_() % limit; }
    const std::string& one_of(const std::vector<std::string>& texts) {
        return texts[below(texts.size())];
    }

private:
    std::mt19937_64 octets_;
};

/// Changes a text in one way, at one place.
void change(std::string& text, const std::vector<std::string>& corpus, Chance& chance) {
    static constexpr char telling[] = "\r\n\t\0 :;,=\"/%.0aF\x7f\x80\xff";
    const std::size_t at = chance.below(text.size() + 1);
    const std::size_t count = chance.below(std::min<std::size_t>(text.size() - at, 64) + 1);
    switch (chance.below(6)) {
        case 0:
            if (at < text.size()) text[at] ^= static_cast<char>(1 << chance.below(8));
            break;
        case 1:
            if (at < text.size()) text[at] = telling[chance.below(sizeof telling)];
            break;
        case 2:
            text.insert(at, 1, telling[chance.below(sizeof telling)]);
            break;
        case 3:
            text.erase(at, count);
            break;
        case 4:
            text.insert(at, text.substr(at, count));
            break;
        default: {
            const std::string& other = chance.one_of(corpus);
            text.replace(at, count, other.substr(chance.below(other.size() + 1), 64));
        }
    }
    text.resize(std::min(text.size(), longest));
}

void run(std::string text) {
    input = std::move(text);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::vector<std::string> read_all(int count, char** folders) {
    std::vector<std::string> texts;
    for (int i = 0; i < count; i++) {
        for (const auto& entry : fs::directory_iterator(folders[i])) {
            std::ifstream file(entry.path(), std::ios::binary);
            texts.emplace_back(std::istreambuf_iterator<char>(file),
                               std::istreambuf_iterator<char>());
        }
    }
    return texts;
}

}  // namespace

int main(int count, char** words) {
    const std::vector<std::string> corpus =
        count > 2 ? read_all(count - 2, words + 2) : std::vector<std::string>();
    if (corpus.empty()) {
        std::fputs("usage: fuzz_NAME SECONDS FOLDER...   (of inputs)\n", stderr);
        return 2;
    }
    const char* given = std::getenv("SEED");
    const std::uint64_t seed =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    std::printf("SEED=%llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    watch_the_end();
    for (const std::string& text : corpus)
        run(text);
    Chance chance(seed);
    std::size_t runs = 0;
    const auto end = Clock::now() + std::chrono::seconds(std::atoi(words[1]));
    for (; Clock::now() < end; runs++) {
        std::string text = chance.one_of(corpus);
        for (std::size_t changes = 1 + chance.below(6); changes > 0; changes--)
            change(text, corpus, chance);
        run(std::move(text));
    }
    std::printf("%zu inputs of the corpus, %zu made from them\n", corpus.size(), runs);
    return 0;
}
