// TunnelTo through the real program: any protocol behind TLS, in front of TLS, and unread by the
// name in its ClientHello; ends, silence, drains, logs, and who the upstream is told of.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class RawTunnels : public Behaviour {};
EVERY_MODEL(RawTunnels);

Authority& authority() {
    static Authority made;
    return made;
}

/// Certificates, and directives that name them.
struct Files {
    TemporaryFolder folder;

    std::string server(const std::string& name) const {
        const Issued issued = authority().issue(name);
        return "SSLEngine On\nSSLCertificateFile " +
               folder.write(name + ".pem", issued.certificate) + "\nSSLCertificateKeyFile " +
               folder.write(name + ".key", issued.key) + "\n";
    }
    std::string authorities() const { return folder.write("ca.pem", authority().certificate()); }
    std::string trusting() const {
        return "SSLProxyEngine On\nSSLProxyVerify require\nSSLProxyCACertificateFile " +
               authorities() + "\n";
    }
};

std::string host(const std::string& name, const std::string& directives) {
    return "<VirtualHost *:${PORT}>\nServerName " + name + "\n" + directives + "</VirtualHost>\n";
}

template <class Origin>
std::string tunnel_to(const Origin& origin, const std::string& parameters = "") {
    return "TunnelTo tcp://" + origin.address() + " " + parameters + "\n";
}

TlsTerms asking_for(const std::string& name) {
    TlsTerms terms;
    terms.name = name;
    terms.authority = authority().certificate();
    return terms;
}

/// Not a word of HTTP, the upstream first, each direction ends by itself.
void talk(RawConnection& client, RawConnection& upstream) {
    upstream.send("220 ready\r\n");
    EXPECT_EQ(client.receive(11), "220 ready\r\n");
    const std::string octets("\0\xff\r\n\r\nGET", 9);
    client.send(octets);
    EXPECT_EQ(upstream.receive(9), octets);
    client.finish_writing();
    EXPECT_EQ(upstream.receive_end(), RawConnection::End::fin);
    upstream.send("bye");
    EXPECT_EQ(client.receive(3), "bye");
    upstream.finish_writing();
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
}

TEST_P(RawTunnels, PassAnythingPlain) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    ScriptedOrigin origin;
    RunningProxy proxy(model(), host("a.test", tunnel_to(origin)));
    RawConnection client(proxy.port());
    RawConnection upstream = origin.accept();
    talk(client, upstream);
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_EQ(line["framing"], "tunnel");
    EXPECT_EQ(line["end"], "ok");
    EXPECT_EQ(line["status"], "-");
    EXPECT_EQ(line["in"], "9");
    EXPECT_EQ(line["out"], "14");
    EXPECT_EQ(line["upstream"], origin.address());
    EXPECT_EQ(line["host"], "a.test");
    EXPECT_GE(line.releases("tunnel"), 1u);
}

/// As hitch and stunnel do: TLS in front of what speaks none, whatever ALPN the client offers.
TEST_P(RawTunnels, EndTls) {
    const Files files;
    ScriptedOrigin origin;
    RunningProxy proxy(model(), host("a.test", files.server("a.test") + tunnel_to(origin)));
    TlsTerms terms = asking_for("a.test");
    terms.protocols = "\x04imap";
    RawConnection client(proxy.port(), terms);
    ASSERT_TRUE(client.shake()) << client.tls()->fault();
    RawConnection upstream = origin.accept();
    talk(client, upstream);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "ok");
    RawConnection plain(proxy.port());
    if (!tests_tls()) {
        plain.send(get("/"));
        EXPECT_EQ(plain.receive_response().status, 400);
        EXPECT_FALSE(origin.has_connection());
    }
}

/// SSLStrictSNIVHostCheck, where no request can be refused.
TEST_P(RawTunnels, WantANameWhereThatIsStrict) {
    const Files files;
    ScriptedOrigin origin;
    RunningProxy proxy(
        model(),
        host("a.test", files.server("a.test") + "SSLStrictSNIVHostCheck On\n" + tunnel_to(origin)));
    RawConnection without(proxy.port(), asking_for(""));
    EXPECT_FALSE(without.shake());
    proxy.error_log("no server name");
    EXPECT_FALSE(origin.has_connection());
    RawConnection with(proxy.port(), asking_for("a.test"));
    ASSERT_TRUE(with.shake());
    RawConnection upstream = origin.accept();
    talk(with, upstream);
}

/// As stunnel's client mode: what speaks no TLS reaches what demands it, and a certificate.
TEST_P(RawTunnels, BeginTls) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    const Files files;
    ScriptedOrigin origin;
    RunningProxy back(model(),
                      host("localhost", files.server("localhost") +
                                            "SSLVerifyClient require\n"
                                            "SSLCACertificateFile " +
                                            files.authorities() + "\n" + tunnel_to(origin)));
    const Issued own = authority().issue("client.test");
    const std::string certificate = files.folder.write("own.pem", own.certificate + own.key);
    const std::string to = "TunnelTo tls://localhost:" + std::to_string(back.port()) + "\n";
    RunningProxy front(
        model(), host("a.test", files.trusting() + "SSLProxyMachineCertificateFile " + certificate +
                                    "\n" + to));
    RawConnection client(front.port());
    RawConnection upstream = origin.accept();
    talk(client, upstream);
    RunningProxy without(model(), host("a.test", files.trusting() + to));
    RawConnection refused(without.port());
    refused.send("hello");
    EXPECT_EQ(refused.receive_rest(), "");
    back.error_log("peer did not return a certificate");
    EXPECT_FALSE(origin.has_connection());
}

/// One port: names that are served here, and names that pass unread to who has their keys.
TEST_P(RawTunnels, PassUnreadByName) {
    const Files files;
    RunningOrigin origin;
    RunningProxy owner(model(), host("raw.test", files.server("raw.test")) + pass_all_to(origin));
    const std::string to = "127.0.0.1:" + std::to_string(owner.port());
    RunningProxy proxy(
        model(),
        host("a.test", files.server("a.test")) +
            host("raw.test", "SSLEngine Off\nServerAlias *.raw.test\nTunnelTo tcp://" + to + "\n") +
            pass_all_to(origin));
    for (const char* name : {"a.test", "raw.test", "x.raw.test", "RAW.test"}) {
        TlsTerms terms = asking_for(name);
        RawConnection client(proxy.port(), terms);
        ASSERT_TRUE(client.shake()) << client.tls()->fault();
        char shown[64] = "";
        X509* certificate = SSL_get0_peer_certificate(client.tls()->ssl());
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, shown,
                                  sizeof shown);
        EXPECT_STREQ(shown, name == std::string("a.test") ? "a.test" : "raw.test");
        client.send("GET /hello HTTP/1.1\r\nHost: " + std::string(name) + "\r\n\r\n");
        EXPECT_EQ(client.receive_response().status, 200);
    }
    RawConnection other(proxy.port(), asking_for("a.test"));
    other.send("GET /hello HTTP/1.1\r\nHost: raw.test\r\n\r\n");
    EXPECT_EQ(other.receive_response().status, 421) << "a tunnel is no host of requests";
}

TEST_P(RawTunnels, TellTheUpstreamOfTheClient) {
    const Files files;
    ScriptedOrigin origin;
    RunningProxy proxy(
        model(),
        "RemoteIPProxyProtocolPeers optional 127.0.0.1\n" +
            host("a.test", files.server("a.test") + tunnel_to(origin, "proxyprotocol=v1")) +
            host("raw.test", "SSLEngine Off\n" + tunnel_to(origin, "proxyprotocol=v2,authority")));
    const std::string line = "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n";
    RawConnection ended(proxy.port(), asking_for("a.test"), line);
    ASSERT_TRUE(ended.shake());
    RawConnection first = origin.accept();
    EXPECT_EQ(first.receive(line.size()), line);
    RawConnection unread(proxy.port(), asking_for("raw.test"), line);
    RawConnection second = origin.accept();
    const std::string header = second.receive(28 + 11);
    EXPECT_EQ(header.substr(16, 12), std::string("\xc6\x33\x64\x07\xc0\0\2\1\x9c\x40\1\xbb", 12));
    EXPECT_EQ(header.substr(28), std::string("\2\0\x08raw.test", 11));
    EXPECT_EQ(second.receive(2), "\x16\x03") << "the ClientHello";
}

/// A server that speaks first is not kept waiting for the header that its client may not send.
TEST_P(RawTunnels, LetTheServerSpeakFirstWhereAHeaderIsRefused) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    ScriptedOrigin origin;
    for (const char* rule :
         {"RemoteIPProxyProtocolPeers required 10.0.0.0/8\n",
          "RemoteIPProxyProtocol On\nRemoteIPProxyProtocolExceptions 127.0.0.1\n"}) {
        RunningProxy proxy(model(), rule + host("a.test", tunnel_to(origin)));
        RawConnection client(proxy.port());
        RawConnection upstream = origin.accept();
        talk(client, upstream);
    }
}

/// A header from who may not send one, and one more from whoever is behind the proxy that did, is
/// not passed on either, however it comes: its upstream might believe it.
TEST_P(RawTunnels, PassNoHeaderOn) {
    const Files files;
    ScriptedOrigin origin;
    const std::string line = "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n";
    for (const bool is_trusted : {true, false}) {
        for (const bool is_tls : {true, false}) {
            if (tests_tls() && !is_tls) continue;
            RunningProxy proxy(model(), std::string("RemoteIPProxyProtocolPeers required ") +
                                            (is_trusted ? "127.0.0.1\n" : "10.0.0.0/8\n") +
                                            host("a.test", (is_tls ? files.server("a.test") : "") +
                                                               tunnel_to(origin)));
            const std::string first = is_trusted ? line : "";
            RawConnection client = is_tls ? RawConnection(proxy.port(), asking_for("a.test"), first)
                                          : RawConnection(proxy.port());
            if (!is_tls) client.send(first);
            ASSERT_TRUE(!is_tls || client.shake());
            RawConnection upstream = origin.accept();
            upstream.send("220 ready\r\n");
            EXPECT_EQ(client.receive(11), "220 ready\r\n");
            client.send_one_by_one(line + "EHLO");
            EXPECT_EQ(std::string("PROXY").find(upstream.receive_rest()), 0u);
            EXPECT_EQ(upstream.end(), RawConnection::End::reset);
            proxy.error_log("HG0106: client malformed in proxy-header: a PROXY header where none");
        }
    }
}

TEST_P(RawTunnels, EndAsTheyShould) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    ScriptedOrigin origin;
    RunningProxy proxy(model(), host("a.test", tunnel_to(origin)));
    {
        RawConnection client(proxy.port());
        RawConnection upstream = origin.accept();
        client.send("x");
        EXPECT_EQ(upstream.receive(1), "x");
        client.reset();
        EXPECT_EQ(upstream.receive_end(), RawConnection::End::reset);
        EXPECT_EQ(proxy.access_log(1)[0]["end"], "client/tunnel/reset");
    }
    {
        RawConnection client(proxy.port());
        RawConnection upstream = origin.accept();
        client.send("x");
        EXPECT_EQ(upstream.receive(1), "x") << "the proxy knows that it is connected";
        upstream.reset();
        EXPECT_EQ(client.receive_end(), RawConnection::End::reset);
        EXPECT_EQ(proxy.access_log(2)[1]["end"], "upstream/tunnel/reset");
    }
    origin.close();
    RawConnection client(proxy.port());
    EXPECT_EQ(client.receive_end(), RawConnection::End::reset);
    EXPECT_EQ(proxy.access_log(3)[2]["end"], "upstream/connect/unreachable");
    proxy.error_log("HG0205");
}

/// A client that goes while its upstream is still being reached takes that attempt with it.
TEST_P(RawTunnels, EndWithAClientThatDoesNotWait) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    ScriptedOrigin origin;
    RunningProxy proxy(
        model(), host("a.test", "SSLProxyEngine On\nTunnelTo tls://" + origin.address() + "\n"));
    RawConnection client(proxy.port());
    RawConnection upstream = origin.accept();
    EXPECT_EQ(upstream.receive(2), "\x16\x03") << "no answer comes to this";
    client.reset();
    EXPECT_NE(upstream.receive_rest(), "") << "the rest of the ClientHello, and the end";
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "client/upstream-tls/reset");
    proxy.error_log("HG0102: client reset in upstream-tls: ");
}

TEST_P(RawTunnels, SilentOnesEnd) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    ScriptedOrigin origin;
    RunningProxy proxy(model(), host("a.test", tunnel_to(origin, "timeout=200ms")));
    RawConnection client(proxy.port());
    RawConnection upstream = origin.accept();
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(upstream.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "timeout/tunnel/both-silent");
    proxy.error_log("HG0220: timeout both-silent in tunnel, upstream " + origin.address());
}

TEST_P(RawTunnels, OutliveAReloadForAWhile) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    ScriptedOrigin origin;
    RunningProxy proxy(model(), host("a.test", tunnel_to(origin)));
    RawConnection client(proxy.port());
    RawConnection upstream = origin.accept();
    const auto before = proxy.children();
    proxy.signal(SIGUSR1);
    proxy.wait_for_others_than(before);
    talk(client, upstream);
    RunningProxy hasty(model(),
                       "ProxyTunnelDrainTimeout 200ms\n" + host("a.test", tunnel_to(origin)));
    RawConnection other(hasty.port());
    RawConnection far = origin.accept();
    hasty.signal(SIGUSR1);
    EXPECT_EQ(other.receive_end(), RawConnection::End::reset);
    EXPECT_EQ(far.receive_end(), RawConnection::End::reset);
    EXPECT_EQ(hasty.access_log(1)[0]["end"], "admin/tunnel/drained");
}

/// Where a park holds no thread, a hundred idle tunnels leave one thread free for the next.
TEST_P(RawTunnels, HoldNoThread) {
    const Files files;
    ScriptedOrigin origin;
    RunningProxy proxy(
        model(), one_thread(model()) + host("a.test", files.server("a.test") + tunnel_to(origin)));
    if (keeps_threads(model())) GTEST_SKIP() << "its threads are kept";
    std::vector<std::pair<RawConnection, RawConnection>> idle;
    for (int i = 0; i < 100; i++) {
        RawConnection client(proxy.port(), asking_for("a.test"));
        ASSERT_TRUE(client.shake());
        idle.emplace_back(std::move(client), origin.accept());
    }
    talk(idle[0].first, idle[0].second);
    talk(idle[99].first, idle[99].second);
    EXPECT_EQ(proxy.access_log(2)[0]["end"], "ok");
}

}  // namespace
}  // namespace headgate
