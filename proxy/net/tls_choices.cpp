// See tls_choices.h.
#include "proxy/net/tls_choices.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "proxy/net/tls_owned.h"
#include "proxy/net/tls_pem.h"

namespace headgate::net {

using Where = TlsCredentialProblem::Where;

struct TlsChoices::Choice {
    Owned<X509> certificate;
    Owned<EVP_PKEY> key;
    Owned<STACK_OF(X509)> chain;  // null: none

    bool is_of(const X509_NAME* authority) const {
        if (X509_NAME_cmp(X509_get_issuer_name(certificate.get()), authority) == 0) return true;
        for (int i = 0; chain && i < sk_X509_num(chain.get()); i++) {
            const X509* next = sk_X509_value(chain.get(), i);
            if (X509_NAME_cmp(X509_get_issuer_name(next), authority) == 0) return true;
        }
        return false;
    }
};

namespace {

std::vector<Owned<X509>> certificates_of(const std::string& pem) {
    std::vector<Owned<X509>> all;
    const Owned<BIO> text = bio_of(pem);
    while (X509* next = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr))
        all.emplace_back(next);
    ERR_clear_error();
    return all;
}

/// Nobody is there to be asked for a passphrase.
int give_none(char*, int, int, void*) {
    return -1;
}

/// Those up to the first that cannot be read: why is left in OpenSSL's queue of errors.
std::vector<Owned<EVP_PKEY>> keys_of(const std::string& pem) {
    std::vector<Owned<EVP_PKEY>> all;
    ERR_clear_error();
    const Owned<BIO> text = bio_of(pem);
    while (EVP_PKEY* next = PEM_read_bio_PrivateKey(text.get(), nullptr, give_none, nullptr))
        all.emplace_back(next);
    return all;
}

/// Takes the key of a certificate out of `keys`; null when it is not among them.
Owned<EVP_PKEY> take_key(std::vector<Owned<EVP_PKEY>>& keys, const X509* certificate) {
    for (auto key = keys.begin(); key != keys.end(); ++key) {
        if (X509_check_private_key(certificate, key->get()) != 1) continue;
        Owned<EVP_PKEY> taken = std::move(*key);
        keys.erase(key);
        ERR_clear_error();
        return taken;
    }
    ERR_clear_error();
    return nullptr;
}

/// Who has issued it, who has issued that one, and so on, as far as it is known.
Owned<STACK_OF(X509)> chain_of(X509* certificate, const std::vector<Owned<X509>>& issuers) {
    Owned<STACK_OF(X509)> chain(sk_X509_new_null());
    X509* last = certificate;
    for (std::size_t length = 0; length < issuers.size(); length++) {
        X509* issuer = nullptr;
        for (const Owned<X509>& each : issuers) {
            if (X509_check_issued(each.get(), last) == X509_V_OK) issuer = each.get();
        }
        if (issuer == nullptr || issuer == last) break;
        X509_up_ref(issuer);
        sk_X509_push(chain.get(), issuer);
        last = issuer;
    }
    ERR_clear_error();
    if (sk_X509_num(chain.get()) == 0) chain.reset();  // every connection would have a copy of it
    return chain;
}

}  // namespace

TlsChoices::TlsChoices() = default;
TlsChoices::~TlsChoices() = default;

std::size_t TlsChoices::keys_in(const std::string& pem) {
    constexpr std::string_view begin = "-----BEGIN ";
    std::size_t count = 0;
    for (std::size_t at = pem.find(begin); at != pem.npos; at = pem.find(begin, at + 1)) {
        const std::string line = pem.substr(at, pem.find('\n', at) - at);
        if (line.find("PRIVATE KEY-----") != line.npos) count++;
    }
    return count;
}

TlsCredentialProblem TlsChoices::add(const TlsCredential& mixed) {
    std::vector<Owned<EVP_PKEY>> keys = keys_of(mixed.key);
    if (keys.size() != keys_in(mixed.key)) {
        return {Where::key, "private key " + std::to_string(keys.size() + 1) +
                                " in it: " + last_reason("not PEM")};
    }
    std::string fault = fault_of_pem(mixed.certificates, PemKind::certificates);
    if (!fault.empty()) return {Where::certificate, std::move(fault)};
    std::vector<Owned<X509>> issuers;
    for (Owned<X509>& certificate : certificates_of(mixed.certificates)) {
        if (has(certificate.get())) {
            take_key(keys, certificate.get());
        } else if (Owned<EVP_PKEY> key = take_key(keys, certificate.get())) {
            choices_.push_back({std::move(certificate), std::move(key), nullptr});
        } else {
            issuers.push_back(std::move(certificate));
        }
    }
    if (!keys.empty()) return {Where::key, "a private key in it belongs to no certificate in it"};
    if (choices_.empty()) return {Where::certificate, "no certificate with its key in it"};
    for (Choice& choice : choices_)
        choice.chain = chain_of(choice.certificate.get(), issuers);
    return {};
}

/// A folder names its files a second time, by hash (openssl rehash).
bool TlsChoices::has(const x509_st* certificate) const {
    return std::any_of(choices_.begin(), choices_.end(), [&](const Choice& choice) {
        return X509_cmp(choice.certificate.get(), certificate) == 0;
    });
}

std::vector<TlsCertificateBrief> TlsChoices::briefs() const {
    std::vector<TlsCertificateBrief> all;
    for (const Choice& choice : choices_)
        all.push_back(brief_of(choice.certificate.get()));
    return all;
}

// ---- in a handshake

void TlsChoices::serve(ssl_ctx_st* context) const {
    SSL_CTX_set_cert_cb(context, show, const_cast<TlsChoices*>(this));
}

/// Called when the server asks for a certificate.
int TlsChoices::show(ssl_st* ssl, void* of) {
    const Choice* choice = static_cast<const TlsChoices*>(of)->choose(ssl);
    if (choice == nullptr) return 1;
    return SSL_use_cert_and_key(ssl, choice->certificate.get(), choice->key.get(),
                                choice->chain.get(), 1);
}

const TlsChoices::Choice* TlsChoices::choose(ssl_st* ssl) const {
    const STACK_OF(X509_NAME)* authorities = SSL_get0_peer_CA_list(ssl);
    const bool is_asked = authorities != nullptr && sk_X509_NAME_num(authorities) > 0;
    if (!is_asked) return &choices_.front();
    for (int i = 0; i < sk_X509_NAME_num(authorities); i++) {
        for (const Choice& choice : choices_) {
            if (choice.is_of(sk_X509_NAME_value(authorities, i))) return &choice;
        }
    }
    return nullptr;
}

}  // namespace headgate::net
