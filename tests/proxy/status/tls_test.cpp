// What the status page says of certificates: those that clients are shown, and those that upstreams
// are, each once.
#include "proxy/status/tls.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/loaded_sites.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

using support::Authority;
using support::Issued;

TEST(TlsStatusPage, lists_what_clients_and_upstreams_are_shown) {
    const support::TemporaryFolder folder;
    Authority authority;
    const auto both = [&](const char* name, const char* kind, int days) {
        const Issued issued = authority.issue(name, kind, days);
        return folder.write(name, issued.certificate + issued.key);
    };
    const support::LoadedSites loaded(
        "Listen 443\nServerName main.test\nSSLProxyEngine On\nSSLProxyMachineCertificateFile " +
        both("machine", "EC", 40) + "\n<Proxy https://a.test/>\nSSLProxyMachineCertificateFile " +
        both("partner", "RSA", 20) +
        "\n</Proxy>\n<Proxy https://b.test/>\nSSLProxyVerifyDepth 2\n</Proxy>\n"
        "ProxyPass /a/ https://a.test/\nProxyPass /b/ https://b.test/\n"
        "ProxyPass / https://c.test/\n"
        "SSLEngine On\nSSLCertificateFile " +
        both("shown", "EC", 60) + "\n");
    TlsStatus status;
    status.certificates = certificates_of(*loaded.sites());
    const std::time_t now = std::time(nullptr) - 3600;  // so that whole days are left
    const std::string lines = tls_lines(status, now);
    const std::string listed = lines.substr(lines.find("TLSCertificateDays"));
    EXPECT_EQ(listed,
              "TLSCertificateDays main.test EC: 60\n"
              "TLSMachineCertificateDays main.test EC: 40\n"
              "TLSMachineCertificateDays main.test RSA: 20\n");
    const std::string json = tls_json(status);
    EXPECT_NE(json.find("\"name\":\"machine\",\"key\":\"EC\",\"shown_to\":\"upstreams\","
                        "\"url\":\"\""),
              std::string::npos)
        << json;
    EXPECT_NE(json.find("\"name\":\"partner\",\"key\":\"RSA\",\"shown_to\":\"upstreams\","
                        "\"url\":\"https://a.test/\""),
              std::string::npos)
        << json;
    EXPECT_NE(json.find("\"name\":\"shown\",\"key\":\"EC\",\"shown_to\":\"clients\""),
              std::string::npos)
        << json;
    const std::string page = tls_section(status, now);
    EXPECT_NE(page.find("<td>partner<td>main.test<td>upstreams of https://a.test/<td>RSA"),
              std::string::npos)
        << page;
    EXPECT_NE(page.find("<td>shown<td>main.test<td>clients<td>EC"), std::string::npos) << page;
}

}  // namespace
}  // namespace headgate::proxy
