// What a virtual host's TLS is made of when a configuration is loaded.
#include "proxy/site/tls_site.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/loaded_sites.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

using support::Authority;
using support::Issued;
using support::LoadedSites;

/// As Apache: what a command of OpenSSL takes as the name of a file starts from ServerRoot.
TEST(TlsSite, commands_name_files_from_the_root_on) {
    const support::TemporaryFolder root;
    Authority authority;
    const Issued own = authority.issue("a.test");
    root.write("own.pem", own.certificate + own.key);
    root.write("ca.pem", authority.certificate());
    const auto messages = [&](const std::string& command) {
        return LoadedSites::messages_of("ServerRoot " + root.file("") +
                                        "\nSSLEngine On\nSSLCertificateFile own.pem\n"
                                        "SSLOpenSSLConfCmd " +
                                        command + "\n");
    };
    EXPECT_EQ(messages("ChainCAFile ca.pem").find(": error: "), std::string::npos);
    EXPECT_EQ(messages("ChainCAFile " + root.file("ca.pem")).find(": error: "), std::string::npos);
    EXPECT_NE(messages("ChainCAFile none.pem").find(": error: ChainCAFile none.pem: "),
              std::string::npos);
    EXPECT_EQ(messages("Curves P-256").find(": error: "), std::string::npos) << "no file";
}

}  // namespace
}  // namespace headgate::proxy
