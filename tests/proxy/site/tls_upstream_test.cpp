// What is said of the certificates that upstreams are shown, when a configuration is loaded.
#include "proxy/site/tls_upstream.h"

#include <gtest/gtest.h>

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
    own.write("README", "no PEM");
    EXPECT_EQ(messages().find(place), std::string::npos) << messages();
    own.write("d.pem", both(authority_.issue("two", "RSA", 5)));
    EXPECT_NE(messages().find(place + "warning: this certificate expires in "), std::string::npos);
    own.write("e.key", authority_.issue("three").key);
    EXPECT_NE(messages().find("a private key in it belongs to no certificate in it"),
              std::string::npos);
}

}  // namespace
}  // namespace headgate::proxy
