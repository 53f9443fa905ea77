// What is said of the certificates that upstreams are shown, when a configuration is loaded.
#include "proxy/site/tls_upstream.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/certificates.h"
#include "tests/support/loaded_sites.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

using support::Authority;
using support::Issued;
using support::LoadedSites;

class MachineCertificates : public ::testing::Test {
protected:
    /// Of a configuration whose file of certificates and keys is this.
    std::string messages_of(const std::string& pem) const {
        return LoadedSites::messages_of("SSLProxyEngine On\nSSLProxyMachineCertificateFile " +
                                        folder_.write("own.pem", pem) +
                                        "\nProxyPass / https://a.test/\n");
    }
    bool says(const std::string& pem, const std::string& text) const {
        return messages_of(pem).find("main.conf:2:32: " + text) != std::string::npos;
    }
    static std::string both(const Issued& issued) { return issued.certificate + issued.key; }

    Authority authority_;

private:
    support::TemporaryFolder folder_;
};

TEST_F(MachineCertificates, are_warned_of_when_they_end_soon) {
    const std::string lasting = both(authority_.issue("a", "EC", 30));
    const std::string soon = both(authority_.issue("b", "EC", 5));
    const std::string over = both(authority_.issue("c", "EC", -1));
    EXPECT_FALSE(says(lasting, "warning"));
    EXPECT_TRUE(says(soon, "warning: this certificate expires in "));
    EXPECT_TRUE(says(over, "warning: this certificate has expired"));
    EXPECT_FALSE(says(lasting + both(authority_.issue("d")), "warning"));
    EXPECT_TRUE(says(lasting + over, "warning: this certificate has expired")) << "of several";
}

TEST_F(MachineCertificates, stand_in_any_order) {
    const Issued one = authority_.issue("one");
    const Issued two = authority_.issue("two", "RSA");
    const std::string chain = authority_.certificate();
    for (const std::string& pem :
         {one.certificate + chain + one.key, one.key + one.certificate + chain,
          both(one) + both(two), both(one) + chain + both(two) + chain,
          two.key + one.key + one.certificate + two.certificate + chain}) {
        EXPECT_FALSE(says(pem, "")) << messages_of(pem);
    }
}

TEST_F(MachineCertificates, belong_to_their_keys) {
    const Issued one = authority_.issue("one");
    const Issued two = authority_.issue("two", "RSA");
    const std::string useless = "error: this file is of no use: ";
    EXPECT_TRUE(says(two.key + one.certificate, useless + "the key does not belong to the"));
    EXPECT_TRUE(says(one.certificate, useless + "no private key in it"));
    EXPECT_TRUE(
        says(both(one) + two.key, useless + "a private key in it belongs to no certificate in it"));
    std::string locked = two.key;
    locked.replace(locked.find('\n') + 1, 8, "????????");
    EXPECT_TRUE(says(both(one) + two.certificate + locked, useless + "private key 2 in it: "))
        << messages_of(both(one) + two.certificate + locked);
}

/// SSLProxyMachineCertificatePath: what the files of a folder hold is one text.
TEST_F(MachineCertificates, may_lie_in_a_folder) {
    const support::TemporaryFolder own;
    const auto messages = [&] {
        return LoadedSites::messages_of("SSLProxyEngine On\nSSLProxyMachineCertificatePath " +
                                        own.file(".") + "\nProxyPass / https://a.test/\n");
    };
    const std::string place = "main.conf:2:32: ";
    EXPECT_NE(messages().find(place + "error: this file is of no use: no certificate in it"),
              std::string::npos)
        << messages();
    const Issued issued = authority_.issue("one");
    own.write("a-chain.pem", authority_.certificate());
    own.write("b.pem", issued.certificate);
    own.write("c.key", issued.key);
    EXPECT_EQ(messages().find(place), std::string::npos) << messages();
    own.write("d.pem", both(authority_.issue("two", "RSA", 5)));
    EXPECT_NE(messages().find(place + "warning: this certificate expires in "), std::string::npos);
    own.write("e.key", authority_.issue("three").key);
    EXPECT_NE(messages().find("a private key in it belongs to no certificate in it"),
              std::string::npos);
}

/// A file of a folder that is of no use is passed over, but not silently.
TEST_F(MachineCertificates, of_no_use_in_a_folder_are_named) {
    const support::TemporaryFolder own;
    own.write("a.pem", both(authority_.issue("a")));
    std::filesystem::create_directory(own.file("folder"));
    const auto messages = [&] {
        return LoadedSites::messages_of("SSLProxyEngine On\nSSLProxyMachineCertificatePath " +
                                        own.file("") + "\nSSLProxyCACertificatePath " +
                                        own.file("") + "\nProxyPass / https://a.test/\n");
    };
    EXPECT_EQ(messages().find("is skipped"), std::string::npos) << messages();
    const Issued issued = authority_.issue("b");
    std::string broken = issued.certificate;
    broken.replace(broken.find('\n') + 1, 8, "AAAAAAAA");
    own.write("b.pem", broken);
    own.write("c.pem", "nothing of the kind");
    own.write("d.pem", issued.certificate.substr(0, 200));
    own.write("e.pem", issued.certificate + support::encrypted(issued.key, "secret"));
    std::filesystem::create_symlink(own.file("gone"), own.file("f.pem"));
    const auto says = [&](const std::string& place, const std::string& name,
                          const std::string& why) {
        const std::string text = messages();
        const std::string wanted =
            place + "warning: \"" + own.file("") + name + "\" is skipped: " + why;
        EXPECT_NE(text.find(wanted), std::string::npos) << wanted << "\n" << text;
    };
    for (const std::string place : {"main.conf:2:32: ", "main.conf:3:27: "}) {
        says(place, "b.pem", "certificate 1 cannot be read: ");
        says(place, "c.pem", "no certificate, key or revocation list in it (PEM)");
        says(place, "d.pem", "its PEM cannot be read: ");
        says(place, "f.pem", "No such file or directory");
    }
    says("main.conf:2:32: ", "e.pem", "private key 1 is encrypted");
    EXPECT_EQ(messages().find(": error: "), std::string::npos) << messages();
}

}  // namespace
}  // namespace headgate::proxy
