// What TLS handshakes of tunnels agree on (ALPN): with clients as Protocols says, and with an
// upstream what the client's own handshake agreed on.
#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TunnelProtocols : public Behaviour {};
EVERY_MODEL(TunnelProtocols);

std::string host(const std::string& directives) {
    return "<VirtualHost *:${PORT}>\nServerName a.test\n" + directives + "</VirtualHost>\n";
}

template <class Origin>
std::string tunnel_to(const Origin& origin) {
    return "TunnelTo tcp://" + origin.address() + " proxyprotocol=v2,alpn\n";
}

TlsTerms speaking(const std::string& protocols) {
    TlsTerms terms = asking_for("a.test");
    terms.protocols = protocols;
    return terms;
}

std::string agreed(RawConnection& client) {
    EXPECT_TRUE(client.shake()) << client.tls()->fault();
    const unsigned char* chosen = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.tls()->ssl(), &chosen, &size);
    return {reinterpret_cast<const char*>(chosen), size};
}

/// The protocol that an upstream is told of; "" for none.
std::string told(ScriptedOrigin& origin) {
    RawConnection upstream = origin.accept();
    const std::string header = upstream.receive(28);
    const std::size_t left = static_cast<unsigned char>(header[15]) - 12u;
    if (left == 0) return "";
    const std::string fact = upstream.receive(left);
    EXPECT_EQ(fact.substr(0, 2), std::string("\1\0", 2));
    return fact.substr(3);
}

TEST_P(TunnelProtocols, AreAgreedOnInOurOrder) {
    const TlsFiles files;
    ScriptedOrigin origin;
    const std::string log = files.folder.file("protocols.log");
    RunningProxy proxy(model(),
                       host(files.server("a.test") + "Protocols imap h2\nProtocols pop3\n" +
                            "CustomLog " + log + " %{SSL_ALPN}x\n" + tunnel_to(origin)));
    const struct {
        const char* offered;
        const char* agreed;
    } cases[] = {
        {"\x04pop3\x04imap", "imap"}, {"\x04pop3", "pop3"}, {"\x02h2\x04xmpp", "h2"}, {"", ""}};
    std::string lines;
    for (const auto& each : cases) {
        {
            RawConnection client(proxy.port(), speaking(each.offered));
            EXPECT_EQ(agreed(client), each.agreed) << each.offered;
            EXPECT_EQ(told(origin), each.agreed) << each.offered;
        }
        lines += *each.agreed == '\0' ? "-\n" : std::string(each.agreed) + "\n";
        wait_until("for its line", [&] { return files.folder.read("protocols.log") == lines; });
    }
    RawConnection other(proxy.port(), speaking("\x04xmpp"));
    EXPECT_FALSE(other.shake());
    EXPECT_EQ(other.tls()->fault(), "tlsv1 alert no application protocol");
    proxy.error_log("no application protocol");
    EXPECT_FALSE(origin.has_connection());
    EXPECT_EQ(files.folder.read("protocols.log"), lines);
}

TEST_P(TunnelProtocols, AreAgreedOnInTheClientsOrder) {
    const TlsFiles files;
    ScriptedOrigin origin;
    RunningProxy proxy(
        model(), "ProtocolsHonorOrder Off\n" +
                     host(files.server("a.test") + "Protocols imap pop3\n" + tunnel_to(origin)));
    RawConnection client(proxy.port(), speaking("\x04xmpp\x04pop3\x04imap"));
    EXPECT_EQ(agreed(client), "pop3");
    EXPECT_EQ(told(origin), "pop3");
    RawConnection other(proxy.port(), speaking("\x04xmpp"));
    EXPECT_FALSE(other.shake());
}

/// The server's Protocols are about its requests.
TEST_P(TunnelProtocols, AreNotInherited) {
    const TlsFiles files;
    ScriptedOrigin origin;
    RunningProxy proxy(model(),
                       "Protocols http/1.1\n" + host(files.server("a.test") + tunnel_to(origin)));
    RawConnection client(proxy.port(), speaking("\x04imap"));
    EXPECT_EQ(agreed(client), "");
    EXPECT_EQ(told(origin), "");
}

/// TLS on both sides: the far end is asked for what the near end agreed on, and for nothing else.
TEST_P(TunnelProtocols, ArePassedOn) {
    const TlsFiles files;
    ScriptedOrigin origin;
    RunningProxy back(model(),
                      host(files.server("a.test") + "Protocols pop3 imap\n" + tunnel_to(origin)));
    const std::string to =
        "SSLProxyEngine On\nTunnelTo tls://127.0.0.1:" + std::to_string(back.port()) +
        "\nProtocols imap xmpp\n";
    RunningProxy front(model(), host(files.server("a.test") + to));
    RawConnection client(front.port(), speaking("\x04imap\x04pop3"));
    EXPECT_EQ(agreed(client), "imap");
    EXPECT_EQ(told(origin), "imap");
    RawConnection silent(front.port(), asking_for("a.test"));
    EXPECT_EQ(agreed(silent), "");
    EXPECT_EQ(told(origin), "");
    RawConnection refused(front.port(), speaking("\x04xmpp"));
    EXPECT_EQ(agreed(refused), "xmpp");
    front.error_log("no application protocol");
    if (tests_tls()) return;
    RunningProxy plain(model(), host(to));
    RawConnection mute(plain.port());
    EXPECT_EQ(told(origin), "imap") << "the first of the far end's that the configuration names";
}

}  // namespace
}  // namespace headgate
