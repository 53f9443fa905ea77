// How the program of SSLPassPhraseDialog is called, and what is said when its passphrase is wrong.
#include "proxy/site/tls_passphrase.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/certificates.h"
#include "tests/support/loaded_sites.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

using namespace support;

std::string program_in(const TemporaryFolder& folder, const std::string& lines) {
    const std::string program = folder.write("dialog", "#!/bin/sh\n" + lines);
    std::filesystem::permissions(program, std::filesystem::perms(0755));
    return program;
}

TEST(TlsPassphrase, is_asked_for_by_host_and_position) {
    const TemporaryFolder folder;
    const std::string program = program_in(folder, "echo \"$1 $2\"\n");
    const char* kinds[] = {"RSA", "DSA", "ECC", "3", "4"};
    for (std::size_t i = 0; i < std::size(kinds); i++) {
        EXPECT_EQ(passphrase_of("no key", program, {"a.test:8443", i}),
                  std::string("a.test:8443 ") + kinds[i]);
    }
    EXPECT_EQ(passphrase_of("no key", program_in(folder, "exit 1\n"), {"a.test:443", 0}), "");
}

TEST(TlsPassphrase, is_tried_at_later_keys_when_it_opened_one) {
    const TemporaryFolder folder;
    Authority authority;
    const std::string first = encrypted(authority.issue("a.test").key, "tried later");
    const std::string second = encrypted(authority.issue("b.test").key, "tried later");
    const std::string right = program_in(folder, "echo tried later\n");
    EXPECT_EQ(passphrase_of(first, right, {"a.test:443", 0}), "tried later");
    const std::string wrong = program_in(folder, "echo another\n");
    EXPECT_EQ(passphrase_of(second, wrong, {"b.test:443", 0}), "tried later");
    EXPECT_EQ(passphrase_of(encrypted(authority.issue("c.test").key, "third"), wrong, {"c", 0}),
              "another");
}

/// What is said of a virtual host whose key's passphrase is "right words", at its line.
std::string messages(const TemporaryFolder& folder, const std::string& dialog) {
    Authority authority;
    const Issued issued = authority.issue("a.test");
    return LoadedSites::messages_of(
        dialog + "<VirtualHost *:443>\nServerName a.test\nSSLEngine On\n" + "SSLCertificateFile " +
        folder.write("a.pem", issued.certificate) + "\nSSLCertificateKeyFile " +
        folder.write("a.key", encrypted(issued.key, "right words")) + "\n</VirtualHost>\n");
}

TEST(TlsPassphrase, that_is_wrong_is_a_mistake_where_the_key_is_named) {
    const TemporaryFolder folder;
    const std::string program = program_in(folder, "echo wrong words\n");
    const std::string wrong = messages(folder, "SSLPassPhraseDialog exec:" + program + "\n");
    EXPECT_NE(wrong.find("main.conf:6:23: error: this file is of no use: it is encrypted, and the "
                         "passphrase does not open it\n"),
              std::string::npos)
        << wrong;
    const std::string none = messages(folder, "");
    EXPECT_NE(none.find("main.conf:5:23: error: this file is of no use: it is encrypted, and "
                        "there is no passphrase for it\n"),
              std::string::npos)
        << none;
    program_in(folder, "echo right words\n");
    EXPECT_EQ(messages(folder, "SSLPassPhraseDialog exec:" + program + "\n"), "");
}

}  // namespace
}  // namespace headgate::proxy
