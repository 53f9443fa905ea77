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
    EXPECT_EQ(proxy.access_log(4)[3].releases("upstream-tls"), 0u) << "pooled";
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
            EXPECT_EQ(proxy.access_log(2)[1].releases("upstream-tls"), 0u) << "pooled";
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

/// As Apache reads SSLProxyCheckPeerName and SSLProxyCheckPeerCN together.
TEST_P(TlsUpstreams, AreLookedAtForTheirName) {
    const TlsFiles files;
    RunningOrigin origin;
    // Names: a.test and 127.0.0.1; the common name is a.test alone.
    RunningProxy back(model(), files.server("a.test") + pass_all_to(origin));
    const struct {
        const char* directives;
        const char* name;
        int status;
    } cases[] = {
        {"", "a.test", 200},
        {"", "b.test", 502},
        {"SSLProxyCheckPeerCN On\n", "127.0.0.1", 200},
        {"SSLProxyCheckPeerCN On\n", "b.test", 502},
        {"SSLProxyCheckPeerCN Off\n", "b.test", 200},
        {"SSLProxyCheckPeerName On\nSSLProxyCheckPeerCN Off\n", "b.test", 502},
        {"SSLProxyCheckPeerName Off\n", "b.test", 200},
        {"SSLProxyCheckPeerName Off\nSSLProxyCheckPeerCN Off\n", "b.test", 200},
        {"SSLProxyCheckPeerName Off\nSSLProxyCheckPeerCN On\n", "A.Test", 200},
        {"SSLProxyCheckPeerName Off\nSSLProxyCheckPeerCN On\n", "127.0.0.1", 502},
        {"SSLProxyCheckPeerName Off\nSSLProxyCheckPeerCN On\n", "b.test", 502},
    };
    for (const auto& each : cases) {
        RunningProxy proxy(
            model(), std::string("SSLProxyEngine On\nProxyPreserveHost On\n") + each.directives +
                         "ProxyPass / https://127.0.0.1:" + std::to_string(back.port()) + "/\n");
        RawConnection client(proxy.port());
        client.send(std::string("GET /hello HTTP/1.1\r\nHost: ") + each.name + "\r\n\r\n");
        EXPECT_EQ(client.receive_response().status, each.status) << each.directives << each.name;
    }
}

/// A common name of one label's wildcard.
TEST_P(TlsUpstreams, MayHaveAWildcardAsCommonName) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy back(model(), files.server("*.a.test") + pass_all_to(origin));
    RunningProxy proxy(model(),
                       "SSLProxyEngine On\nProxyPreserveHost On\n"
                       "SSLProxyCheckPeerName Off\nSSLProxyCheckPeerCN On\n"
                       "ProxyPass / https://127.0.0.1:" +
                           std::to_string(back.port()) + "/\n");
    for (const char* name : {"x.a.test", "X.A.test", "a.test", "x.y.a.test", "xa.test"}) {
        RawConnection client(proxy.port());
        client.send(std::string("GET /hello HTTP/1.1\r\nHost: ") + name + "\r\n\r\n");
        const bool fits = std::string(name).size() == 8;
        EXPECT_EQ(client.receive_response().status, fits ? 200 : 502) << name;
    }
}

/// Of several certificates the one is shown whose authority the upstream names, at whatever length
/// of chain; the first where it names none; none where none fits.
TEST_P(TlsUpstreams, AreShownTheCertificateThatTheyAskFor) {
    const TlsFiles files;
    RunningOrigin origin;
    Authority first("First");
    Authority root("Root");
    Authority middle("Middle", root);
    Authority stranger("Stranger");
    const Issued one = first.issue("one.test");
    const Issued two = middle.issue("two.test");
    const std::string own =
        files.folder.write("own.pem", one.certificate + one.key + two.certificate + two.key);
    const std::string chain = files.folder.write("chain.pem", middle.certificate());
    const auto asking = [&](const std::string& verify, const Authority* whom) {
        std::string directives = files.server("a.test") + "SSLVerifyClient " + verify +
                                 "\nSSLVerifyDepth 2\n"
                                 "RequestHeader set X-Client %{SSL_CLIENT_S_DN_CN}s\n";
        if (whom != nullptr) {
            directives += "SSLCACertificateFile " +
                          files.folder.write("whom.pem", whom->certificate()) + "\n";
        }
        return directives + pass_all_to(origin);
    };
    const struct {
        const char* verify;
        const Authority* whom;
        const char* shown;
    } cases[] = {{"require", &first, "one.test"},
                 {"require", &root, "two.test"},
                 {"optional_no_ca", nullptr, "one.test"},
                 {"optional", &stranger, "(null)"}};
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        for (const auto& each : cases) {
            RunningProxy back(model(), asking(each.verify, each.whom));
            RunningProxy proxy(
                model(), "SSLProxyEngine On\nSSLProxyProtocol " + std::string(version) +
                             "\nSSLProxyMachineCertificateFile " + own +
                             "\nSSLProxyMachineCertificateChainFile " + chain +
                             "\nProxyPass / https://127.0.0.1:" + std::to_string(back.port()) +
                             "/\n");
            RawConnection client(proxy.port());
            client.send(get("/headers"));
            const std::string head = client.receive_response().content;
            const std::string line = "X-Client: " + std::string(each.shown) + "\r\n";
            EXPECT_NE(head.find(line), std::string::npos) << version << each.verify << head;
        }
    }
}

/// What they serve by ALPN beside HTTP/1.1 is not for us; who refuses HTTP/1.1 is believed.
TEST_P(TlsUpstreams, AreAskedForHttp11) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string told = "RequestHeader set X-Alpn %{SSL_ALPN}s\n";
    RunningProxy back(model(), files.server("a.test") + told + pass_all_to(origin));
    const auto passing_to = [](const RunningProxy& to) {
        return "SSLProxyEngine On\nProxyPass / https://127.0.0.1:" + std::to_string(to.port()) +
               "/\n";
    };
    RunningProxy proxy(model(), one_thread(model()) + passing_to(back));
    RawConnection client(proxy.port());
    client.send(get("/headers"));
    EXPECT_NE(client.receive_response().content.find("http/1.1"), std::string::npos);
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
    EXPECT_EQ(proxy.access_log(2)[1].releases("upstream-tls"), 0u) << "pooled";
    RunningProxy other(model(), "<VirtualHost *:${PORT}>\nServerName a.test\n" +
                                    files.server("a.test") + "Protocols h2\nTunnelTo tcp://" +
                                    origin.address() + "\n</VirtualHost>\n");
    RunningProxy refused(model(), passing_to(other));
    RawConnection without(refused.port());
    without.send(get("/hello"));
    EXPECT_EQ(without.receive_response().status, 502);
    refused.error_log("tlsv1 alert no application protocol");
}

/// A connection that is not the first to an upstream costs no full handshake; by either version.
TEST_P(TlsUpstreams, AreResumed) {
    const TlsFiles files;
    RunningOrigin origin;
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        const std::string log = files.folder.file(version);
        RunningProxy back(model(), "KeepAlive Off\n" + files.server("a.test") + "SSLProtocol " +
                                       version + "\nCustomLog " + log +
                                       " \"%{SSL_SESSION_RESUMED}x\"\n" + pass_all_to(origin));
        RunningProxy proxy(model(), one_thread(model()) +
                                        "SSLProxyEngine On\nProxyPass / https://127.0.0.1:" +
                                        std::to_string(back.port()) + "/\n");
        RawConnection client(proxy.port());
        for (int i = 0; i < 3; i++) {
            client.send(get("/hello"));
            EXPECT_EQ(client.receive_response().status, 200);
        }
        const std::string expected = "Initial\nResumed\nResumed\n";
        wait_until("for the log",
                   [&] { return files.folder.read(version).size() >= expected.size(); });
        EXPECT_EQ(files.folder.read(version), expected) << version;
    }
}

/// An upgrade is one of HTTP/1.1, which was agreed on.
TEST_P(TlsUpstreams, SwitchProtocols) {
    const TlsFiles files;
    ScriptedOrigin origin;
    RunningProxy back(model(),
                      files.server("a.test") + "Protocols http/1.1\n" + pass_all_to(origin));
    RunningProxy proxy(model(), "SSLProxyEngine On\nProxyPass / https://127.0.0.1:" +
                                    std::to_string(back.port()) + "/\n");
    RawConnection client(proxy.port());
    const std::string fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    client.send(get("/chat", fields));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 101 Switching Protocols\r\n" + fields + "\r\n");
    EXPECT_EQ(client.receive_head().substr(0, 13), "HTTP/1.1 101 ");
    client.send("up");
    EXPECT_EQ(upstream.receive(2), "up");
    upstream.send("down");
    EXPECT_EQ(client.receive(4), "down");
}

/// By an alert: in the handshake, or (TLSv1.3) behind it, where the answer was waited for.
TEST_P(TlsUpstreams, SayWhatTheyMiss) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy back(model(), files.server("a.test") + files.authorities() +
                                   "SSLVerifyClient require\n" + pass_all_to(origin));
    const std::pair<const char*, const char*> cases[] = {{"TLSv1.2", "alert handshake failure"},
                                                         {"TLSv1.3", "alert certificate required"}};
    for (const auto& [version, text] : cases) {
        RunningProxy proxy(
            model(), "SSLProxyEngine On\nSSLProxyProtocol " + std::string(version) +
                         "\nProxyPass / https://127.0.0.1:" + std::to_string(back.port()) + "/\n");
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, 502);
        const std::string log = proxy.error_log(text);
        EXPECT_EQ(log.find("Protocol error"), std::string::npos) << log;
    }
}

}  // namespace
}  // namespace headgate
