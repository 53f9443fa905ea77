// See tls_algorithms.h.
#include "proxy/net/tls_algorithms.h"

#include "mpm/loop/want.h"

namespace headgate::net {
namespace {

template <class T>
const T* there(T* fetched) {
    if (fetched == nullptr) loop::end_for_want_of("an algorithm of TLS");
    return fetched;
}

}  // namespace

const EVP_MD* fetched_sha1() {
    static const EVP_MD* const once = there(EVP_MD_fetch(nullptr, "SHA1", nullptr));
    return once;
}

const EVP_MD* fetched_sha256() {
    static const EVP_MD* const once = there(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    return once;
}

const EVP_CIPHER* fetched_aes_128() {
    static const EVP_CIPHER* const once = there(EVP_CIPHER_fetch(nullptr, "AES-128-CBC", nullptr));
    return once;
}

const EVP_CIPHER* fetched_aes_256() {
    static const EVP_CIPHER* const once = there(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
    return once;
}

}  // namespace headgate::net
