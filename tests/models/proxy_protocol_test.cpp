// The PROXY protocol in front of client connections: who is believed, what follows from it, and
// what becomes of those who say such things without being asked.
#include <cstdio>
#include <fstream>

#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class ProxyProtocol : public Behaviour {};
EVERY_MODEL(ProxyProtocol);

const std::string v1 = "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n";
const std::string v2_start("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string v2 =
    v2_start + std::string("\x21\x11\0\x0c\xc6\x33\x64\x07\xc0\0\2\1\x9c\x40\1\xbb", 16);
const std::string v2_local = v2_start + std::string("\x20\0\0\0", 4);
const std::string required = "RemoteIPProxyProtocolPeers required 127.0.0.0/8\n";
const std::string optional = "RemoteIPProxyProtocolPeers optional 127.0.0.0/8\n";

/// An access log with who the client is.
struct WhoLog {
    TemporaryFolder folder;
    std::string directives() const {
        return "LogFormat \"%a %h %{c}a %{remote}p\" who\nCustomLog " + folder.file("who.log") +
               " who\n";
    }
    void wait_for(const std::string& line) const {
        wait_until("for " + line,
                   [&] { return folder.read("who.log").find(line + "\n") != std::string::npos; });
    }
};

/// What the upstream is told of a client that sends this first.
std::string forwarded_for(const RunningProxy& proxy, const std::string& first,
                          const std::string& fields = "") {
    RawConnection client(proxy.port());
    client.send(first + get("/headers", fields));
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 200);
    return std::string(find_field(response.content, "X-Forwarded-For"));
}

#define PLAIN_CLIENTS_ONLY() \
    if (tests_tls()) GTEST_SKIP() << "what comes first must be plain"

TEST_P(ProxyProtocol, SaysWhoTheClientIs) {
    PLAIN_CLIENTS_ONLY();
    const WhoLog log;
    RunningOrigin origin;
    RunningProxy proxy(model(), log.directives() + required + pass_all_to(origin));
    for (const std::string& first : {v1, v2}) {
        EXPECT_EQ(forwarded_for(proxy, first), "198.51.100.7");
        EXPECT_EQ(forwarded_for(proxy, first, "X-Forwarded-For: 10.1.1.1\r\n"), "198.51.100.7");
    }
    log.wait_for("198.51.100.7 198.51.100.7 198.51.100.7 40000");
    for (const std::string& first : {v2_local, std::string("PROXY UNKNOWN\r\n")}) {
        EXPECT_EQ(forwarded_for(proxy, first), "127.0.0.1") << "the socket's address";
    }
    RawConnection slow(proxy.port());
    slow.send_one_by_one(v2 + get("/headers"));
    EXPECT_EQ(find_field(slow.receive_response().content, "X-Forwarded-For"), "198.51.100.7");
    slow.send(get("/headers"));
    EXPECT_EQ(find_field(slow.receive_response().content, "X-Forwarded-For"), "198.51.100.7");
}

/// What a trusted proxy further away says is read from where the header ends.
TEST_P(ProxyProtocol, IsWhereListsAreReadFrom) {
    PLAIN_CLIENTS_ONLY();
    const WhoLog log;
    RunningOrigin origin;
    RunningProxy proxy(model(), log.directives() + required +
                                    "RemoteIPHeader X-Forwarded-For\n"
                                    "RemoteIPInternalProxy 198.51.100.7 10.0.0.0/8\n" +
                                    pass_all_to(origin));
    EXPECT_EQ(forwarded_for(proxy, v1, "X-Forwarded-For: 1.1.1.1, 203.0.113.5, 10.0.0.9\r\n"),
              "203.0.113.5, 10.0.0.9, 198.51.100.7");
    log.wait_for("203.0.113.5 203.0.113.5 198.51.100.7 40000");
    const std::string other = "PROXY TCP4 198.51.100.8 192.0.2.1 1 443\r\n";
    EXPECT_EQ(forwarded_for(proxy, other, "X-Forwarded-For: 1.1.1.1\r\n"), "198.51.100.8");
}

TEST_P(ProxyProtocol, MayBeOptional) {
    PLAIN_CLIENTS_ONLY();
    RunningOrigin origin;
    RunningProxy proxy(model(), optional + pass_all_to(origin));
    EXPECT_EQ(forwarded_for(proxy, v1), "198.51.100.7");
    EXPECT_EQ(forwarded_for(proxy, v2), "198.51.100.7");
    EXPECT_EQ(forwarded_for(proxy, ""), "127.0.0.1");
    EXPECT_EQ(forwarded_for(proxy, "\r\n"), "127.0.0.1") << "so begins version 2 as well";
    RawConnection post_client(proxy.port());
    post_client.send_one_by_one(post("/headers", "x"));
    EXPECT_EQ(post_client.receive_response().status, 200) << "P, as in PROXY";
}

TEST_P(ProxyProtocol, ComesBeforeTls) {
    RunningOrigin origin;
    Authority authority;
    const Issued issued = authority.issue("proxy.test");
    const TemporaryFolder folder;
    RunningProxy proxy(model(), "SSLEngine On\nSSLCertificateFile " +
                                    folder.write("a.pem", issued.certificate) +
                                    "\nSSLCertificateKeyFile " + folder.write("a.key", issued.key) +
                                    "\n" + required + pass_all_to(origin));
    for (const std::string& first : {v1, v2}) {
        RawConnection client(proxy.port(), TlsTerms(), first);
        ASSERT_TRUE(client.shake()) << client.tls()->fault();
        for (int exchange = 0; exchange < 2; exchange++) {
            client.send(get("/headers"));
            EXPECT_EQ(find_field(client.receive_response().content, "X-Forwarded-For"),
                      "198.51.100.7");
        }
    }
    RawConnection without(proxy.port(), TlsTerms());
    EXPECT_FALSE(without.shake());
    proxy.error_log("no PROXY header from a peer that must send one");
}

/// Whoever sends what he may not is cut off; the log says why, and the upstream never hears of it.
struct Spoof {
    const char* name;
    std::string rule;
    std::string sent;
    std::string logged;
};

const Spoof spoofs[] = {
    {"an untrusted peer, version 1", "RemoteIPProxyProtocolPeers required 10.0.0.0/8\n",
     v1 + get("/"),
     "HG0106: client malformed in proxy-header: a PROXY header from a peer that may "
     "not send one"},
    {"an untrusted peer, version 2", "RemoteIPProxyProtocolPeers optional 10.0.0.0/8\n",
     v2 + get("/"), "a PROXY header from a peer that may not send one"},
    {"refused by name",
     "RemoteIPProxyProtocolPeers refused 127.0.0.1\nRemoteIPProxyProtocolPeers required "
     "0.0.0.0/0\n",
     v1 + get("/"), "a PROXY header from a peer that may not send one"},
    {"an exception", "RemoteIPProxyProtocol On\nRemoteIPProxyProtocolExceptions 127.0.0.1\n",
     v1 + get("/"), "a PROXY header from a peer that may not send one"},
    {"not configured, version 1", "", v1 + get("/"), "a PROXY header where none is taken"},
    {"not configured, version 2", "", v2 + get("/"), "a PROXY header where none is taken"},
    {"twice", required, v1 + v1 + get("/"), "a second PROXY header"},
    {"twice, of both versions", required, v1 + v2 + get("/"), "a second PROXY header"},
    {"twice, optional", optional, v2 + v1 + get("/"), "a second PROXY header"},
    {"none", required, get("/"), "no PROXY header from a peer that must send one"},
    {"none, as Apache has it", "RemoteIPProxyProtocol On\n", get("/"),
     "no PROXY header from a peer that must send one"},
    {"junk", required, std::string("\x01\0\xff\xfe", 4) + get("/"),
     "no PROXY header from a peer that must send one"},
    {"junk behind a signature", required, v2_start + "\xff\xff\xff\xff" + get("/"),
     "a version that is not 2"},
    {"junk behind a signature, optional", optional, v2_start + "\xff\xff\xff\xff" + get("/"),
     "a version that is not 2"},
    {"oversized, version 1", required, "PROXY UNKNOWN " + std::string(200, 'x'),
     "more than 107 octets in version 1"},
    {"oversized, version 2", required, v2_start + "\x21\x11\xff\xff" + std::string(70'000, 'x'),
     "larger than any use of it"},
    {"a wrong address", required, "PROXY TCP4 ::1 192.0.2.1 1 2\r\n" + get("/"),
     "an address is none of its family"},
    {"half sent", "Timeout 100ms\n" + required, v1.substr(0, 20),
     "timeout client-silent in proxy-header"},
    {"half sent, version 2", "Timeout 100ms\n" + required, v2.substr(0, 20),
     "timeout client-silent in proxy-header"},
    {"nothing sent", "Timeout 100ms\n" + required, "", "timeout client-silent in proxy-header"},
};

TEST_P(ProxyProtocol, IsNoWayToBeAnother) {
    PLAIN_CLIENTS_ONLY();
    for (const Spoof& each : spoofs) {
        SCOPED_TRACE(each.name);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), each.rule + pass_all_to(origin));
        RawConnection client(proxy.port());
        client.send(each.sent);
        const std::string answer = client.receive_rest();
        EXPECT_TRUE(answer.empty() || answer.starts_with("HTTP/1.1 400 ")) << answer;
        proxy.error_log(each.logged);
        EXPECT_FALSE(origin.has_connection());
    }
}

TEST_P(ProxyProtocol, LeavesOthersAlone) {
    PLAIN_CLIENTS_ONLY();
    RunningOrigin origin;
    for (const char* rule :
         {"RemoteIPProxyProtocolPeers required 10.0.0.0/8\n",
          "RemoteIPProxyProtocol On\nRemoteIPProxyProtocolExceptions 127.0.0.1\n"}) {
        RunningProxy proxy(model(), rule + pass_all_to(origin));
        EXPECT_EQ(forwarded_for(proxy, ""), "127.0.0.1");
    }
}

/// In one virtual host it is on for all of its address.
TEST_P(ProxyProtocol, BelongsToAnAddress) {
    PLAIN_CLIENTS_ONLY();
    RunningOrigin origin;
    RunningProxy proxy(model(),
                       "<VirtualHost *:${PORT}>\nServerName a.test\n</VirtualHost>\n"
                       "<VirtualHost *:${PORT}>\nServerName b.test\n" +
                           required + "</VirtualHost>\n" + pass_all_to(origin));
    EXPECT_EQ(forwarded_for(proxy, v1), "198.51.100.7");
    RawConnection client(proxy.port());
    client.send(get("/"));
    EXPECT_EQ(client.receive_rest(), "");
}

/// Whether any process still listens on that port of 127.0.0.1.
bool is_listening(std::uint16_t port) {
    char wanted[64];
    std::snprintf(wanted, sizeof wanted, " 0100007F:%04X 00000000:0000 0A ", port);
    std::ifstream table("/proc/net/tcp");
    for (std::string line; std::getline(table, line);) {
        if (line.find(wanted) != line.npos) return true;
    }
    return false;
}

/// A client that goes on a little, and stalls again, does not hold a process that ends.
TEST_P(ProxyProtocol, DoesNotHoldAProcessThatEnds) {
    PLAIN_CLIENTS_ONLY();
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), required + files.server("a.test") + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(v1.substr(0, 20));
    settle(proxy, client);
    proxy.signal(SIGTERM);
    wait_until("for every process to know", [&] { return !is_listening(proxy.port()); });
    client.send(v1.substr(20));  // and nothing of TLS
    EXPECT_EQ(client.receive_rest(), "");
    EXPECT_EQ(proxy.exit_code(), 0);
}

/// A wait for a header is shown, and holds no thread where a park holds none.
TEST_P(ProxyProtocol, IsWaitedForParked) {
    PLAIN_CLIENTS_ONLY();
    RunningOrigin origin;
    RunningProxy proxy(model(), threads_of(model(), 3) + required +
                                    "RequestReadTimeout header=0\nTimeout 600\n"
                                    "<Location /status>\n"
                                    "SetHandler server-status\n</Location>\n" +
                                    pass_all_to(origin));
    const unsigned many = keeps_threads(model()) ? 1 : 100;
    std::vector<RawConnection> half;
    for (unsigned i = 0; i < many; i++) {
        half.emplace_back(proxy.port());
        half.back().send("PROXY TCP4 198");
    }
    settle(proxy, half.back());  // the others came before it
    RawConnection client(proxy.port());
    client.send(v1 + get("/status?json"));
    const std::string status = client.receive_response().content;
    EXPECT_NE(status.find("\"proxy-header\":{\"parked\":" + std::to_string(many)),
              std::string::npos)
        << status;
    EXPECT_NE(status.find("198.51.100.7:40000"), std::string::npos) << status;
    half[0].send(v1.substr(14) + get("/headers"));
    EXPECT_EQ(find_field(half[0].receive_response().content, "X-Forwarded-For"), "198.51.100.7");
}

}  // namespace
}  // namespace headgate
