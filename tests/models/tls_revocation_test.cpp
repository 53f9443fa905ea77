// Certificates that are revoked or have expired, on both sides: whose lists are wanted, and what
// comes of a list that is missing.
#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsRevocation : public Behaviour {};
EVERY_MODEL(TlsRevocation);

int status_of(const RunningProxy& proxy, const TlsTerms& terms) {
    RawConnection client(proxy.port(), terms);
    client.send("GET /hello HTTP/1.1\r\nHost: a.test\r\n\r\n");
    return client.receive_response().status;
}

/// A root, an authority below it, and what that one has signed; with lists of both.
struct Chain {
    Authority root{"Root"};
    Authority middle{"Middle", root};
    Issued leaf = middle.issue("a.test");
    std::string nobody_of_root = root.revoke(false);
    std::string middle_revoked = root.revoke(true);  // it has signed no other, of that number
    std::string nobody_of_middle = middle.revoke(false);
    std::string leaf_revoked = middle.revoke(true);

    std::string authorities() const { return middle.certificate() + root.certificate(); }
};

struct Case {
    std::string check;
    std::string lists;
    bool is_good;
};

/// The same for certificates of clients and of upstreams.
std::vector<Case> cases_of(const Chain& chain) {
    const std::string good = chain.nobody_of_middle;
    return {{"none", chain.leaf_revoked + chain.middle_revoked, true},
            {"leaf", good, true},
            {"leaf", chain.leaf_revoked, false},
            {"leaf", good + chain.middle_revoked, true},
            {"leaf", chain.nobody_of_root, false},  // no list for the leaf
            {"leaf no_crl_for_cert_ok", chain.nobody_of_root, true},
            {"leaf no_crl_for_cert_ok", chain.leaf_revoked, false},
            {"chain", good + chain.nobody_of_root, true},
            {"chain", good, false},  // no list for the authority in the middle
            {"chain", good + chain.middle_revoked, false},
            {"chain", chain.leaf_revoked + chain.nobody_of_root, false},
            {"chain no_crl_for_cert_ok", good, true},
            {"chain no_crl_for_cert_ok", chain.middle_revoked, false}};
}

TEST_P(TlsRevocation, OfClientsIsAsWideAsItSays) {
    const TlsFiles files;
    RunningOrigin origin;
    const Chain chain;
    const std::string trusted = files.folder.write("trusted.pem", chain.authorities());
    TlsTerms terms = asking_for("a.test");
    terms.shown = chain.leaf;
    for (const Case& each : cases_of(chain)) {
        RunningProxy proxy(model(), files.server("a.test") + "SSLCACertificateFile " + trusted +
                                        "\nSSLVerifyClient require\nSSLVerifyDepth 2\n"
                                        "SSLCARevocationFile " +
                                        files.folder.write("crl.pem", each.lists) +
                                        "\nSSLCARevocationCheck " + each.check + "\n" +
                                        pass_all_to(origin));
        EXPECT_EQ(status_of(proxy, terms), each.is_good ? 200 : 0) << each.check << each.lists;
    }
}

TEST_P(TlsRevocation, OfUpstreamsIsAsWideAsItSays) {
    const TlsFiles files;
    RunningOrigin origin;
    const Chain chain;
    const std::string trusted = files.folder.write("trusted.pem", chain.authorities());
    const std::string own = files.folder.write("own.pem", chain.leaf.certificate + chain.leaf.key);
    RunningProxy back(model(),
                      "SSLEngine On\nSSLCertificateFile " + own + "\n" + pass_all_to(origin));
    for (const Case& each : cases_of(chain)) {
        RunningProxy proxy(model(),
                           "SSLProxyEngine On\nSSLProxyVerify require\nSSLProxyVerifyDepth 2\n"
                           "SSLProxyCACertificateFile " +
                               trusted + "\nSSLProxyCARevocationFile " +
                               files.folder.write("crl.pem", each.lists) +
                               "\nSSLProxyCARevocationCheck " + each.check +
                               "\nProxyPass / https://127.0.0.1:" + std::to_string(back.port()) +
                               "/\n");
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, each.is_good ? 200 : 502)
            << each.check << each.lists;
    }
}

/// New lists of upstreams reach the children that run, as files of clients do.
TEST_P(TlsRevocation, OfUpstreamsIsNoticedWhenTheListChanges) {
    const TlsFiles files;
    RunningOrigin origin;
    Authority signer("Signer");
    const Issued own = signer.issue("a.test");
    RunningProxy back(model(), "KeepAlive Off\nSSLEngine On\nSSLCertificateFile " +
                                   files.folder.write("own.pem", own.certificate + own.key) + "\n" +
                                   pass_all_to(origin));
    RunningProxy proxy(
        model(),
        "SSLProxyEngine On\nSSLProxyVerify require\n"
        "SSLProxyCARevocationCheck leaf\nSSLProxyCACertificateFile " +
            files.folder.write("signer.pem", signer.certificate()) + "\nSSLProxyCARevocationFile " +
            files.folder.write("crl.pem", signer.revoke(false)) +
            "\nProxyPass / https://127.0.0.1:" + std::to_string(back.port()) + "/\n");
    const auto status = [&] {
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        return client.receive_response().status;
    };
    EXPECT_EQ(status(), 200);
    const std::vector<pid_t> children = proxy.children();
    files.folder.write("crl.pem", signer.revoke(true));
    wait_until("for the upstream to be refused", [&] { return status() == 502; });
    proxy.error_log("certificate revoked");
    EXPECT_EQ(proxy.children(), children);
}

/// SSLProxyCheckPeerExpire is about certificates that nobody verifies otherwise.
TEST_P(TlsRevocation, ExpiredUpstreamsAreRefusedUnlessThatIsOff) {
    const TlsFiles files;
    RunningOrigin origin;
    const Issued expired = authority().issue("a.test", "EC", -1);
    RunningProxy back(model(),
                      "SSLEngine On\nSSLCertificateFile " +
                          files.folder.write("own.pem", expired.certificate + expired.key) + "\n" +
                          pass_all_to(origin));
    const std::string require = "SSLProxyVerify require\nSSLProxyCACertificateFile " +
                                files.folder.write("ca.pem", authority().certificate()) + "\n";
    const std::pair<std::string, int> cases[] = {
        {"", 502},
        {"SSLProxyCheckPeerExpire On\n", 502},
        {"SSLProxyCheckPeerExpire Off\n", 200},
        {require + "SSLProxyCheckPeerExpire Off\n", 502},
    };
    for (const auto& [directives, status] : cases) {
        RunningProxy proxy(
            model(), "SSLProxyEngine On\n" + directives +
                         "ProxyPass / https://127.0.0.1:" + std::to_string(back.port()) + "/\n");
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, status) << directives;
    }
}

}  // namespace
}  // namespace headgate
