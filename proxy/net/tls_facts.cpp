// Facts about a TLS connection by mod_ssl's names. See tls_peer.h.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <optional>

#include "proxy/net/tls_algorithms.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_fact_names.h"
#include "proxy/net/tls_peer.h"

namespace headgate::net {
namespace {

std::string taken(BIO* bio) {
    char* octets = nullptr;
    const long size = BIO_get_mem_data(bio, &octets);
    std::string text(octets, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

/// RFC 2253, as Apache writes names: "CN=client,O=Example".
std::string dn_text(const X509_NAME* name) {
    BIO* out = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    return taken(out);
}

/// "CN", or "CN_1" for the second of that kind; see tls_fact_names.h.
std::string dn_part(const X509_NAME* name, std::string_view text) {
    const std::optional<DnPart> part = dn_part_of(text);
    if (!part) return "";
    int at = -1;
    int index = part->index;
    do {
        at = X509_NAME_get_index_by_NID(name, part->nid, at);
    } while (at >= 0 && index-- > 0);
    if (at < 0) return "";
    BIO* out = BIO_new(BIO_s_mem());
    const unsigned long flags =
        ASN1_STRFLGS_ESC_CTRL | (part->is_raw ? 0 : ASN1_STRFLGS_UTF8_CONVERT);
    ASN1_STRING_print_ex(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), flags);
    return taken(out);
}

std::string time_text(const ASN1_TIME* time) {
    BIO* out = BIO_new(BIO_s_mem());
    ASN1_TIME_print(out, time);
    return taken(out);
}

/// A kind of alternative name: a form of its own, or a text behind an object identifier.
struct NameKind {
    std::string_view name;
    int type;
    const char* other = nullptr;  // the identifier
};

constexpr NameKind name_kinds[] = {
    {"DNS_", GEN_DNS},
    {"Email_", GEN_EMAIL},
    {"URI_", GEN_URI},
    {"OTHER_msUPN_", GEN_OTHERNAME, "1.3.6.1.4.1.311.20.2.3"},
    {"OTHER_dnsSRV_", GEN_OTHERNAME, "1.3.6.1.5.5.7.8.7"},
};

/// The text of a name of this kind; null: it is of another.
const ASN1_STRING* text_of(const GENERAL_NAME& name, const NameKind& kind) {
    if (name.type != kind.type) return nullptr;
    if (kind.other == nullptr) return name.d.ia5;
    char identifier[80];
    OBJ_obj2txt(identifier, sizeof identifier, name.d.otherName->type_id, 1);
    const ASN1_TYPE& value = *name.d.otherName->value;
    const bool is_text = value.type == V_ASN1_UTF8STRING || value.type == V_ASN1_IA5STRING;
    return is_text && std::string_view(identifier) == kind.other ? value.value.asn1_string
                                                                 : nullptr;
}

/// SAN_DNS_0, SAN_Email_0, SAN_OTHER_msUPN_0, ...
std::string alternative_name(X509* certificate, std::string_view wanted) {
    const auto* kind =
        std::find_if(std::begin(name_kinds), std::end(name_kinds),
                     [&](const NameKind& each) { return wanted.starts_with(each.name); });
    if (kind == std::end(name_kinds)) return "";
    int index = number_of(wanted.substr(kind->name.size())).value_or(0);
    auto* names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    std::string found;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const ASN1_STRING* text = text_of(*sk_GENERAL_NAME_value(names, i), *kind);
        if (text == nullptr || index-- > 0) continue;
        found.assign(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
        break;
    }
    GENERAL_NAMES_free(names);
    return found;
}

std::string serial_text(const X509* certificate) {
    BIO* out = BIO_new(BIO_s_mem());
    i2a_ASN1_INTEGER(out, X509_get0_serialNumber(certificate));
    return taken(out);
}

std::string hex_text(const unsigned char* octets, unsigned size) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; i++)
        text += {digits[octets[i] >> 4], digits[octets[i] & 15]};
    return text;
}

std::string fingerprint(const X509* certificate) {
    unsigned char octets[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509_digest(certificate, fetched_sha256(), octets, &size);
    return hex_text(octets, size);
}

std::string pem_text(X509* certificate) {
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    return taken(out);
}

/// Behind SSL_CLIENT_ or SSL_SERVER_.
std::string certificate_fact(X509* certificate, std::string_view name) {
    if (certificate == nullptr) return "";
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME* issuer = X509_get_issuer_name(certificate);
    if (name == "S_DN") return dn_text(subject);
    if (name == "I_DN") return dn_text(issuer);
    if (name.starts_with("S_DN_")) return dn_part(subject, name.substr(5));
    if (name.starts_with("I_DN_")) return dn_part(issuer, name.substr(5));
    if (name.starts_with("SAN_")) return alternative_name(certificate, name.substr(4));
    if (name == "M_VERSION") return std::to_string(X509_get_version(certificate) + 1);
    if (name == "M_SERIAL") return serial_text(certificate);
    if (name == "V_START") return time_text(X509_get0_notBefore(certificate));
    if (name == "V_END") return time_text(X509_get0_notAfter(certificate));
    if (name == "FINGERPRINT_SHA256") return fingerprint(certificate);
    if (name == "A_SIG") return OBJ_nid2ln(X509_get_signature_nid(certificate));
    if (name == "A_KEY") return OBJ_nid2ln(EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)));
    if (name == "V_REMAIN") {
        int days = 0;
        int seconds = 0;
        ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate));
        return std::to_string(std::max(days, 0));
    }
    if (name == "CERT") return pem_text(certificate);
    return "";
}

/// Above the client's own, as it sent them; a resumed session has none.
std::string chain_certificate(SSL* ssl, std::string_view digits) {
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    const std::optional<int> index = number_of(digits);
    if (!index || *index >= sk_X509_num(chain)) return "";
    return pem_text(sk_X509_value(chain, *index));
}

/// RFC 4523 section 2.1, certificateExactAssertion: which certificate of whom.
std::string exact_assertion(const X509* certificate) {
    if (certificate == nullptr) return "";
    BIGNUM* serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
    char* digits = BN_bn2dec(serial);
    std::string text = std::string("{ serialNumber ") + digits + ", issuer rdnSequence:\"" +
                       dn_text(X509_get_issuer_name(certificate)) + "\" }";
    OPENSSL_free(digits);
    BN_free(serial);
    return text;
}

std::string verify_text(SSL* ssl) {
    if (SSL_get0_peer_certificate(ssl) == nullptr) return "NONE";
    const long result = SSL_get_verify_result(ssl);
    if (result == X509_V_OK)
        return SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ? "NONE" : "SUCCESS";
    if (context_of(ssl).verify_mode() == TlsContext::Verify::optional_no_ca) return "GENEROUS";
    return std::string("FAILED:") + X509_verify_cert_error_string(result);
}

std::string session_id(SSL* ssl) {
    unsigned size = 0;
    const unsigned char* octets = SSL_SESSION_get_id(SSL_get_session(ssl), &size);
    return hex_text(octets, size);
}

std::string cipher_fact(const SSL_CIPHER* cipher, std::string_view name) {
    int algorithm_bits = 0;
    const int bits = SSL_CIPHER_get_bits(cipher, &algorithm_bits);
    if (name == "SSL_CIPHER") return SSL_CIPHER_get_name(cipher);
    if (name == "SSL_CIPHER_USEKEYSIZE") return std::to_string(bits);
    if (name == "SSL_CIPHER_ALGKEYSIZE") return std::to_string(algorithm_bits);
    if (name == "SSL_CIPHER_EXPORT") return "false";
    return "";
}

std::string version_fact(std::string_view name) {
    if (name == "SSL_VERSION_INTERFACE") return "Headgate/" HEADGATE_VERSION;
    if (name != "SSL_VERSION_LIBRARY") return "";
    std::string library = tls_library_version();  // "OpenSSL 3.0.22"
    std::replace(library.begin(), library.end(), ' ', '/');
    return library;
}

}  // namespace

TlsCertificateBrief brief_of(X509* certificate) {
    TlsCertificateBrief brief;
    brief.name = dn_part(X509_get_subject_name(certificate), "CN");
    if (brief.name.empty()) brief.name = alternative_name(certificate, "DNS_0");
    const char* kind = EVP_PKEY_get0_type_name(X509_get0_pubkey(certificate));
    brief.kind = kind != nullptr ? kind : "";
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1) {
        brief.expiry = ::timegm(&parts);
    }
    return brief;
}

bool is_resumed(const TlsTransport& transport) {
    return SSL_session_reused(transport.ssl()) == 1;
}

std::string tls_fact(const TlsTransport& transport, std::string_view name) {
    SSL* ssl = transport.ssl();
    if (name == "HTTPS") return "on";
    if (name == "SSL_PROTOCOL") return SSL_get_version(ssl);
    if (name.starts_with("SSL_CIPHER")) return cipher_fact(SSL_get_current_cipher(ssl), name);
    if (name == "SSL_CLIENT_VERIFY") return verify_text(ssl);
    if (name == "SSL_SESSION_RESUMED") return SSL_session_reused(ssl) == 1 ? "Resumed" : "Initial";
    if (name == "SSL_SESSION_ID") return session_id(ssl);
    if (name == "SSL_SECURE_RENEG") {
        return SSL_get_secure_renegotiation_support(ssl) == 1 ? "true" : "false";
    }
    if (name == "SSL_COMPRESS_METHOD") return "NULL";
    if (name.starts_with("SSL_VERSION_")) return version_fact(name);
    if (name == "SSL_TLS_SNI") {
        const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        return asked != nullptr ? asked : "";
    }
    if (name == "SSL_ALPN") {  // ours: what the handshake agreed on
        const unsigned char* protocol = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(ssl, &protocol, &size);
        return {reinterpret_cast<const char*>(protocol), size};
    }
    if (name.starts_with("SSL_SERVER_")) {
        return certificate_fact(SSL_get_certificate(ssl), name.substr(11));
    }
    if (name == "SSL_CLIENT_CERT_RFC4523_CEA") {
        return exact_assertion(SSL_get0_peer_certificate(ssl));
    }
    constexpr std::string_view chain = "SSL_CLIENT_CERT_CHAIN_";
    if (name.starts_with(chain)) return chain_certificate(ssl, name.substr(chain.size()));
    if (name.starts_with("SSL_CLIENT_")) {
        return certificate_fact(SSL_get0_peer_certificate(ssl), name.substr(11));
    }
    return "";
}

std::string tls_fact(const TlsTransport* transport, std::string_view name) {
    if (transport != nullptr) return tls_fact(*transport, name);
    if (name == "HTTPS") return "off";
    return name.starts_with("SSL_VERSION_") ? version_fact(name) : "";
}

}  // namespace headgate::net
