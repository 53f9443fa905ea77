// The PROXY protocol towards upstreams: what they are told, before TLS too, and that a connection
// which has told of one client is never another's.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class ProxyHeaderSending : public Behaviour {};
EVERY_MODEL(ProxyHeaderSending);

const std::string v2_start("\r\n\r\n\0\r\nQUIT\n", 12);

template <class Origin>
std::string pass_with(const Origin& origin, const std::string& parameters,
                      const std::string& scheme = "http") {
    return "ProxyPass / " + scheme + "://" + origin.address() + "/ " + parameters + "\n";
}

/// What version 2 says, behind its addresses, of the TLV of one type.
std::string tlv(const std::string& header, char type) {
    for (std::size_t at = 28; at + 3 <= header.size();) {
        const auto size = static_cast<std::size_t>(static_cast<unsigned char>(header[at + 1]) << 8 |
                                                   static_cast<unsigned char>(header[at + 2]));
        if (header[at] == type) return header.substr(at + 3, size);
        at += 3 + size;
    }
    return "none";
}

/// A header of version 2 over IPv4, from the wire.
std::string receive_v2(RawConnection& upstream) {
    std::string header = upstream.receive(16);
    EXPECT_EQ(header.substr(0, 14), v2_start + "\x21\x11");
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(header[14]) << 8 |
                                               static_cast<unsigned char>(header[15]));
    return header + upstream.receive(size);
}

TEST_P(ProxyHeaderSending, TellsWhoTheClientIs) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_with(origin, "proxyprotocol=v1"));
    RawConnection client(proxy.port());
    client.send(get("/"));
    RawConnection upstream = origin.accept();
    const std::string line = upstream.receive_until("\r\n");
    EXPECT_TRUE(line.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 ")) << line;
    EXPECT_TRUE(line.ends_with(" " + std::to_string(proxy.port()) + "\r\n")) << line;
    EXPECT_TRUE(upstream.receive_head().starts_with("GET / HTTP/1.1\r\n"));
    upstream.send(ok("yes"));
    EXPECT_EQ(client.receive_response().content, "yes");
}

/// What has been told of one client serves that client's requests, and goes with it.
TEST_P(ProxyHeaderSending, IsTrueOfOneClientOnly) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + "ProxyPass /plain http://" +
                                    origin.address() + "/\n" +
                                    pass_with(origin, "proxyprotocol=v1"));
    for (int round = 0; round < 2; round++) {
        RawConnection client(proxy.port());
        client.send(get("/a"));
        RawConnection upstream = origin.accept();
        EXPECT_TRUE(upstream.receive_until("\r\n").starts_with("PROXY TCP4 127.0.0.1 "));
        for (const char* target : {"/b", "/c", ""}) {
            EXPECT_TRUE(upstream.receive_head().starts_with("GET /"));
            upstream.send(ok("yes"));
            EXPECT_EQ(client.receive_response().content, "yes");
            if (*target != '\0') client.send(get(target));
        }
        client.send(get("/plain"));
        std::string head;
        RawConnection plain = origin.accept_request(head);
        EXPECT_TRUE(head.starts_with("GET / HTTP/1.1\r\n")) << "nothing is told there";
        plain.send(ok("plain", "Connection: close\r\n"));
        EXPECT_EQ(client.receive_response().content, "plain");
        EXPECT_FALSE(upstream.has_news());
        client.close();
        EXPECT_EQ(upstream.receive_end(), RawConnection::End::fin);
    }
}

TEST_P(ProxyHeaderSending, IsRepeatedWhereAnotherClientIsBelieved) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(),
                       "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1\n" +
                           pass_with(origin, "proxyprotocol=v1"));
    RawConnection client(proxy.port());
    for (const char* who : {"198.51.100.7", "198.51.100.8"}) {
        client.send(get("/", "X-Forwarded-For: " + std::string(who) + "\r\n"));
        RawConnection upstream = origin.accept();
        EXPECT_TRUE(upstream.receive_until("\r\n").starts_with("PROXY TCP4 " + std::string(who)));
        upstream.receive_head();
        upstream.send(ok(who));
        EXPECT_EQ(client.receive_response().content, who);
    }
}

TEST_P(ProxyHeaderSending, PassesOnWhatItWasTold) {
    if (tests_tls()) GTEST_SKIP() << "what comes first must be plain";
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "RemoteIPProxyProtocolPeers required 127.0.0.0/8\n" +
                                    pass_with(origin, "proxyprotocol=v1"));
    for (const std::string line : {"PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n",
                                   "PROXY TCP6 2001:db8::7 2001:db8::1 40000 443\r\n"}) {
        RawConnection client(proxy.port());
        client.send(line + get("/", "Connection: close\r\n"));
        RawConnection upstream = origin.accept();
        EXPECT_EQ(upstream.receive_until("\r\n"), line);
        upstream.receive_head();
        upstream.send(ok("yes"));
        EXPECT_EQ(client.receive_response().content, "yes");
    }
}

TEST_P(ProxyHeaderSending, TellsOfTls) {
    ScriptedOrigin origin;
    Authority authority;
    const Issued issued = authority.issue("proxy.test");
    const TemporaryFolder folder;
    RunningProxy proxy(
        model(),
        "SSLEngine On\nSSLCertificateFile " + folder.write("a.pem", issued.certificate) +
            "\nSSLCertificateKeyFile " + folder.write("a.key", issued.key) +
            "\nSSLVerifyClient optional\nSSLCACertificateFile " +
            folder.write("ca.pem", authority.certificate()) + "\n" +
            pass_with(origin, "proxyprotocol=v2,alpn,authority,ssl,cert-cn,ssl-cipher,crc32c"));
    TlsTerms terms;
    terms.protocols = "\x08http/1.1";
    terms.version = TLS1_3_VERSION;
    for (const bool shows : {false, true}) {
        if (shows) terms.shown = authority.issue("client.test");
        RawConnection client(proxy.port(), terms);
        client.send(get("/"));
        RawConnection upstream = origin.accept();
        const std::string header = receive_v2(upstream);
        EXPECT_EQ(tlv(header, 1), "http/1.1");
        EXPECT_EQ(tlv(header, 2), "proxy.test");
        EXPECT_EQ(tlv(header, 3).size(), 4u);
        const std::string tls = tlv(header, 0x20);
        EXPECT_EQ(tls.substr(0, 5),
                  shows ? std::string("\x07\0\0\0\0", 5) : std::string("\x01\0\0\0\x01", 5));
        EXPECT_NE(tls.find("TLSv1.3"), std::string::npos);
        EXPECT_NE(tls.find("TLS_AES_256_GCM_SHA384"), std::string::npos);
        EXPECT_EQ(tls.find("client.test") != std::string::npos, shows);
        EXPECT_TRUE(upstream.receive_head().starts_with("GET / "));
        upstream.send(ok("yes"));
        EXPECT_EQ(client.receive_response().content, "yes");
    }
}

TEST_P(ProxyHeaderSending, ComesBeforeTls) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(),
                       "SSLProxyEngine On\n" + pass_with(origin, "proxyprotocol=v2", "https"));
    RawConnection client(proxy.port());
    client.send(get("/"));
    RawConnection upstream = origin.accept();
    EXPECT_EQ(receive_v2(upstream).size(), 28u);
    EXPECT_EQ(upstream.receive(2), "\x16\x03") << "a ClientHello";
}

/// Headgate in front of Headgate, each over TLS: the second one takes the first one's word.
TEST_P(ProxyHeaderSending, IsUnderstoodByTheNext) {
    if (tests_tls()) GTEST_SKIP() << "what comes first must be plain";
    RunningOrigin origin;
    Authority authority;
    const Issued issued = authority.issue("proxy.test");
    const TemporaryFolder folder;
    RunningProxy back(
        model(), "SSLEngine On\nSSLCertificateFile " + folder.write("a.pem", issued.certificate) +
                     "\nSSLCertificateKeyFile " + folder.write("a.key", issued.key) +
                     "\nRemoteIPProxyProtocolPeers required 127.0.0.1\n" + pass_all_to(origin));
    RunningProxy front(model(),
                       "RemoteIPProxyProtocolPeers optional 127.0.0.1\nSSLProxyEngine On\n"
                       "SSLProxyCheckPeerName Off\nProxyPass / https://127.0.0.1:" +
                           std::to_string(back.port()) +
                           "/ proxyprotocol=v2,crc32c,ssl,authority\nProxyAddHeaders Off\n");
    RawConnection client(front.port());
    client.send("PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n" + get("/headers"));
    EXPECT_EQ(find_field(client.receive_response().content, "X-Forwarded-For"), "198.51.100.7");
}

}  // namespace
}  // namespace headgate
