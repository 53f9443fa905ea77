// Folders that TLS's directives name, where a file that comes or goes is noticed: authorities whose
// names clients are told, and certificates that upstreams are shown.
#include <filesystem>

#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsFolders : public Behaviour {};
EVERY_MODEL(TlsFolders);

/// The common names of the authorities that the server told, in its order.
std::string told_to(const RawConnection& client) {
    const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(client.tls()->ssl());
    std::string all;
    for (int i = 0; i < sk_X509_NAME_num(names); i++) {
        char text[64] = "";
        X509_NAME_get_text_by_NID(sk_X509_NAME_value(names, i), NID_commonName, text, sizeof text);
        all += std::string(text) + ";";
    }
    return all;
}

/// SSLCADNRequestPath beside SSLCADNRequestFile: the names of both, each of them once, instead of
/// those of SSLCACertificateFile.
TEST_P(TlsFolders, NameAuthoritiesToClients) {
    const TlsFiles files;
    const TemporaryFolder folder;
    RunningOrigin origin;
    Authority first("First"), second("Second"), third("Third");
    const std::string file = files.folder.write("first.pem", first.certificate());
    folder.write("0a1b2c3d.0", second.certificate());
    folder.write("second.pem", second.certificate());
    RunningProxy proxy(model(), files.server("a.test") + files.authorities() +
                                    "SSLVerifyClient optional\nSSLCADNRequestFile " + file +
                                    "\nSSLCADNRequestPath " + folder.file(".") + "\n" +
                                    pass_all_to(origin));
    const auto told = [&] {
        RawConnection client(proxy.port(), asking_for("a.test"));
        EXPECT_TRUE(client.shake());
        return told_to(client);
    };
    EXPECT_EQ(told(), "First;Second;");
    folder.write("third.pem", third.certificate());
    wait_until("for the new name", [&] { return told() == "First;Second;Third;"; });
}

/// A file of no use leaves the others in force, and is named: once when it comes, not by each
/// handshake, nor for each virtual host.
TEST_P(TlsFolders, NameWhatIsOfNoUse) {
    const TlsFiles files;
    const TemporaryFolder folder;
    RunningOrigin origin;
    Authority signer;
    folder.write("b.pem", signer.certificate());
    RunningProxy proxy(model(), files.server("a.test") + "SSLVerifyClient require\n" +
                                    "SSLCACertificatePath " + folder.file(".") + "\n" +
                                    pass_all_to(origin) +
                                    "<VirtualHost *:${PORT}>\nServerName a.test\n</VirtualHost>\n"
                                    "<VirtualHost *:${PORT}>\nServerName b.test\n</VirtualHost>\n");
    EXPECT_EQ(proxy.messages().find("is skipped"), std::string::npos) << proxy.messages();
    folder.write("a.pem", signer.certificate().substr(0, 300));
    proxy.wait_for_message("new certificates for b.test");
    TlsTerms terms = asking_for("a.test");
    terms.shown = signer.issue("client");
    for (int i = 0; i < 3; i++) {
        RawConnection client(proxy.port(), terms);
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, 200);
    }
    const std::string said = proxy.messages();
    const std::size_t at = said.find("/a.pem\" is skipped: its PEM cannot be read: ");
    ASSERT_NE(at, std::string::npos) << said;
    EXPECT_EQ(said.find("is skipped", at + 20), std::string::npos) << said;
}

/// SSLProxyMachineCertificatePath: pairs in files of their own, by the order of their names, behind
/// those of SSLProxyMachineCertificateFile.
TEST_P(TlsFolders, HoldTheCertificatesThatUpstreamsAreShown) {
    const TlsFiles files;
    const TemporaryFolder folder;
    RunningOrigin origin;
    Authority first("First"), second("Second"), third("Third");
    const auto both = [](const Issued& issued) { return issued.certificate + issued.key; };
    const std::string file = files.folder.write("own.pem", both(first.issue("one.test")));
    const std::string server = files.server("a.test");
    const auto asking_for_those_of = [&](const std::string& name, const Authority& whom) {
        return server + "SSLVerifyClient optional_no_ca\nSSLCACertificateFile " +
               files.folder.write(name, whom.certificate()) +
               "\nRequestHeader set X-Client %{SSL_CLIENT_S_DN_CN}s\n" + pass_all_to(origin);
    };
    RunningProxy of_second(model(), asking_for_those_of("second.pem", second));
    RunningProxy of_third(model(), asking_for_those_of("third.pem", third));
    const auto pass = [](const std::string& path, const RunningProxy& to) {
        return "ProxyPass " + path + " https://127.0.0.1:" + std::to_string(to.port()) + "/\n";
    };
    const std::string pair = both(second.issue("two.test"));
    folder.write("0a1b2c3d.0", pair);  // the same file by its hash
    folder.write("two.pem", pair);
    for (const std::string& more :
         {std::string(), "SSLProxyMachineCertificateFile " + file + "\n"}) {
        RunningProxy proxy(model(), "SSLProxyEngine On\n" + more +
                                        "SSLProxyMachineCertificatePath " + folder.file(".") +
                                        "\n" + pass("/second/", of_second) +
                                        pass("/third/", of_third));
        const auto shown_to = [&](const std::string& path) {
            RawConnection client(proxy.port());
            client.send(get(path + "headers"));
            const std::string head = client.receive_response().content;
            const std::size_t at = head.find("X-Client: ");
            return at == head.npos ? head : head.substr(at + 10, head.find('\r', at) - at - 10);
        };
        EXPECT_EQ(shown_to("/second/"), "two.test");
        EXPECT_EQ(shown_to("/third/"), "(null)") << "of another authority, though a single one";
        folder.write("three.pem", both(third.issue("three.test")));
        proxy.wait_for_message("for its upstreams");
        wait_until("for the new pair", [&] { return shown_to("/third/") == "three.test"; });
        EXPECT_EQ(shown_to("/second/"), "two.test");
        std::filesystem::remove(folder.file("three.pem"));
    }
}

}  // namespace
}  // namespace headgate
