// The passphrases of encrypted keys: those that opened an earlier key are tried first, then the
// program of SSLPassPhraseDialog is asked, the way Apache calls it. Kept in memory only, by whoever
// loads the configuration.
#pragma once

#include <cstddef>
#include <string>

namespace headgate::proxy {

/// What the program is told: whose key it is ("name:port"), and which of the host's.
struct KeyPlace {
    std::string owner;
    std::size_t index;
};

/// Whether a key (PEM) needs a passphrase.
bool is_encrypted(const std::string& key);
/// What opens the key, or what the program says when nothing does.
std::string passphrase_of(const std::string& key, const std::string& program,
                          const KeyPlace& place);

}  // namespace headgate::proxy
