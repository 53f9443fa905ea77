// What cannot have an effect in a virtual host with TunnelTo, and where it is said.
#include "proxy/site/tunnel_check.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/loaded_sites.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

using support::LoadedSites;

/// What is said of a line in a virtual host, with these around it.
std::string messages(const std::string& line, const std::string& target = "tcp://127.0.0.1:1",
                     const std::string& above = "") {
    return LoadedSites::messages_of(above + "<VirtualHost *:80>\nServerName a.test\n" + line +
                                    "\nTunnelTo " + target + "\n</VirtualHost>\n");
}

TEST(TunnelCheck, refuses_what_is_about_requests) {
    for (const char* line :
         {"ProxyPass / http://127.0.0.1:1/", "RequestHeader set X-A 1", "KeepAlive Off",
          "LimitRequestBody 10", "SetHandler server-status", "ServerAdmin me@a.test",
          "RemoteIPHeader X-Forwarded-For", "SSLUserName SSL_CLIENT_S_DN_CN",
          "SSLVHostSNIPolicy strict", "ProxyAddHeaders Off", "ErrorDocument 404 \"gone\""}) {
        const std::string said = messages(line);
        const std::string name = std::string(line).substr(0, std::string(line).find(' '));
        EXPECT_NE(said.find("main.conf:3:1: error: " + name + " has no effect beside TunnelTo"),
                  std::string::npos)
            << said;
        EXPECT_NE(said.find("requests are not looked at"), std::string::npos) << said;
    }
    for (const char* section : {"<Location />\nSSLRequireSSL\n</Location>",
                                "<Location />\nSSLVerifyClient require\n"
                                "</Location>",
                                "<Proxy *>\nProxySet timeout=5\n</Proxy>"}) {
        EXPECT_NE(messages(section).find("main.conf:3:1: error: a section has no effect beside"),
                  std::string::npos)
            << messages(section);
    }
}

TEST(TunnelCheck, refuses_tls_where_none_is_spoken) {
    for (const char* line : {"SSLVerifyClient require", "SSLProtocol TLSv1.3",
                             "SSLStrictSNIVHostCheck On", "SSLCertificateFile none.pem"}) {
        EXPECT_NE(messages(line).find("main.conf:3:1: error: " +
                                      std::string(line).substr(0, std::string(line).find(' ')) +
                                      " has no effect without SSLEngine On"),
                  std::string::npos)
            << messages(line);
    }
    for (const char* line : {"SSLProxyEngine On", "SSLProxyCheckPeerName Off"}) {
        EXPECT_NE(messages(line).find("has no effect without a tls:// target"), std::string::npos)
            << messages(line);
        EXPECT_EQ(messages(line, "tls://127.0.0.1:1", "SSLProxyEngine On\n").find("no effect"),
                  std::string::npos);
    }
    EXPECT_NE(messages("Protocols imap").find("Protocols has no effect without TLS on either side"),
              std::string::npos);
    EXPECT_EQ(
        messages("Protocols imap", "tls://127.0.0.1:1", "SSLProxyEngine On\n").find("no effect"),
        std::string::npos);
}

/// RequestReadTimeout: a time for what nobody waits for.
TEST(TunnelCheck, refuses_times_for_what_is_not_read) {
    const std::string place = "main.conf:3:20: error: no effect ";
    const std::string peers = "\nRemoteIPProxyProtocolPeers required 127.0.0.1";
    const auto says = [](const std::string& said, const std::string& text) {
        return said.find(text) != std::string::npos;
    };
    const std::string plain = messages("RequestReadTimeout handshake=5");
    EXPECT_TRUE(says(plain, place + "without a handshake in front of the tunnel")) << plain;
    EXPECT_EQ(messages("RequestReadTimeout handshake=5" + peers), "");
    EXPECT_EQ(messages("RequestReadTimeout header=5" + peers), "");
    EXPECT_TRUE(says(messages("RequestReadTimeout header=5"), place + "beside TunnelTo"));
    EXPECT_TRUE(says(messages("RequestReadTimeout body=5" + peers), place + "beside TunnelTo"));
    EXPECT_EQ(messages("", "tcp://127.0.0.1:1", "RequestReadTimeout handshake=5 body=9\n"), "");
    // Beside another one of its address it is chosen by the name in a ClientHello.
    const std::string chosen = LoadedSites::messages_of(
        "<VirtualHost *:80>\nServerName a.test\nRequestReadTimeout handshake=5\n"
        "TunnelTo tcp://127.0.0.1:1\n</VirtualHost>\n<VirtualHost *:80>\nServerName b.test\n"
        "TunnelTo tcp://127.0.0.1:2\n</VirtualHost>\n");
    EXPECT_FALSE(says(chosen, "no effect")) << chosen;
}

TEST(TunnelCheck, takes_what_is_about_connections) {
    for (const char* line :
         {"SSLEngine Off", "SSLProxyEngine Off", "ServerAlias b.test", "Timeout 5",
          "ProxyTimeout 5", "ProxyAsyncIdleTimeout 5", "ProxyTunnelDrainTimeout 5",
          "EnableSplice Off", "LogLevel info", "ProxyRequests Off",
          "RemoteIPProxyProtocolPeers required 127.0.0.1", "CustomLog a.log %h"}) {
        EXPECT_EQ(messages(line), "") << line;
    }
    EXPECT_EQ(messages("", "tcp://127.0.0.1:1", "KeepAlive Off\nSSLVerifyClient none\n"), "");
}

TEST(TunnelCheck, warns_of_demands_around_it) {
    const std::string demand = "<Location /admin>\nSSLRequireSSL\n</Location>\n";
    const std::string said = messages("", "tcp://127.0.0.1:1", demand);
    EXPECT_NE(said.find("main.conf:1:1: warning: what this section demands"), std::string::npos)
        << said;
    EXPECT_NE(said.find("no effect on virtual host a.test"), std::string::npos) << said;
    EXPECT_EQ(messages("", "tcp://127.0.0.1:1", "<Location /a>\nSetHandler none\n</Location>\n"),
              "");
    EXPECT_EQ(LoadedSites::messages_of(demand), "");
    // Nor is a certificate asked for at the handshake, for which there would have to be
    // authorities.
    const support::TemporaryFolder folder;
    support::Authority authority;
    const support::Issued issued = authority.issue("a.test");
    const std::string with_tls =
        messages("SSLEngine On\nSSLCertificateFile " +
                     folder.write("a.pem", issued.certificate + issued.key),
                 "tcp://127.0.0.1:1", "<Location /a>\nSSLVerifyClient optional\n</Location>\n");
    EXPECT_NE(with_tls.find("warning: what this section demands"), std::string::npos) << with_tls;
    EXPECT_EQ(with_tls.find("error"), std::string::npos) << with_tls;
}

TEST(TunnelCheck, knows_the_protocols_of_requests) {
    const auto said = [](const std::string& line) {
        return LoadedSites::messages_of("<VirtualHost *:80>\n" + line + "\n</VirtualHost>\n");
    };
    EXPECT_EQ(said("Protocols http/1.1"), "");
    EXPECT_NE(said("Protocols h2 http/1.1").find("2:11: error: protocol h2: not yet"),
              std::string::npos);
    EXPECT_NE(said("Protocols http/1.1 imap").find("2:20: error: \"imap\" is not a protocol"),
              std::string::npos);
    EXPECT_NE(said("ProtocolsHonorOrder Off").find("no effect: one protocol"), std::string::npos);
    EXPECT_EQ(said("ProtocolsHonorOrder On"), "");
    EXPECT_NE(messages("Protocols \"\" \"a b\"", "tls://127.0.0.1:1", "SSLProxyEngine On\n")
                  .find("4:11: error: \"\" is not a value for Protocols"),
              std::string::npos);
}

}  // namespace
}  // namespace headgate::proxy
