// See tls_staples.h.
#include "proxy/net/tls_staples.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "proxy/net/tls_algorithms.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_owned.h"

namespace headgate::net {
namespace {

struct FreeOcsp {
    void operator()(X509_STORE* store) const { X509_STORE_free(store); }
    void operator()(OCSP_RESPONSE* response) const { OCSP_RESPONSE_free(response); }
    void operator()(OCSP_BASICRESP* basic) const { OCSP_BASICRESP_free(basic); }
    void operator()(OCSP_CERTID* id) const { OCSP_CERTID_free(id); }
};
template <class T>
using OwnedOcsp = std::unique_ptr<T, FreeOcsp>;

constexpr std::time_t never = std::numeric_limits<std::time_t>::max();
constexpr long most_skew = 300;  // seconds between the responder's clock and ours, as in Apache

Owned<STACK_OF(X509)> read_all(const std::string& pem) {
    const Owned<BIO> text = bio_of(pem);
    Owned<STACK_OF(X509)> all(sk_X509_new_null());
    while (X509* next = PEM_read_bio_X509_AUX(text.get(), nullptr, nullptr, nullptr))
        sk_X509_push(all.get(), next);
    ERR_clear_error();
    return all;
}

X509* issuer_of(X509* own, const STACK_OF(X509) * chain) {
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509* other = sk_X509_value(chain, i);
        if (X509_check_issued(other, own) == X509_V_OK) return other;
    }
    return nullptr;
}

/// Signed by the issuer, or by whom the issuer has it signed for (RFC 6960 section 4.2.2.2).
bool is_signed(OCSP_BASICRESP* basic, X509* issuer, STACK_OF(X509) * chain) {
    const OwnedOcsp<X509_STORE> store(X509_STORE_new());
    X509_STORE_add_cert(store.get(), issuer);
    X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
    return OCSP_basic_verify(basic, chain, store.get(), 0) == 1;
}

struct SingleStatus {
    int status = -1;  // V_OCSP_CERTSTATUS_*
    ASN1_GENERALIZEDTIME* from = nullptr;
    ASN1_GENERALIZEDTIME* until = nullptr;
};

/// Responders name certificates by either digest.
SingleStatus status_in(OCSP_BASICRESP* basic, const X509* own, const X509* issuer) {
    SingleStatus found;
    for (const EVP_MD* digest : {fetched_sha1(), fetched_sha256()}) {
        const OwnedOcsp<OCSP_CERTID> id(OCSP_cert_to_id(digest, own, issuer));
        if (OCSP_resp_find_status(basic, id.get(), &found.status, nullptr, nullptr, &found.from,
                                  &found.until) == 1) {
            return found;
        }
    }
    return {};
}

std::time_t time_of(const ASN1_GENERALIZEDTIME* time) {
    std::tm parts{};
    if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return never;
    return ::timegm(&parts);
}

/// What is wrong with a response; else when it ends.
std::string judge(const std::string& response, X509* own, STACK_OF(X509) * chain,
                  std::time_t& end) {
    const auto* at = reinterpret_cast<const unsigned char*>(response.data());
    const OwnedOcsp<OCSP_RESPONSE> whole(
        d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(response.size())));
    if (!whole) return "no OCSP response in it (DER)";
    const int overall = OCSP_response_status(whole.get());
    if (overall != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        return std::string("the responder said: ") + OCSP_response_status_str(overall);
    }
    const OwnedOcsp<OCSP_BASICRESP> basic(OCSP_response_get1_basic(whole.get()));
    X509* issuer = issuer_of(own, chain);
    if (issuer == nullptr) return "the chain of the certificate lacks its issuer, to check it by";
    if (!basic || !is_signed(basic.get(), issuer, chain)) {
        return "it is not signed by the issuer of the certificate";
    }
    const SingleStatus single = status_in(basic.get(), own, issuer);
    if (single.status < 0) return "it is about another certificate";
    if (single.status != V_OCSP_CERTSTATUS_GOOD) {
        return std::string("it says that the certificate is ") +
               OCSP_cert_status_str(single.status);
    }
    if (OCSP_check_validity(single.from, single.until, most_skew, -1) != 1) {
        return time_of(single.until) < std::time(nullptr) ? "it has expired"
                                                          : "its time has not come";
    }
    end = time_of(single.until);
    return "";
}

}  // namespace

TlsStaples::~TlsStaples() {
    for (const Staple& staple : staples_)
        X509_free(staple.certificate);
}

std::string TlsStaples::add(const std::string& certificates, const std::string& response) {
    const Owned<STACK_OF(X509)> chain = read_all(certificates);
    if (sk_X509_num(chain.get()) == 0) return "there is no certificate";
    X509* own = sk_X509_value(chain.get(), 0);
    std::time_t end = never;
    std::string problem = judge(response, own, chain.get(), end);
    ERR_clear_error();
    if (!problem.empty()) return problem;
    X509_up_ref(own);
    staples_.push_back({own, response, end});
    return problem;
}

std::time_t TlsStaples::first_end() const {
    std::time_t first = never;
    for (const Staple& staple : staples_)
        first = std::min(first, staple.end);
    return first;
}

const std::string* TlsStaples::find(const X509* certificate, std::time_t now) const {
    for (const Staple& staple : staples_) {
        const bool is_it = X509_cmp(staple.certificate, certificate) == 0;
        if (is_it && now < staple.end) return &staple.response;
    }
    return nullptr;
}

/// Called for clients that ask, when the certificate has been chosen.
static int give_staple(SSL* ssl, void*) {
    const std::string* response =
        context_of(ssl).staples()->find(SSL_get_certificate(ssl), std::time(nullptr));
    if (response == nullptr) return SSL_TLSEXT_ERR_NOACK;
    void* copy = OPENSSL_memdup(response->data(), response->size());
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response->size()));
    return SSL_TLSEXT_ERR_OK;
}

void TlsStaples::serve(SSL_CTX* context) {
    SSL_CTX_set_tlsext_status_cb(context, give_staple);
}

void TlsContext::use_staples(std::unique_ptr<TlsStaples> staples) {
    staples_ = std::move(staples);
    TlsStaples::serve(native_);
}

bool names_responder(const std::string& certificates) {
    const Owned<STACK_OF(X509)> chain = read_all(certificates);
    if (sk_X509_num(chain.get()) == 0) return false;
    STACK_OF(OPENSSL_STRING)* places = X509_get1_ocsp(sk_X509_value(chain.get(), 0));
    const bool has_one = sk_OPENSSL_STRING_num(places) > 0;
    X509_email_free(places);
    return has_one;
}

}  // namespace headgate::net
