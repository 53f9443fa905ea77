// What a virtual host asks of TLS, and how it is agreed: ciphers and whose order they have, how
// long a client's chain may be, a name in the ClientHello, TLS at all.
#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsAgreement : public Behaviour {};
EVERY_MODEL(TlsAgreement);

int status_of(RawConnection& client, const std::string& path = "/hello") {
    client.send("GET " + path + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
    return client.receive_response().status;
}

/// The cipher that a server with these directives and a client agree on.
std::string agreed(const RunningProxy& proxy, const TlsTerms& terms) {
    RawConnection client(proxy.port(), terms);
    EXPECT_TRUE(client.shake()) << client.tls()->fault();
    return SSL_get_cipher_name(client.tls()->ssl());
}

TEST_P(TlsAgreement, HasTheCiphersOfTls13) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), files.server("a.test") +
                                    "SSLCipherSuite TLSv1.3 TLS_CHACHA20_POLY1305_SHA256\n" +
                                    pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.version = TLS1_3_VERSION;
    EXPECT_EQ(agreed(proxy, terms), "TLS_CHACHA20_POLY1305_SHA256");
    terms.version = TLS1_2_VERSION;
    terms.ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
    EXPECT_EQ(agreed(proxy, terms), terms.ciphers) << "of TLSv1.2 nothing was said";
}

TEST_P(TlsAgreement, HonorsAnOrderOfCiphers) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string small = "ECDHE-ECDSA-AES128-GCM-SHA256";
    const std::string large = "ECDHE-ECDSA-AES256-GCM-SHA384";
    TlsTerms terms = asking_for("a.test");
    terms.version = TLS1_2_VERSION;
    terms.ciphers = large + ":" + small;
    for (const auto& [is_honored, expected] : {std::pair{"On", small}, std::pair{"Off", large}}) {
        RunningProxy proxy(model(), files.server("a.test") + "SSLCipherSuite " + small + ":" +
                                        large + "\nSSLHonorCipherOrder " + is_honored + "\n" +
                                        pass_all_to(origin));
        EXPECT_EQ(agreed(proxy, terms), expected) << is_honored;
    }
}

TEST_P(TlsAgreement, TakesChainsUpToTheDepth) {
    const TlsFiles files;
    RunningOrigin origin;
    TlsTerms terms = asking_for("a.test");
    terms.shown = authority().issue("client.test");
    for (const auto& [depth, expected] : {std::pair{"0", 0}, std::pair{"1", 200}}) {
        RunningProxy proxy(model(), files.server("a.test") + files.authorities() +
                                        "SSLVerifyClient require\nSSLVerifyDepth " + depth + "\n" +
                                        pass_all_to(origin));
        RawConnection client(proxy.port(), terms);
        EXPECT_EQ(status_of(client), expected) << depth;
        if (expected == 0) proxy.error_log("certificate chain too long");
    }
}

TEST_P(TlsAgreement, WantsANameWhereThatIsStrict) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(
        model(), files.server("a.test") + "SSLStrictSNIVHostCheck On\n" + pass_all_to(origin));
    RawConnection named(proxy.port(), asking_for("a.test"));
    EXPECT_EQ(status_of(named), 200);
    RawConnection nameless(proxy.port(), asking_for(""));
    EXPECT_EQ(status_of(nameless), 403);
}

TEST_P(TlsAgreement, IsDemandedByPlace) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), "Listen 127.0.0.1:${PORT2}\n<VirtualHost *:${PORT2}>\n" +
                                    files.server("a.test") + "</VirtualHost>\n" +
                                    "<Location /headers>\nSSLRequireSSL\n</Location>\n" +
                                    pass_all_to(origin));
    RawConnection plain(proxy.port());
    EXPECT_EQ(status_of(plain, "/headers"), 403);
    RawConnection elsewhere(proxy.port());
    EXPECT_EQ(status_of(elsewhere), 200);
    RawConnection tls(proxy.second_port(), asking_for("a.test"));
    EXPECT_EQ(status_of(tls, "/headers"), 200);
}

}  // namespace
}  // namespace headgate
