// Certificates and keys made on the spot, for tests of TLS: a small authority and what it signs.
// Nothing of the proxy's own code.
#pragma once

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <string>

namespace headgate::support {

/// A certificate and its key, as PEM.
struct Issued {
    std::string certificate;
    std::string key;
};

/// A key (PEM) that only a passphrase opens.
inline std::string encrypted(const std::string& key, const std::string& passphrase) {
    BIO* in = BIO_new_mem_buf(key.data(), -1);
    EVP_PKEY* read = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PKCS8PrivateKey(out, read, EVP_aes_128_cbc(), passphrase.data(),
                                  static_cast<int>(passphrase.size()), nullptr, nullptr);
    char* octets = nullptr;
    const long size = BIO_get_mem_data(out, &octets);
    const std::string text(octets, static_cast<std::size_t>(size));
    BIO_free(in);
    BIO_free(out);
    EVP_PKEY_free(read);
    return text;
}

class Authority {
public:
    explicit Authority(const std::string& name = "Test Authority") : key_(make_key("EC")) {
        certificate_ = begin(name, key_, 1, 365);
        X509_set_issuer_name(certificate_, X509_get_subject_name(certificate_));
        extend(certificate_, NID_basic_constraints, "critical,CA:TRUE");
        extend(certificate_, NID_key_usage, "critical,keyCertSign,cRLSign");
        X509_sign(certificate_, key_, EVP_sha256());
    }
    /// One whose own certificate is another's.
    Authority(const std::string& name, const Authority& above) : Authority(name) {
        X509_set_issuer_name(certificate_, X509_get_subject_name(above.certificate_));
        X509_sign(certificate_, above.key_, EVP_sha256());
    }
    ~Authority() {
        X509_free(certificate_);
        EVP_PKEY_free(key_);
    }
    Authority(const Authority&) = delete;
    Authority& operator=(const Authority&) = delete;

    std::string certificate() const { return pem(certificate_); }

    /// For a name (DNS, and 127.0.0.1); `kind` is "EC" or "RSA"; valid for `days`, less than 0:
    /// already expired. `responder`: a URI where its status could be asked for, or none. `also`:
    /// more alternative names, as OpenSSL's configuration has them.
    Issued issue(const std::string& name, const char* kind = "EC", int days = 90,
                 const std::string& responder = "", const std::string& also = "") {
        EVP_PKEY* key = make_key(kind);
        X509* made = begin(name, key, ++serial_, days);
        X509_set_issuer_name(made, X509_get_subject_name(certificate_));
        extend(made, NID_subject_alt_name,
               "DNS:" + name + ",IP:127.0.0.1" + (also.empty() ? "" : "," + also));
        if (!responder.empty()) extend(made, NID_info_access, "OCSP;URI:" + responder);
        X509_sign(made, key_, EVP_sha256());
        const Issued issued{pem(made), pem(key)};
        X509_free(made);
        EVP_PKEY_free(key);
        return issued;
    }

    /// A revocation list with the certificate issued last, or with none.
    std::string revoke(bool last) {
        X509_CRL* list = X509_CRL_new();
        X509_CRL_set_version(list, 1);
        X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate_));
        ASN1_TIME* time = ASN1_TIME_new();
        X509_gmtime_adj(time, -3600);
        X509_CRL_set1_lastUpdate(list, time);
        if (last) {
            X509_REVOKED* entry = X509_REVOKED_new();
            ASN1_INTEGER* serial = ASN1_INTEGER_new();
            ASN1_INTEGER_set(serial, serial_);
            X509_REVOKED_set_serialNumber(entry, serial);
            X509_REVOKED_set_revocationDate(entry, time);
            X509_CRL_add0_revoked(list, entry);
            ASN1_INTEGER_free(serial);
        }
        X509_gmtime_adj(time, 86400);
        X509_CRL_set1_nextUpdate(list, time);
        ASN1_TIME_free(time);
        X509_CRL_sort(list);
        X509_CRL_sign(list, key_, EVP_sha256());
        BIO* out = BIO_new(BIO_s_mem());
        PEM_write_bio_X509_CRL(out, list);
        X509_CRL_free(list);
        return taken(out);
    }

    /// An OCSP response (DER) about a certificate of this authority, or said to be; it ends in
    /// `seconds`.
    std::string answer_status(const Issued& about, long seconds = 3600,
                              int status = V_OCSP_CERTSTATUS_GOOD) {
        BIO* text = BIO_new_mem_buf(about.certificate.data(), -1);
        X509* certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
        BIO_free(text);
        OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
        OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), certificate, certificate_);
        ASN1_TIME* from = X509_gmtime_adj(nullptr, std::min(-60L, seconds - 60));
        ASN1_TIME* until = X509_gmtime_adj(nullptr, seconds);
        OCSP_basic_add1_status(basic, id, status, 0,
                               status == V_OCSP_CERTSTATUS_REVOKED ? from : nullptr, from, until);
        OCSP_basic_sign(basic, certificate_, key_, EVP_sha256(), nullptr, 0);
        OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
        unsigned char* octets = nullptr;
        const int size = i2d_OCSP_RESPONSE(response, &octets);
        const std::string der(reinterpret_cast<char*>(octets), static_cast<std::size_t>(size));
        OPENSSL_free(octets);
        OCSP_RESPONSE_free(response);
        OCSP_BASICRESP_free(basic);
        OCSP_CERTID_free(id);
        ASN1_TIME_free(from);
        ASN1_TIME_free(until);
        X509_free(certificate);
        return der;
    }

private:
    static EVP_PKEY* make_key(const char* kind) {
        return std::string(kind) == "RSA" ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    }
    static X509* begin(const std::string& name, EVP_PKEY* key, long serial, int days) {
        X509* made = X509_new();
        X509_set_version(made, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(made), serial);
        X509_gmtime_adj(X509_getm_notBefore(made), -86400L * 100);
        X509_gmtime_adj(X509_getm_notAfter(made), 86400L * days);
        X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        X509_set_pubkey(made, key);
        return made;
    }
    static void extend(X509* made, int what, const std::string& value) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
        X509_add_ext(made, extension, -1);
        X509_EXTENSION_free(extension);
    }
    static std::string taken(BIO* out) {
        char* octets = nullptr;
        const long size = BIO_get_mem_data(out, &octets);
        std::string text(octets, static_cast<std::size_t>(size));
        BIO_free(out);
        return text;
    }
    static std::string pem(X509* certificate) {
        BIO* out = BIO_new(BIO_s_mem());
        PEM_write_bio_X509(out, certificate);
        return taken(out);
    }
    static std::string pem(EVP_PKEY* key) {
        BIO* out = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
        return taken(out);
    }

    EVP_PKEY* key_;
    X509* certificate_ = nullptr;
    long serial_ = 1;
};

}  // namespace headgate::support
