// How certificates of peers are judged: authorities, depth, revocation, and what is let pass. Part
// of tls_context.h, and tls_peer.h.
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "proxy/http/field_names.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_peer.h"
#include "proxy/net/tls_pem.h"

namespace headgate::net {
namespace {

const SSL* connection_of(X509_STORE_CTX* verifying) {
    return static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(verifying, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

/// Errors that mean only that nobody we know has signed it.
bool is_about_authorities(int error) {
    return error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           error == X509_V_ERR_CERT_UNTRUSTED ||
           error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
}

int judge(int is_right, X509_STORE_CTX* verifying) {
    const TlsContext& context = context_of(connection_of(verifying));
    const int error = X509_STORE_CTX_get_error(verifying);
    if (is_right == 0 && error == X509_V_ERR_UNABLE_TO_GET_CRL && context.misses_revocations()) {
        X509_STORE_CTX_set_error(verifying, X509_V_OK);
        return 1;
    }
    if (is_right == 0 && context.verify_mode() == TlsContext::Verify::optional_no_ca &&
        is_about_authorities(error)) {
        return 1;  // SSL_get_verify_result() still tells
    }
    if (X509_STORE_CTX_get_error_depth(verifying) > context.verify_depth()) {
        X509_STORE_CTX_set_error(verifying, X509_V_ERR_CERT_CHAIN_TOO_LONG);
        return 0;
    }
    return is_right;
}

template <class T>
using Reader = T* (*)(BIO*, T**, pem_password_cb*, void*);

/// Every object of a PEM text, given to `take`; how many there were, after fault_of_pem().
template <class T, class Take>
int each_of(const std::string& pem, Reader<T> read, void (*release)(T*), Take take) {
    BIO* text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    int count = 0;
    while (T* object = read(text, nullptr, nullptr, nullptr)) {
        take(object);
        release(object);
        count++;
    }
    BIO_free(text);
    ERR_clear_error();
    return count;
}

/// Whether its subject is among the names: a folder may have its files a second time, by hash.
bool has_name(const STACK_OF(X509_NAME) * names, const X509* certificate) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    for (int i = 0; i < sk_X509_NAME_num(names); i++) {
        if (X509_NAME_cmp(sk_X509_NAME_value(names, i), subject) == 0) return true;
    }
    return false;
}

}  // namespace

std::string TlsContext::add_authorities(const std::string& pem) {
    std::string fault = fault_of_pem(pem, PemKind::certificates);
    if (!fault.empty()) return fault;
    X509_STORE* store = SSL_CTX_get_cert_store(native_);
    const int count = each_of<X509>(pem, PEM_read_bio_X509, X509_free, [&](X509* certificate) {
        X509_STORE_add_cert(store, certificate);
        if (is_server() && !has_name(SSL_CTX_get_client_CA_list(native_), certificate)) {
            SSL_CTX_add_client_CA(native_, certificate);
        }
    });
    return count > 0 ? "" : "no certificate in it";
}

std::string TlsContext::announce_authorities(const std::string& pem) {
    std::string fault = fault_of_pem(pem, PemKind::certificates);
    if (!fault.empty()) return fault;
    STACK_OF(X509_NAME)* names = sk_X509_NAME_new_null();
    const int count = each_of<X509>(pem, PEM_read_bio_X509, X509_free, [&](X509* certificate) {
        if (has_name(names, certificate)) return;
        sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(certificate)));
    });
    SSL_CTX_set_client_CA_list(native_, names);
    return count > 0 ? "" : "no certificate in it";
}

std::string TlsContext::add_revocations(const std::string& pem) {
    std::string fault = fault_of_pem(pem, PemKind::revocations);
    if (!fault.empty()) return fault;
    X509_STORE* store = SSL_CTX_get_cert_store(native_);
    const int count = each_of<X509_CRL>(pem, PEM_read_bio_X509_CRL, X509_CRL_free,
                                        [&](X509_CRL* list) { X509_STORE_add_crl(store, list); });
    return count > 0 ? "" : "no revocation list in it";
}

void TlsContext::verify_peer(Verify mode, int depth) {
    verify_ = mode;
    depth_ = depth;
    int flags = mode == Verify::none ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    if (mode == Verify::require && is_server()) flags |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(native_, flags, mode == Verify::none ? nullptr : judge);
}

void TlsContext::check_revocation(Revocation mode, bool missing_is_right) {
    missing_is_right_ = missing_is_right;
    if (mode == Revocation::none) return;
    X509_STORE_set_flags(
        SSL_CTX_get_cert_store(native_),
        X509_V_FLAG_CRL_CHECK | (mode == Revocation::chain ? X509_V_FLAG_CRL_CHECK_ALL : 0));
}

// ---- the peer of a connection

namespace {

bool is_for(X509* certificate, const std::string& name) {
    const bool is_address = X509_check_ip_asc(certificate, name.c_str(), 0) == 1;
    const bool is_name = X509_check_host(certificate, name.data(), name.size(), 0, nullptr) == 1;
    ERR_clear_error();
    return is_address || is_name;
}

/// As Apache compares: the first common name, which may begin with "*." for one label.
bool is_common_name(X509* certificate, std::string_view name) {
    const X509_NAME* subject = X509_get_subject_name(certificate);
    const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0) return false;
    unsigned char* octets = nullptr;
    const ASN1_STRING* written = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
    const int size = ASN1_STRING_to_UTF8(&octets, written);
    ERR_clear_error();
    if (size < 0) return false;
    const std::string common(reinterpret_cast<char*>(octets), static_cast<std::size_t>(size));
    OPENSSL_free(octets);
    if (http::equals_ignore_case(common, name)) return true;
    const std::size_t dot = name.find('.');
    return common.starts_with("*.") && dot != name.npos &&
           http::equals_ignore_case(std::string_view(common).substr(1), name.substr(dot));
}

}  // namespace

const char* fault_of_peer(const TlsTransport& transport, const std::string& name,
                          const PeerChecks& checks) {
    X509* certificate = SSL_get0_peer_certificate(transport.ssl());
    if (certificate == nullptr) return "the upstream has no certificate";
    if (checks.expiry && (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0 ||
                          X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)) {
        return "the upstream's certificate is not valid now";
    }
    switch (checks.name) {
        case PeerChecks::Name::unchecked:
            return nullptr;
        case PeerChecks::Name::any:
            return is_for(certificate, name) ? nullptr
                                             : "the upstream's certificate is for another name";
        case PeerChecks::Name::common:
            return is_common_name(certificate, name)
                       ? nullptr
                       : "the upstream's certificate has another common name";
    }
    return nullptr;
}

}  // namespace headgate::net
