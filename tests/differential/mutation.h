// Inputs by mutation: seeds that are right or nearly so, cut, doubled, spliced, and strewn with the
// octets and words that matter to a parser. The same numbers give the same inputs on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace headgate::differential {

/// splitmix64.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : next() % limit; }

private:
    std::uint64_t state_;
};

/// One to three mutations of a seed.
inline std::string mutated(Random& random, std::span<const std::string_view> seeds,
                           std::span<const std::string_view> words) {
    std::string text(seeds[random.below(seeds.size())]);
    for (std::size_t left = 1 + random.below(3); left > 0; left--) {
        const std::size_t at = random.below(text.size() + 1);
        switch (random.below(7)) {
            case 0:
            case 1:
                text.insert(at, words[random.below(words.size())]);
                break;
            case 2:
                text.erase(at, 1 + random.below(4));
                break;
            case 3:
                if (at < text.size()) text[at] = static_cast<char>(random.next());
                break;
            case 4: {  // a line twice, or moved
                const std::size_t end = text.find('\n', at);
                if (end == std::string::npos) break;
                const std::string line = text.substr(at, end + 1 - at);
                text.insert(random.below(2) == 0 ? at : text.find('\n') + 1, line);
                break;
            }
            case 5: {
                const std::string_view other = seeds[random.below(seeds.size())];
                text = text.substr(0, at) + std::string(other.substr(random.below(other.size())));
                break;
            }
            case 6:
                if (at < text.size()) text[at] ^= 0x20;
                break;
        }
    }
    return text;
}

}  // namespace headgate::differential
