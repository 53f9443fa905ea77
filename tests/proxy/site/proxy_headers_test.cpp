// What virtual hosts of one address may say about PROXY headers, and the messages where they do not
// agree.
#include "proxy/site/proxy_headers.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "mpm/settings.h"
#include "proxy/settings/settings.h"
#include "proxy/settings/tls.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

/// What is said about a configuration; empty when nothing is.
std::string said_about(const std::string& text) {
    const support::TemporaryFolder folder;
    conf::LoadOptions options;
    options.file = folder.write("m.conf", text);
    options.server_root = "/";
    conf::Loaded loaded =
        conf::load(options, {mpm::setting_rows(), setting_rows(), tls_setting_rows()});
    if (!loaded.diagnostics.has_errors()) Sites::build(loaded, true);
    std::string said = loaded.diagnostics.render(false);
    const std::string before = folder.file("");
    for (std::size_t at = said.find(before); at != said.npos; at = said.find(before, at))
        said.erase(at, before.size());
    return said;
}

std::string hosts(const std::string& first, const std::string& second) {
    return "<VirtualHost *:1>\nServerName a\n" + first + "\n</VirtualHost>\n" +
           "<VirtualHost *:1>\nServerName b\n" + second + "\n</VirtualHost>\n";
}

const std::string peers = "RemoteIPProxyProtocolPeers required 10.0.0.0/8";

TEST(ProxyHeaders, agree_where_they_say_the_same) {
    const std::string exceptions = "\nRemoteIPProxyProtocolExceptions 10.0.0.1";
    const std::string agreeing[] = {
        hosts(peers, ""),
        hosts("", peers),
        hosts(peers, peers),
        hosts(peers + exceptions, peers + exceptions),
        "RemoteIPProxyProtocol Off\n" + hosts("RemoteIPProxyProtocol On\n" + peers, ""),
        peers + "\n" + hosts("", ""),
        // Of another address, whatever it likes.
        hosts(peers, "") +
            "<VirtualHost *:2>\nRemoteIPProxyProtocolPeers refused 10.0.0.1\n"
            "</VirtualHost>\n",
    };
    for (const std::string& text : agreeing)
        EXPECT_EQ(said_about(text), "") << text;
}

TEST(ProxyHeaders, are_refused_where_they_do_not) {
    EXPECT_EQ(
        said_about(hosts(peers, "RemoteIPProxyProtocolPeers required 10.0.0.0/9")),
        "m.conf:7:1: error: virtual host b does not say the same of PROXY headers as a of the "
        "same address, at m.conf:3\n"
        "    7 | RemoteIPProxyProtocolPeers required 10.0.0.0/9\n"
        "      | ^~~~~~~~~~~~~~~~~~~~~~~~~~ a header comes before any name: they must say "
        "the same\n");
    const std::string said = "does not say the same of PROXY headers as a of the same address";
    const std::string exceptions = "\nRemoteIPProxyProtocolExceptions 10.0.0.1";
    const struct {
        std::string text;
        const char* place;
    } different[] = {
        {hosts(peers, "RemoteIPProxyProtocolPeers optional 10.0.0.0/8"), "m.conf:7:1: "},
        {hosts(peers, "RemoteIPProxyProtocol On"), "m.conf:7:23: "},
        {hosts(peers, "RemoteIPProxyProtocol Off"), "m.conf:7:23: "},
        {hosts(peers, peers + exceptions), "m.conf:8:1: "},
        {hosts(peers + exceptions, peers), "m.conf:8:1: "},
        {peers + "\n" + hosts("RemoteIPProxyProtocolPeers refused 10.0.0.1", ""), "m.conf:1:1: "},
    };
    for (const auto& each : different) {
        const std::string text = said_about(each.text);
        EXPECT_NE(text.find(said), text.npos) << each.text << text;
        EXPECT_NE(text.find(each.place), text.npos) << each.text << text;
    }
}

/// Where the server speaks first, both would wait for each other.
TEST(ProxyHeaders, are_not_optional_before_a_plain_tunnel) {
    const std::string optional = "RemoteIPProxyProtocolPeers optional 10.0.0.0/8\n";
    const std::string tunnel = "<VirtualHost *:1>\nTunnelTo tcp://127.0.0.1:2\n</VirtualHost>\n";
    EXPECT_EQ(said_about(optional + tunnel),
              "m.conf:1:1: error: optional has no way to work in front of TunnelTo without TLS, at "
              "m.conf:3\n"
              "    1 | RemoteIPProxyProtocolPeers optional 10.0.0.0/8\n"
              "      | ^~~~~~~~~~~~~~~~~~~~~~~~~~ expected required or refused: the server may be "
              "the first to speak\n");
    EXPECT_EQ(said_about(peers + "\n" + tunnel), "");
    EXPECT_EQ(said_about("RemoteIPProxyProtocolPeers refused 10.0.0.1\n" + tunnel), "");
    // By its name: the client's ClientHello comes first.
    EXPECT_EQ(said_about(optional + tunnel.substr(0, tunnel.find("</")) + "ServerName a\n" +
                         "</VirtualHost>\n<VirtualHost *:1>\nServerName b\n"
                         "TunnelTo tcp://127.0.0.1:3\n</VirtualHost>\n"),
              "");
}

}  // namespace
}  // namespace headgate::proxy
