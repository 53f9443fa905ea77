// TLS towards upstreams: whom the proxy believes, and what it makes of an end without close_notify.
#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsUpstreams : public Behaviour {};
EVERY_MODEL(TlsUpstreams);

/// RFC 8446 section 6.1: an end without close_notify may be an attacker's.
TEST_P(TlsUpstreams, TakesNoUnannouncedEndForTheEnd) {
    const TlsFiles files;
    RunningOrigin origin;
    // A TLS end in front of the origin: a second proxy, which cuts what it cannot complete.
    RunningProxy back(model(), files.server("a.test") + pass_all_to(origin));
    RunningProxy proxy(
        model(), "SSLProxyEngine On\nSSLProxyVerify require\nSSLProxyCACertificateFile " +
                     files.folder.write("ca.pem", authority().certificate()) +
                     "\nProxyPass / https://127.0.0.1:" + std::to_string(back.port()) + "/\n");
    RawConnection client(proxy.port());
    client.send(get("/close?bytes=20&chunk=10&ms=1"));
    const Response whole = client.receive_response();
    EXPECT_TRUE(whole.is_whole);
    EXPECT_EQ(whole.content.size(), 20u);
    RawConnection other(proxy.port());
    other.send(get("/abort?after=100"));
    EXPECT_FALSE(other.receive_response().is_whole);
}

/// Authorities of upstreams are looked at as certificates are, those of Proxy sections too.
TEST_P(TlsUpstreams, TakesNewAuthorities) {
    const TlsFiles files;
    RunningOrigin origin;
    Authority stranger("Stranger");
    RunningProxy back(model(), files.server("a.test") + pass_all_to(origin));
    const std::string to = "https://127.0.0.1:" + std::to_string(back.port()) + "/";
    for (const bool is_section : {false, true}) {
        const std::string known = files.folder.write("known.pem", stranger.certificate());
        const std::string terms =
            "SSLProxyEngine On\nSSLProxyVerify require\nSSLProxyCACertificateFile " + known + "\n";
        RunningProxy proxy(model(),
                           (is_section ? "<Proxy " + to + ">\n" + terms + "</Proxy>\n" : terms) +
                               "ProxyPass / " + to + "\n");
        const std::vector<pid_t> children = proxy.children();
        const auto status = [&] {
            RawConnection client(proxy.port());
            client.send(get("/hello"));
            return client.receive_response().status;
        };
        EXPECT_EQ(status(), 502);
        files.folder.write("known.pem", authority().certificate());
        proxy.wait_for_message(is_section ? "for its upstreams of <Proxy" : "for its upstreams");
        wait_until("for the authority to be known", [&] { return status() == 200; });
        files.folder.write("known.pem", stranger.certificate());
        wait_until("for it to be known no longer", [&] { return status() == 502; });
        EXPECT_EQ(proxy.children(), children);
    }
}

/// Two origins of different authorities behind one site; and one of them believed by another one
/// where a longer URL says so, which must not get at what the shorter one pooled.
TEST_P(TlsUpstreams, AreJudgedAsTheirProxySectionSays) {
    const TlsFiles files;
    RunningOrigin origin;
    Authority stranger("Stranger");
    const Issued issued = stranger.issue("b.test");
    RunningProxy first(model(), files.server("a.test") + pass_all_to(origin));
    RunningProxy second(
        model(), "SSLEngine On\nSSLCertificateFile " +
                     files.folder.write("b.pem", issued.certificate) + "\nSSLCertificateKeyFile " +
                     files.folder.write("b.key", issued.key) + "\n" + pass_all_to(origin));
    const auto url = [](const RunningProxy& to) {
        return "https://127.0.0.1:" + std::to_string(to.port()) + "/";
    };
    const std::string known = files.folder.write("ca.pem", authority().certificate());
    const std::string other = files.folder.write("other.pem", stranger.certificate());
    const std::string site =
        "SSLProxyEngine On\nSSLProxyVerify require\nSSLProxyCACertificateFile " + known +
        "\nProxyPass /a/ " + url(first) + "\nProxyPass /b/ " + url(second) + "\n";
    const std::string trusting = "SSLProxyCACertificateFile " + other + "\n</Proxy>\n";
    RunningProxy without(model(), one_thread(model()) + site);
    RunningProxy proxy(model(), one_thread(model()) + site + "<Proxy " + url(second) + ">\n" +
                                    trusting + "<Proxy " + url(first) + "hello/>\n" + trusting);
    const auto status = [](const RunningProxy& at, const std::string& path) {
        RawConnection client(at.port());
        client.send("GET " + path + " HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\n\r\n");
        return client.receive_response().status;
    };
    EXPECT_EQ(status(without, "/a/hello"), 200);
    EXPECT_EQ(status(without, "/b/hello"), 502);
    EXPECT_EQ(status(proxy, "/a/hello"), 200);
    EXPECT_EQ(status(proxy, "/b/hello"), 200);
    EXPECT_EQ(status(proxy, "/a/hello/x"), 502) << "one of the first is in the pool";
    EXPECT_EQ(status(proxy, "/a/hello"), 200);
    EXPECT_EQ(proxy.access_log(4)[3].releases("tls"), 0u) << "pooled";
}

TEST_P(TlsUpstreams, AreVerified) {
    const TlsFiles files;
    RunningOrigin origin;
    Authority stranger("Stranger");
    const std::string known = files.folder.write("ca.pem", authority().certificate());
    const std::string unknown = files.folder.write("other.pem", stranger.certificate());
    RunningProxy back(model(), files.server("a.test") + pass_all_to(origin));
    const auto status_with = [&](const std::string& directives, const std::string& host) {
        RunningProxy proxy(model(), "SSLProxyEngine On\n" + directives + "ProxyPass / https://" +
                                        host + ":" + std::to_string(back.port()) + "/\n");
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        const int first = client.receive_response().status;
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, first);
        if (first == 200 && model() == "event") {
            EXPECT_EQ(proxy.access_log(2)[1].releases("tls"), 0u) << "pooled";
        }
        return first;
    };
    const std::string require = "SSLProxyVerify require\nSSLProxyCACertificateFile ";
    EXPECT_EQ(status_with(require + known + "\n", "127.0.0.1"), 200);
    EXPECT_EQ(status_with(require + unknown + "\n", "127.0.0.1"), 502);
    EXPECT_EQ(status_with(require + known + "\n", "localhost"), 502) << "another name";
    EXPECT_EQ(status_with("SSLProxyCheckPeerName off\n", "localhost"), 200);
    EXPECT_EQ(status_with("ProxyPreserveHost on\n", "127.0.0.1"), 502) << "proxy.test";
}

}  // namespace
}  // namespace headgate
