// What is wrong with a PEM text, before OpenSSL's readers go over it: they stop at the first object
// that they cannot read as if the text ended there.
#pragma once

#include <cstdint>
#include <string>

namespace headgate::net {

/// What a text is read for; other objects in it may be what they want.
enum class PemKind : std::uint8_t { certificates, revocations, pairs };

/// In words, such as "certificate 2 cannot be read: wrong tag"; empty when all of that kind can be
/// read, or there is none of it (which whoever reads it notices). Encrypted keys count as
/// unreadable: there is nobody to be asked for a passphrase.
std::string fault_of_pem(const std::string& pem, PemKind kind);

/// Whether there is a certificate, a key or a revocation list in it, readable or not.
bool is_pem(const std::string& text);

}  // namespace headgate::net
