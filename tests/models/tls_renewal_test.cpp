// What others replace while the program runs: certificates, lists of revoked ones, what certbot
// leaves behind (its options for Apache, its folder of symbolic links); and the hourly change of
// the keys that seal session tickets.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsRenewal : public Behaviour {};
EVERY_MODEL(TlsRenewal);

/// The directives of certbot's options-ssl-apache.conf (2.x), as they stand there.
constexpr const char* options_of_certbot =
    "SSLEngine on\n"
    "\n"
    "# Intermediate configuration, tweak to your needs\n"
    "SSLProtocol             all -SSLv2 -SSLv3 -TLSv1 -TLSv1.1\n"
    "SSLCipherSuite          ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384\n"
    "SSLHonorCipherOrder     off\n"
    "SSLSessionTickets       off\n"
    "\n"
    "SSLOptions +StrictRequire\n"
    "\n"
    "# Add vhost name to log entries:\n"
    "LogFormat \"%h %l %u %t \\\"%r\\\" %>s %b \\\"%{Referer}i\\\" \\\"%{User-agent}i\\\"\" "
    "vhost_combined\n"
    "LogFormat \"%v %h %l %u %t \\\"%r\\\" %>s %b\" vhost_common\n";

/// As certbot keeps them: live/a.test/NAME.pem is a link into archive/a.test.
struct Live {
    TemporaryFolder folder;
    std::filesystem::path at = folder.file("live");

    Live() {
        std::filesystem::create_directories(at);
        std::filesystem::create_directories(folder.file("archive"));
        renew(1);
    }
    void renew(int number) const {
        const Issued issued = authority().issue("a.test");
        put("fullchain", number, issued.certificate);
        put("privkey", number, issued.key);
    }
    std::string directives() const {
        return "SSLCertificateFile " + (at / "fullchain.pem").string() +
               "\nSSLCertificateKeyFile " + (at / "privkey.pem").string() + "\n";
    }

private:
    void put(const std::string& name, int number, const std::string& pem) const {
        const std::string file = name + std::to_string(number) + ".pem";
        folder.write("archive/" + file, pem);
        const std::string made = at / "new";
        ASSERT_EQ(::symlink(("../archive/" + file).c_str(), made.c_str()), 0);
        std::filesystem::rename(made, at / (name + ".pem"));
    }
};

/// The number of the certificate that is served.
long serial(const RunningProxy& proxy) {
    RawConnection client(proxy.port(), asking_for("a.test"));
    EXPECT_TRUE(client.shake()) << client.tls()->fault();
    X509* shown = SSL_get0_peer_certificate(client.tls()->ssl());
    return ASN1_INTEGER_get(X509_get0_serialNumber(shown));
}

int ask(RawConnection& client) {
    client.send("GET /hello HTTP/1.1\r\nHost: a.test\r\n\r\n");
    return client.receive_response().status;
}

TEST_P(TlsRenewal, TakesWhatCertbotWritesAsItIs) {
    const Live live;
    RunningOrigin origin;
    const std::string options = live.folder.write("options-ssl-apache.conf", options_of_certbot);
    const std::string log = live.folder.file("vhost.log");
    RunningProxy proxy(model(),
                       "<IfModule mod_ssl.c>\n<VirtualHost *:${PORT}>\nServerName a.test\n"
                       "Include " +
                           options + "\n" + live.directives() + "CustomLog " + log +
                           " vhost_combined\n</VirtualHost>\n</IfModule>\n" + pass_all_to(origin));
    EXPECT_EQ(proxy.messages().find("warning"), std::string::npos) << proxy.messages();
    for (const int version : {TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsTerms terms = asking_for("a.test");
        terms.version = version;
        terms.ciphers = "DEFAULT:@SECLEVEL=0";
        RawConnection client(proxy.port(), terms);
        EXPECT_EQ(ask(client), version == TLS1_1_VERSION ? 0 : 200) << version;
    }
    wait_until("for the log", [&] {
        return live.folder.read("vhost.log").find("\"GET /hello HTTP/1.1\" 200") !=
               std::string::npos;
    });
}

/// Two links, one after the other: in between they fit nothing, and the old pair goes on.
TEST_P(TlsRenewal, FollowsLinksThatAreTurnedRound) {
    const Live live;
    RunningOrigin origin;
    RunningProxy proxy(model(), "SSLEngine On\n" + live.directives() + pass_all_to(origin));
    const std::vector<pid_t> children = proxy.children();
    for (int number = 2; number < 4; number++) {
        const long before = serial(proxy);
        live.renew(number);
        wait_until("for the new certificate", [&] { return serial(proxy) > before; });
    }
    EXPECT_EQ(proxy.children(), children);
    EXPECT_EQ(proxy.messages().find("reloaded"), std::string::npos);
}

/// New files reach the children that run; what is of no use leaves the old certificate serving.
TEST_P(TlsRenewal, TakesNewCertificatesWithoutANewGeneration) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), files.server("a.test") + pass_all_to(origin));
    RawConnection kept(proxy.port(), asking_for("a.test"));
    EXPECT_EQ(ask(kept), 200);
    const std::vector<pid_t> children = proxy.children();
    const long first = serial(proxy);
    files.folder.write("a.testEC.key", "nonsense");
    proxy.wait_for_message("were not changed; the old ones go on");
    EXPECT_NE(proxy.messages().find("this file is of no use"), std::string::npos);
    EXPECT_EQ(serial(proxy), first);
    files.server("a.test");
    proxy.wait_for_message("new certificates for");
    wait_until("for the new certificate", [&] { return serial(proxy) > first; });
    EXPECT_EQ(proxy.children(), children);
    EXPECT_EQ(ask(kept), 200) << "its connection was not touched";
}

/// Also where the folder itself shows nothing of it.
TEST_P(TlsRenewal, SeesWhatIsReplacedInAFolder) {
    const TlsFiles files;
    const TemporaryFolder lists;
    RunningOrigin origin;
    Authority signer;
    const Issued client = signer.issue("client");
    lists.write("list.pem", signer.revoke(false));
    RunningProxy proxy(model(), files.server("a.test") + "SSLCACertificateFile " +
                                    files.folder.write("ca.pem", signer.certificate()) +
                                    "\nSSLVerifyClient require\nSSLCARevocationCheck leaf\n"
                                    "SSLCARevocationPath " +
                                    lists.file("") + "\n" + pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.shown = client;
    RawConnection welcome(proxy.port(), terms);
    EXPECT_EQ(ask(welcome), 200);
    lists.write("list.pem", signer.revoke(true));
    proxy.wait_for_message("new certificates for");
    wait_until("for the new list", [&] {
        RawConnection revoked(proxy.port(), terms);
        return ask(revoked) == 0;
    });
}

// ---- the hour

/// A program's wall clock, turned by the test: libfaketime reads it from a file.
class TurnedClock {
public:
    TurnedClock() {
        turn(0);
        ::setenv("LD_PRELOAD", library(), 1);
        ::setenv("FAKETIME_TIMESTAMP_FILE", folder_.file("clock").c_str(), 1);
        for (const char* name :
             {"FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC"})
            ::setenv(name, "1", 1);
    }
    ~TurnedClock() { forget(); }
    TurnedClock(const TurnedClock&) = delete;
    TurnedClock& operator=(const TurnedClock&) = delete;

    /// Programs started from now on have the true clock.
    static void forget() {
        for (const char* name : {"LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE", "FAKETIME_NO_CACHE",
                                 "DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC"})
            ::unsetenv(name);
    }
    void turn(int seconds) const {
        folder_.write("new", "+" + std::to_string(seconds) + "\n");
        std::filesystem::rename(folder_.file("new"), folder_.file("clock"));
    }
    static const char* library() {
        static const std::string found = [] {
            for (const char* machine : {"x86_64", "aarch64"}) {
                const std::string path =
                    std::string("/usr/lib/") + machine + "-linux-gnu/faketime/libfaketime.so.1";
                if (std::filesystem::exists(path)) return path;
            }
            return std::string();
        }();
        return found.c_str();
    }

private:
    TemporaryFolder folder_;
};

using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

/// A session that the program gives: a fresh one, or by resuming `from`.
Session session_of(const RunningProxy& proxy, const Session& from, bool& is_resumed) {
    TlsTerms terms = asking_for("a.test");
    terms.version = TLS1_2_VERSION;
    // A copy: OpenSSL's client gives a session up when it gets another ticket for it.
    const Session shown(from ? SSL_SESSION_dup(from.get()) : nullptr, SSL_SESSION_free);
    terms.session = shown.get();
    RawConnection client(proxy.port(), terms);
    EXPECT_TRUE(client.shake()) << client.tls()->fault();
    is_resumed = SSL_session_reused(client.tls()->ssl()) == 1;
    return {SSL_get1_session(client.tls()->ssl()), SSL_SESSION_free};
}

/// A ticket begins with the name of the key that sealed it (RFC 5077 section 4).
std::string key_of(const Session& session) {
    const unsigned char* ticket = nullptr;
    std::size_t size = 0;
    SSL_SESSION_get0_ticket(session.get(), &ticket, &size);
    return {reinterpret_cast<const char*>(ticket), std::min<std::size_t>(size, 16)};
}

/// Each hour another key seals; the two before still open, the third does not.
TEST_P(TlsRenewal, ChangesTheKeysOfTicketsEveryHour) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer and libfaketime both want to be first";
#endif
    ASSERT_STRNE(TurnedClock::library(), "") << "libfaketime is not installed";
    const TlsFiles files;
    RunningOrigin origin;
    const TurnedClock clock;
    RunningProxy proxy(
        model(), "SSLSessionCacheTimeout 86400\n" + files.server("a.test") + pass_all_to(origin));
    TurnedClock::forget();
    bool is_resumed = false;
    const Session none(nullptr, SSL_SESSION_free);
    const Session first = session_of(proxy, none, is_resumed);
    std::string key = key_of(first);
    ASSERT_EQ(key.size(), 16u);
    for (int hour = 1; hour <= 3; hour++) {
        clock.turn(hour * 3700);
        wait_until("for another key",
                   [&] { return key_of(session_of(proxy, none, is_resumed)) != key; });
        key = key_of(session_of(proxy, none, is_resumed));
        session_of(proxy, first, is_resumed);
        EXPECT_EQ(is_resumed, hour < 3) << hour;
    }
}

}  // namespace
}  // namespace headgate
