// Facts about a TLS connection by mod_ssl's names. See tls_peer.h.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <charconv>

#include "proxy/net/tls_context.h"
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

struct PartName {
    std::string_view name;
    int nid;
};
constexpr PartName parts[] = {
    {"C", NID_countryName},
    {"ST", NID_stateOrProvinceName},
    {"L", NID_localityName},
    {"O", NID_organizationName},
    {"OU", NID_organizationalUnitName},
    {"CN", NID_commonName},
    {"T", NID_title},
    {"G", NID_givenName},
    {"S", NID_surname},
    {"UID", NID_userId},
    {"Email", NID_pkcs9_emailAddress},
};

/// "CN", or "CN_1" for the second of that kind.
std::string dn_part(X509_NAME* name, std::string_view part) {
    const std::size_t line = part.find('_');
    int index = 0;
    if (line != part.npos) {
        std::from_chars(part.data() + line + 1, part.data() + part.size(), index);
    }
    const auto* known = std::find_if(std::begin(parts), std::end(parts), [&](const PartName& each) {
        return each.name == part.substr(0, line);
    });
    if (known == std::end(parts)) return "";
    int at = -1;
    do {
        at = X509_NAME_get_index_by_NID(name, known->nid, at);
    } while (at >= 0 && index-- > 0);
    if (at < 0) return "";
    BIO* out = BIO_new(BIO_s_mem());
    ASN1_STRING_print_ex(out, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)),
                         ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT);
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
    int index = 0;
    std::from_chars(wanted.data() + kind->name.size(), wanted.data() + wanted.size(), index);
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

std::string fingerprint(const X509* certificate, const EVP_MD* digest) {
    unsigned char octets[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509_digest(certificate, digest, octets, &size);
    static constexpr char hex[] = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; i++)
        text += {hex[octets[i] >> 4], hex[octets[i] & 15]};
    return text;
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
    if (name == "FINGERPRINT_SHA256") return fingerprint(certificate, EVP_sha256());
    if (name == "A_SIG") return OBJ_nid2ln(X509_get_signature_nid(certificate));
    if (name == "A_KEY") return OBJ_nid2ln(EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)));
    if (name == "V_REMAIN") {
        int days = 0;
        int seconds = 0;
        ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(certificate));
        return std::to_string(std::max(days, 0));
    }
    if (name == "CERT") {
        BIO* out = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(out, certificate);
        return taken(out);
    }
    return "";
}

std::string verify_text(SSL* ssl) {
    if (SSL_get0_peer_certificate(ssl) == nullptr) return "NONE";
    const long result = SSL_get_verify_result(ssl);
    if (result == X509_V_OK)
        return SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE ? "NONE" : "SUCCESS";
    const auto* context =
        static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    if (context->verify_mode() == TlsContext::Verify::optional_no_ca) return "GENEROUS";
    return std::string("FAILED:") + X509_verify_cert_error_string(result);
}

std::string session_id(SSL* ssl) {
    unsigned size = 0;
    const unsigned char* octets = SSL_SESSION_get_id(SSL_get_session(ssl), &size);
    static constexpr char hex[] = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; i++)
        text += {hex[octets[i] >> 4], hex[octets[i] & 15]};
    return text;
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
    if (name == "SSL_SECURE_RENEG") return "true";
    if (name == "SSL_COMPRESS_METHOD") return "NULL";
    if (name == "SSL_VERSION_LIBRARY") return tls_library_version();
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
    if (name.starts_with("SSL_CLIENT_")) {
        return certificate_fact(SSL_get0_peer_certificate(ssl), name.substr(11));
    }
    return "";
}

}  // namespace headgate::net
