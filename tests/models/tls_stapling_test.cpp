// OCSP responses that certificates are shown with: from files that somebody else keeps, taken when
// they change, and never sent when they are of no use.
#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsStapling : public Behaviour {};
EVERY_MODEL(TlsStapling);

struct Stapled {
    TlsFiles files;
    Issued own = authority().issue("a.test", "EC", 90, "http://ocsp.test/");

    std::string directives() const {
        return "SSLEngine On\nSSLUseStapling On\nSSLStaplingCache shmcb:/nowhere(32768)\n"
               "SSLCertificateFile " +
               files.folder.write("a.pem", own.certificate + authority().certificate()) +
               "\nSSLCertificateKeyFile " + files.folder.write("a.key", own.key) + "\n";
    }
    void keep(const std::string& response) const { files.folder.write("a.pem.ocsp", response); }
};

/// What a client that asks gets, empty for none; the handshake succeeds in any case.
std::string staple_of(const RunningProxy& proxy, int version = 0) {
    TlsTerms terms = asking_for("a.test");
    terms.asks_status = true;
    terms.version = version;
    RawConnection client(proxy.port(), terms);
    EXPECT_TRUE(client.shake()) << client.tls()->fault();
    return client.tls()->staple();
}

TEST_P(TlsStapling, SendsWhatAFileHolds) {
    const Stapled stapled;
    RunningOrigin origin;
    const std::string response = authority().answer_status(stapled.own);
    stapled.keep(response);
    RunningProxy proxy(model(), stapled.directives() + pass_all_to(origin));
    EXPECT_EQ(staple_of(proxy, TLS1_2_VERSION), response);
    EXPECT_EQ(staple_of(proxy, TLS1_3_VERSION), response);
    EXPECT_EQ(proxy.messages().find("warning"), std::string::npos) << proxy.messages();
}

TEST_P(TlsStapling, TakesTheFileWhenItChanges) {
    const Stapled stapled;
    RunningOrigin origin;
    RunningProxy proxy(model(), stapled.directives() + pass_all_to(origin));
    EXPECT_NE(proxy.messages().find("there is no response for this certificate"),
              std::string::npos);
    EXPECT_EQ(staple_of(proxy), "");
    const std::string response = authority().answer_status(stapled.own, 7200);
    stapled.keep(response);
    wait_until("for the response", [&] { return staple_of(proxy) == response; });
    Authority stranger("Stranger");
    stapled.keep(stranger.answer_status(stapled.own));
    proxy.wait_for_message("it is not signed by the issuer of the certificate");
    wait_until("for the response to go", [&] { return staple_of(proxy) == ""; });
}

TEST_P(TlsStapling, SendsNothingThatIsOfNoUse) {
    RunningOrigin origin;
    const Stapled stapled;
    const Issued other = authority().issue("b.test");
    const auto check = [&](const std::string& response, const std::string& why) {
        stapled.keep(response);
        RunningProxy proxy(model(), stapled.directives() + pass_all_to(origin));
        EXPECT_EQ(staple_of(proxy), "") << why;
        EXPECT_NE(proxy.messages().find("the OCSP response is not sent: " + why), std::string::npos)
            << proxy.messages();
    };
    check("nonsense", "no OCSP response in it (DER)");
    check(authority().answer_status(stapled.own, -4000), "it has expired");
    check(authority().answer_status(other), "it is about another certificate");
    check(authority().answer_status(stapled.own, 3600, V_OCSP_CERTSTATUS_REVOKED),
          "it says that the certificate is revoked");
}

/// One that ends while the program runs; a client sees to it, the log says it.
TEST_P(TlsStapling, StopsWhenAResponseExpires) {
    const Stapled stapled;
    RunningOrigin origin;
    stapled.keep(authority().answer_status(stapled.own, 2));
    RunningProxy proxy(model(), "SSLProxyEngine On\n" + stapled.directives() + pass_all_to(origin));
    proxy.wait_for_message("has expired");
    EXPECT_EQ(staple_of(proxy), "");
    stapled.keep(authority().answer_status(stapled.own));
    proxy.wait_for_message("new certificates for");
    const std::string said = proxy.messages();
    EXPECT_EQ(said.find("has expired"), said.rfind("has expired")) << "once";
}

/// Certificates that name no responder have nothing to be stapled: not a word.
TEST_P(TlsStapling, IsSilentWithoutAResponder) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(),
                       "SSLUseStapling On\n" + files.server("a.test") + pass_all_to(origin));
    EXPECT_EQ(staple_of(proxy), "");
    EXPECT_EQ(proxy.messages().find("staple"), std::string::npos) << proxy.messages();
}

}  // namespace
}  // namespace headgate
