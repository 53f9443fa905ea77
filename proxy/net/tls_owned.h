// OpenSSL's objects with an owner, for those of tls_*.cpp that read PEM texts.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace headgate::net {

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(STACK_OF(X509) * list) const { sk_X509_pop_free(list, X509_free); }
    void operator()(SSL_CONF_CTX* conf) const { SSL_CONF_CTX_free(conf); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

/// To read the text, which must outlive it.
inline Owned<BIO> bio_of(const std::string& text) {
    return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

inline std::string last_reason(const char* otherwise) {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason != nullptr ? reason : otherwise;
}

}  // namespace headgate::net
