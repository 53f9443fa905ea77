// Algorithms of OpenSSL, looked up by name once in a process. What OpenSSL 3.0 is given by
// EVP_sha256() and its like, or by name, it looks up again at every use, under a lock; so where
// connections are served nothing else is used (a test reads the sources for it). For tls_*.cpp.
#pragma once

#include <openssl/evp.h>

namespace headgate::net {

/// Made at the first call; never freed, never null.
const EVP_MD* fetched_sha1();
const EVP_MD* fetched_sha256();
const EVP_CIPHER* fetched_aes_128();  ///< in CBC, as tickets are
const EVP_CIPHER* fetched_aes_256();

}  // namespace headgate::net
