// What fields and logs are told of a TLS connection by the names of mod_ssl, with their values.
#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsFacts : public Behaviour {};
EVERY_MODEL(TlsFacts);

struct Fact {
    std::string name;
    std::string value;  // ends with "...": what it begins with
};

/// Values of fields are told by numbers, ...
std::string telling(const std::vector<Fact>& facts) {
    std::string directives;
    for (std::size_t i = 0; i < facts.size(); i++) {
        directives +=
            "RequestHeader set X-" + std::to_string(i) + " \"%{" + facts[i].name + "}s\"\n";
    }
    return directives;
}

void expect_told(const std::vector<Fact>& facts, const std::string& head) {
    for (std::size_t i = 0; i < facts.size(); i++) {
        const auto& [name, value] = facts[i];
        const std::string told(find_field(head, "X-" + std::to_string(i)));
        if (value.ends_with("...")) {
            const std::string start = value.substr(0, value.size() - 3);
            EXPECT_EQ(told.substr(0, start.size()), start) << name;
            EXPECT_GT(told.size(), start.size()) << name;
        } else {
            EXPECT_EQ(told, value) << name;
        }
    }
}

/// A certificate with every part of a name that has a variable, signed by itself.
Issued certificate_of_many_names() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* made = X509_new();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 4711);
    X509_gmtime_adj(X509_getm_notBefore(made), -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 86400L * 10 + 3600);
    X509_NAME* name = X509_get_subject_name(made);
    for (const auto& [part, text] :
         std::initializer_list<std::pair<const char*, const char*>>{{"C", "DE"},
                                                                    {"ST", "state"},
                                                                    {"L", "place"},
                                                                    {"O", "company"},
                                                                    {"OU", "first"},
                                                                    {"OU", "second"},
                                                                    {"CN", "M\xc3\xbcller"},
                                                                    {"title", "Dr"},
                                                                    {"initials", "M"},
                                                                    {"GN", "given"},
                                                                    {"SN", "family"},
                                                                    {"description", "words"},
                                                                    {"UID", "user"},
                                                                    {"emailAddress", "m@x.test"}})
        X509_NAME_add_entry_by_txt(name, part, MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(text), -1, -1, 0);
    X509_set_issuer_name(made, name);
    X509_set_pubkey(made, key);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(
        nullptr, nullptr, NID_subject_alt_name,
        "DNS:one.test,DNS:two.test,email:m@x.test,URI:spiffe://x/y,otherName:msUPN;UTF8:u@x.test");
    X509_add_ext(made, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(made, key, EVP_sha256());
    const auto text_of = [](auto write, auto* object) {
        BIO* out = BIO_new(BIO_s_mem());
        write(out, object);
        char* octets = nullptr;
        const long size = BIO_get_mem_data(out, &octets);
        const std::string text(octets, static_cast<std::size_t>(size));
        BIO_free(out);
        return text;
    };
    const Issued issued{text_of([](BIO* out, X509* of) { PEM_write_bio_X509(out, of); }, made),
                        text_of(
                            [](BIO* out, EVP_PKEY* of) {
                                PEM_write_bio_PrivateKey(out, of, nullptr, nullptr, 0, nullptr,
                                                         nullptr);
                            },
                            key)};
    X509_free(made);
    EVP_PKEY_free(key);
    return issued;
}

TEST_P(TlsFacts, AreThoseOfModSsl) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::vector<Fact> facts = {
        {"HTTPS", "on"},
        {"SSL_PROTOCOL", "TLSv1.2"},
        {"SSL_CIPHER", "ECDHE-ECDSA-AES128-GCM-SHA256"},
        {"SSL_CIPHER_USEKEYSIZE", "128"},
        {"SSL_CIPHER_ALGKEYSIZE", "128"},
        {"SSL_CIPHER_EXPORT", "false"},
        {"SSL_COMPRESS_METHOD", "NULL"},
        {"SSL_SECURE_RENEG", "true"},
        {"SSL_SESSION_RESUMED", "Initial"},
        {"SSL_TLS_SNI", "a.test"},
        {"SSL_VERSION_INTERFACE", "Headgate/..."},
        {"SSL_VERSION_LIBRARY", "OpenSSL/3...."},
        {"SSL_CLIENT_VERIFY", "GENEROUS"},
        {"SSL_CLIENT_M_VERSION", "3"},
        {"SSL_CLIENT_M_SERIAL", "1267"},
        {"SSL_CLIENT_S_DN", "emailAddress=m@x.test,UID=user,description=words,..."},
        {"SSL_CLIENT_S_DN_C", "DE"},
        {"SSL_CLIENT_S_DN_ST", "state"},
        {"SSL_CLIENT_S_DN_SP", "state"},
        {"SSL_CLIENT_S_DN_L", "place"},
        {"SSL_CLIENT_S_DN_O", "company"},
        {"SSL_CLIENT_S_DN_OU", "first"},
        {"SSL_CLIENT_S_DN_OU_0", "first"},
        {"SSL_CLIENT_S_DN_OU_1", "second"},
        {"SSL_CLIENT_S_DN_OU_2", "(null)"},
        {"SSL_CLIENT_S_DN_CN", "M\xc3\xbcller"},
        {"SSL_CLIENT_S_DN_CN_RAW", "M\xfcller"},
        {"SSL_CLIENT_S_DN_T", "Dr"},
        {"SSL_CLIENT_S_DN_I", "M"},
        {"SSL_CLIENT_S_DN_G", "given"},
        {"SSL_CLIENT_S_DN_S", "family"},
        {"SSL_CLIENT_S_DN_D", "words"},
        {"SSL_CLIENT_S_DN_UID", "user"},
        {"SSL_CLIENT_S_DN_Email", "m@x.test"},
        {"SSL_CLIENT_I_DN", "emailAddress=m@x.test,..."},
        {"SSL_CLIENT_I_DN_OU_1", "second"},
        {"SSL_CLIENT_SAN_DNS_1", "two.test"},
        {"SSL_CLIENT_SAN_DNS_2", "(null)"},
        {"SSL_CLIENT_SAN_Email_0", "m@x.test"},
        {"SSL_CLIENT_SAN_URI_0", "spiffe://x/y"},
        {"SSL_CLIENT_SAN_OTHER_msUPN_0", "u@x.test"},
        {"SSL_CLIENT_V_REMAIN", "10"},
        {"SSL_CLIENT_A_SIG", "ecdsa-with-SHA256"},
        {"SSL_CLIENT_A_KEY", "id-ecPublicKey"},
        {"SSL_CLIENT_CERT", "-----BEGIN CERTIFICATE----- MII..."},
        {"SSL_CLIENT_CERT_CHAIN_0", "(null)"},
        {"SSL_CLIENT_CERT_RFC4523_CEA",
         "{ serialNumber 4711, issuer rdnSequence:\"emailAddress=m@x.test,..."},
        {"SSL_SERVER_M_VERSION", "3"},
        {"SSL_SERVER_S_DN", "CN=a.test"},
        {"SSL_SERVER_S_DN_CN", "a.test"},
        {"SSL_SERVER_I_DN_CN", "Test Authority"},
        {"SSL_SERVER_SAN_DNS_0", "a.test"},
        {"SSL_SERVER_SAN_OTHER_dnsSRV_0", "(null)"},
        {"SSL_SERVER_A_KEY", "id-ecPublicKey"},
        {"SSL_SERVER_CERT", "-----BEGIN CERTIFICATE----- MII..."},
    };
    RunningProxy proxy(model(), files.server("a.test") + "SSLVerifyClient optional_no_ca\n" +
                                    telling(facts) + pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.shown = certificate_of_many_names();
    terms.version = TLS1_2_VERSION;
    terms.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    RawConnection client(proxy.port(), terms);
    client.send("GET /headers HTTP/1.1\r\nHost: a.test\r\n\r\n");
    expect_told(facts, client.receive_response().content);
}

/// OpenSSL's client sends above its own what it trusts and has issued that.
TEST_P(TlsFacts, AreTheChainOfAClient) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::vector<Fact> facts = {
        {"SSL_CLIENT_VERIFY", "SUCCESS"},
        {"SSL_CLIENT_S_DN_CN", "client.test"},
        {"SSL_CLIENT_CERT_CHAIN_0", "-----BEGIN CERTIFICATE----- MII..."},
        {"SSL_CLIENT_CERT_CHAIN_1", "(null)"},
    };
    RunningProxy proxy(model(), files.server("a.test") + files.authorities() +
                                    "SSLVerifyClient require\n" + telling(facts) +
                                    pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.shown = authority().issue("client.test");
    RawConnection client(proxy.port(), terms);
    client.send("GET /headers HTTP/1.1\r\nHost: a.test\r\n\r\n");
    expect_told(facts, client.receive_response().content);
}

/// As in Apache, some are known without TLS.
TEST_P(TlsFacts, OfAPlainConnectionAreFew) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    RunningOrigin origin;
    const std::vector<Fact> facts = {{"HTTPS", "off"},
                                     {"SSL_VERSION_INTERFACE", "Headgate/..."},
                                     {"SSL_VERSION_LIBRARY", "OpenSSL/3...."},
                                     {"SSL_PROTOCOL", "(null)"},
                                     {"SSL_CLIENT_S_DN_CN", "(null)"}};
    RunningProxy proxy(model(), telling(facts) + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/headers"));
    expect_told(facts, client.receive_response().content);
}

}  // namespace
}  // namespace headgate
