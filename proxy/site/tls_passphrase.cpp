// See tls_passphrase.h.
#include "proxy/site/tls_passphrase.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "proxy/net/tls_context.h"

namespace headgate::proxy {
namespace {

/// Those that opened a key, for the life of the program: new files of a host may be asked about
/// when nobody is there to answer.
std::vector<std::string>& known_passphrases() {
    static std::vector<std::string> known;
    return known;
}

/// Apache names keys by their position in the host, whatever type they have.
std::string kind_of_key(std::size_t index) {
    constexpr std::array kinds{"RSA", "DSA", "ECC"};
    return index < kinds.size() ? kinds[index] : std::to_string(index);
}

/// What the program prints, less its line's end.
std::string ask(const std::string& program, const KeyPlace& place) {
    const std::string call = program + " '" + place.owner + "' " + kind_of_key(place.index);
    FILE* out = ::popen(call.c_str(), "re");
    if (out == nullptr) return "";
    char line[1024] = "";
    if (std::fgets(line, sizeof line, out) == nullptr) line[0] = '\0';
    ::pclose(out);
    std::string text(line);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text;
}

}  // namespace

bool is_encrypted(const std::string& key) {
    return key.find("ENCRYPTED") != std::string::npos;
}

std::string passphrase_of(const std::string& key, const std::string& program,
                          const KeyPlace& place) {
    std::vector<std::string>& known = known_passphrases();
    const auto fits = [&key](const std::string& each) { return net::opens_key(key, each); };
    const auto found = std::find_if(known.begin(), known.end(), fits);
    if (found != known.end()) return *found;
    std::string asked = ask(program, place);
    if (fits(asked)) known.push_back(asked);
    return asked;
}

}  // namespace headgate::proxy
