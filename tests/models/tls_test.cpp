// TLS towards clients, by a client that is OpenSSL itself: virtual hosts by SNI,
// client certificates, revocation, hostile beginnings.
#include <algorithm>

#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class Tls : public Behaviour {};
EVERY_MODEL(Tls);

std::string request(const std::string& host) {
    return "GET /hello HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

std::string subject_of(const RawConnection& client) {
    char name[256] = "";
    X509* certificate = SSL_get0_peer_certificate(client.tls()->ssl());
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name,
                              sizeof name);
    return name;
}

int status_of(RawConnection& client, const std::string& host) {
    client.send(request(host));
    return client.receive_response().status;
}

TEST_P(Tls, ServesVirtualHostsByName) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), files.host("a.test") + files.host("b.test") + pass_all_to(origin));
    for (const char* name : {"a.test", "b.test", "B.Test"}) {
        RawConnection client(proxy.port(), asking_for(name));
        ASSERT_TRUE(client.shake()) << client.tls()->fault();
        EXPECT_EQ(subject_of(client), name == std::string("a.test") ? "a.test" : "b.test");
        EXPECT_EQ(status_of(client, name), 200);
        EXPECT_EQ(status_of(client, name), 200) << "the connection persists";
    }
    for (const char* name : {"unknown.test", ""}) {
        RawConnection client(proxy.port(), asking_for(name));
        ASSERT_TRUE(client.shake());
        EXPECT_EQ(subject_of(client), "a.test") << "the default";
    }
    RawConnection client(proxy.port(), asking_for("a.test"));
    EXPECT_EQ(status_of(client, "b.test"), 421) << "another certificate";
}

/// Virtual hosts of one certificate, and what else they say.
std::string sharing(const std::string& name, const std::string& certificate,
                    const std::string& more = "") {
    return "<VirtualHost *:${PORT}>\nServerName " + name + "\n" + certificate + more +
           "</VirtualHost>\n";
}

TEST_P(Tls, SharesAConnectionByPolicy) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string shown = files.server("a.test");
    const std::string announces = "SSLCADNRequestFile " + files.folder.file("ca.pem") + "\n";
    const std::string asks = files.authorities();
    const struct {
        const char* policy;
        std::string difference;
        int status;
    } cases[] = {{"secure", "", 200},
                 {"secure", "SSLProtocol TLSv1.3\n", 421},
                 {"secure", announces, 421},
                 {"authonly", "SSLProtocol TLSv1.3\n", 200},
                 {"authonly", announces, 421},
                 {"authonly", "SSLOpenSSLConfCmd MinProtocol TLSv1.3\n", 421},
                 {"authonly", asks + "SSLVerifyClient require\n", 421},
                 {"insecure", announces, 200},
                 {"insecure", asks + "SSLVerifyClient require\n", 403},
                 {"strict", "", 421}};
    for (const auto& each : cases) {
        RunningProxy proxy(model(), std::string("SSLVHostSNIPolicy ") + each.policy + "\n" +
                                        sharing("a.test", shown) +
                                        sharing("b.test", shown, each.difference) +
                                        pass_all_to(origin));
        RawConnection client(proxy.port(), asking_for("a.test"));
        EXPECT_EQ(status_of(client, "b.test"), each.status) << each.policy << each.difference;
    }
}

TEST_P(Tls, RefusesClientsWithoutANameWhereAHostSaysSo) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string shown = files.server("a.test");
    const std::string strict = "SSLStrictSNIVHostCheck on\n";
    for (const bool is_first : {true, false}) {
        RunningProxy proxy(model(), sharing("a.test", shown, is_first ? strict : "") +
                                        sharing("b.test", shown, is_first ? "" : strict) +
                                        pass_all_to(origin));
        RawConnection without(proxy.port(), asking_for(""));
        EXPECT_EQ(status_of(without, "a.test"), is_first ? 403 : 200);
        RawConnection other(proxy.port(), asking_for(""));
        EXPECT_EQ(status_of(other, "b.test"), 403);
        RawConnection with(proxy.port(), asking_for("a.test"));
        EXPECT_EQ(status_of(with, "b.test"), 200);
    }
}

TEST_P(Tls, TellsAlternativeNamesByKind) {
    const TlsFiles files;
    RunningOrigin origin;
    std::string facts;
    for (const char* name : {"DNS_0", "Email_0", "Email_1", "OTHER_msUPN_0", "OTHER_dnsSRV_0"})
        facts += std::string("RequestHeader set X-") + name + " %{SSL_CLIENT_SAN_" + name + "}s\n";
    std::replace(facts.begin(), facts.end(), '_', '-');
    for (std::size_t at; (at = facts.find("SSL-CLIENT-SAN-")) != std::string::npos;) {
        const std::size_t end = facts.find('}', at);
        std::replace(facts.begin() + at, facts.begin() + end, '-', '_');
    }
    RunningProxy proxy(
        model(), files.host("a.test", files.authorities() + "SSLVerifyClient require\n" + facts) +
                     pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.shown = authority().issue("client.test", "EC", 90, "",
                                    "email:a@x.test,otherName:msUPN;UTF8:upn@x.test");
    RawConnection client(proxy.port(), terms);
    client.send("GET /headers HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const std::string told = client.receive_response().content;
    for (const char* line :
         {"X-DNS-0: client.test\r", "X-Email-0: a@x.test\r", "X-OTHER-msUPN-0: upn@x.test\r"})
        EXPECT_NE(told.find(line), std::string::npos) << line << told;
    for (const char* name : {"X-Email-1: a", "X-Email-1: u", "X-OTHER-dnsSRV-0: u"})
        EXPECT_EQ(told.find(name), std::string::npos) << name << told;
}

TEST_P(Tls, ServesTwoTypesOfKeys) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(
        model(), files.server("a.test") + files.server("a.test", "RSA") + pass_all_to(origin));
    for (const auto& [ciphers, type] : {std::pair{"ECDHE-RSA-AES128-GCM-SHA256", EVP_PKEY_RSA},
                                        std::pair{"ECDHE-ECDSA-AES128-GCM-SHA256", EVP_PKEY_EC}}) {
        TlsTerms terms = asking_for("a.test");
        terms.version = TLS1_2_VERSION;
        terms.ciphers = ciphers;
        RawConnection client(proxy.port(), terms);
        ASSERT_TRUE(client.shake()) << client.tls()->fault();
        X509* shown = SSL_get0_peer_certificate(client.tls()->ssl());
        EXPECT_EQ(EVP_PKEY_get_base_id(X509_get0_pubkey(shown)), type);
        EXPECT_EQ(status_of(client, "a.test"), 200);
    }
}

TEST_P(Tls, DemandsClientCertificates) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string secret =
        files.host("secret.test", files.authorities() +
                                      "SSLVerifyClient require\n"
                                      "RequestHeader set X-Client %{SSL_CLIENT_S_DN_CN}s\n");
    RunningProxy proxy(model(), files.host("a.test") + secret + pass_all_to(origin));
    TlsTerms terms = asking_for("secret.test");
    RawConnection without(proxy.port(), terms);
    EXPECT_EQ(status_of(without, "secret.test"), 0);
    proxy.error_log("peer did not return a certificate");
    terms.shown = authority().issue("client.test");
    RawConnection with(proxy.port(), terms);
    with.send("GET /headers HTTP/1.1\r\nHost: secret.test\r\n\r\n");
    const Response response = with.receive_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_NE(response.content.find("X-Client: client.test"), std::string::npos)
        << response.content;
    EXPECT_NE(response.content.find("X-Forwarded-Proto: https"), std::string::npos);
    Authority stranger("Stranger");
    terms.shown = stranger.issue("client.test");
    RawConnection other(proxy.port(), terms);
    EXPECT_EQ(status_of(other, "secret.test"), 0);
    RawConnection around(proxy.port(), asking_for("a.test"));
    EXPECT_EQ(status_of(around, "secret.test"), 421) << "not by another host's handshake";
}

/// By Location: everybody is asked at the handshake, and who shows none is refused there alone.
TEST_P(Tls, DemandsClientCertificatesByLocation) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), files.server("a.test") + files.authorities() +
                                    "SSLUserName SSL_CLIENT_S_DN_CN\n"
                                    "CustomLog " +
                                    files.folder.file("users.log") +
                                    " \"%u %>s\"\n"
                                    "<Location /headers>\nSSLVerifyClient require\n</Location>\n" +
                                    pass_all_to(origin));
    const std::string secret = "GET /headers HTTP/1.1\r\nHost: a.test\r\n\r\n";
    TlsTerms terms = asking_for("a.test");
    RawConnection without(proxy.port(), terms);
    EXPECT_EQ(status_of(without, "a.test"), 200);
    without.send(secret);
    EXPECT_EQ(without.receive_response().status, 403);
    // Nor by a spelling that the upstream may read as that place.
    for (const char* spelled : {"/headers;x", "/headers%3bx", "/%2568eaders", "//headers"}) {
        RawConnection around(proxy.port(), terms);
        around.send("GET " + std::string(spelled) + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
        const int status = around.receive_response().status;
        EXPECT_TRUE(status == 400 || status == 403) << spelled << ": " << status;
    }
    terms.shown = authority().issue("client.test");
    RawConnection with(proxy.port(), terms);
    with.send(secret);
    EXPECT_EQ(with.receive_response().status, 200);
    EXPECT_EQ(status_of(with, "a.test"), 200);
    Authority stranger("Stranger");
    terms.shown = stranger.issue("client.test");
    RawConnection other(proxy.port(), terms);
    EXPECT_EQ(status_of(other, "a.test"), 0);
    wait_until("for the log", [&] {
        const std::string users = files.folder.read("users.log");
        return users.find("- 403\n") != users.npos && users.find("client.test 200\n") != users.npos;
    });
}

TEST_P(Tls, RefusesTheRevoked) {
    const TlsFiles files;
    RunningOrigin origin;
    TlsTerms terms = asking_for("a.test");
    const std::string server = files.server("a.test");
    terms.shown = authority().issue("client.test");
    const std::string list = files.folder.write("crl.pem", authority().revoke(true));
    RunningProxy proxy(model(), server + files.authorities() +
                                    "SSLVerifyClient require\nSSLCARevocationCheck leaf\n"
                                    "SSLCARevocationFile " +
                                    list + "\n" + pass_all_to(origin));
    RawConnection revoked(proxy.port(), terms);
    EXPECT_EQ(status_of(revoked, "a.test"), 0);
    proxy.error_log("certificate revoked");
    terms.shown = authority().issue("another.test");
    RawConnection valid(proxy.port(), terms);
    EXPECT_EQ(status_of(valid, "a.test"), 200);
}

/// Full, resumed and failed handshakes, and how long certificates last.
TEST_P(Tls, IsCountedOnTheStatusPage) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") +
                                    "<Location /server-status>\nSetHandler server-status\n"
                                    "</Location>\n" +
                                    pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    RawConnection first(proxy.port(), terms);
    EXPECT_EQ(status_of(first, "a.test"), 200);
    terms.session = first.tls()->session();
    first.finish_writing();
    RawConnection second(proxy.port(), terms);
    EXPECT_EQ(status_of(second, "a.test"), 200);
    second.finish_writing();
    terms.session = nullptr;
    terms.protocols = "\x02h2";
    RawConnection failing(proxy.port(), terms);
    EXPECT_FALSE(failing.shake());
    const auto ask = [&](const std::string& query) {
        RawConnection client(proxy.port(), asking_for("a.test"));
        client.send("GET /server-status" + query + " HTTP/1.1\r\nHost: a.test\r\n\r\n");
        return client.receive_response().content;
    };
    const std::string lines = ask("?auto");
    for (const char* line :
         {"TLSHandshakesFull: 2\n", "TLSHandshakesResumed: 1\n", "TLSHandshakesFailed: 1\n",
          "TLSKernelSends: ", "TLSCertificateDays proxy.test EC: "}) {
        EXPECT_NE(lines.find(line), std::string::npos) << line << lines;
    }
    const std::string json = ask("?json");
    EXPECT_NE(json.find("\"tls\":{\"full\":3,\"resumed\":1,\"failed\":1,"), std::string::npos)
        << json;
    EXPECT_NE(json.find("{\"site\":\"proxy.test\",\"name\":\"a.test\",\"key\":\"EC\""),
              std::string::npos)
        << json;
    const std::string metrics = ask("?metrics");
    for (const char* sample :
         {"headgate_tls_handshakes_total{result=\"resumed\"} 1\n",
          "headgate_tls_certificate_expiry_timestamp_seconds{site=\"proxy.test\",name=\"a.test\","
          "key=\"EC\",shown_to=\"clients\",url=\"\"} "}) {
        EXPECT_NE(metrics.find(sample), std::string::npos) << sample << metrics;
    }
    EXPECT_NE(ask("").find("<td>resumed handshakes<td class=n>1"), std::string::npos);
}

TEST_P(Tls, AnswersAlpn) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), files.server("a.test") + pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    for (const auto& [offered, agreed] : {std::pair{"\x02h2\x08http/1.1", "http/1.1"},
                                          {"\x08http/1.0\x08http/1.1", "http/1.1"},
                                          {"\x08http/1.0", "http/1.0"},
                                          {"", ""}}) {
        terms.protocols = offered;
        RawConnection client(proxy.port(), terms);
        ASSERT_TRUE(client.shake());
        const unsigned char* chosen = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(client.tls()->ssl(), &chosen, &size);
        EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), agreed);
        EXPECT_EQ(status_of(client, "a.test"), 200);
    }
    terms.protocols = "\x02h2";
    RawConnection other(proxy.port(), terms);
    EXPECT_FALSE(other.shake());
    EXPECT_EQ(other.tls()->fault(), "tlsv1 alert no application protocol");
}

/// Clients that stop inside their ClientHello hold no thread where a park holds none.
TEST_P(Tls, ParksHalfHandshakes) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), threads_of(model(), 2) + files.server("a.test") + "Timeout 60\n" +
                                    pass_all_to(origin));
    if (keeps_threads(model())) GTEST_SKIP() << "its threads are kept";
    raise_descriptor_limit();
    const unsigned many = 2000;
    std::vector<Descriptor> half;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(proxy.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    for (unsigned i = 0; i < many; i++) {
        half.push_back(connect_to(address, 0, 0));
        pollfd entry{half.back().number(), POLLOUT, 0};
        ASSERT_EQ(::poll(&entry, 1, 10'000), 1);
        ASSERT_EQ(::send(half.back().number(), hello.data(), hello.size(), MSG_NOSIGNAL), 11);
    }
    proxy.wait_until_parked();
    RawConnection one_more(proxy.port(), asking_for("a.test"));
    EXPECT_EQ(status_of(one_more, "a.test"), 200);
}

/// A whole ClientHello, as OpenSSL's client begins.
std::string client_hello() {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    BIO* const written = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), written);
    SSL_connect(ssl.get());
    char* octets = nullptr;
    const long size = BIO_get_mem_data(written, &octets);
    return std::string(octets, static_cast<std::size_t>(size));
}

/// Half a ClientHello, and a handshake whose client does not go on: each has its row.
TEST_P(Tls, ShowsWhoWaitsAtTheDoor) {
    if (tests_tls()) GTEST_SKIP() << "a client is needed that sends half of it";
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), threads_of(model(), 3) + files.server("a.test") +
                                    "<Location /server-status>\nSetHandler server-status\n"
                                    "</Location>\n" +
                                    pass_all_to(origin));
    RawConnection half(proxy.port());
    half.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
    settle(proxy, half);
    RawConnection silent(proxy.port());
    silent.send(client_hello());
    settle(proxy, silent);
    RawConnection client(proxy.port(), asking_for("a.test"));
    client.send("GET /server-status?json HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const std::string status = client.receive_response().content;
    EXPECT_NE(status.find("\"tls\":{\"parked\":2"), std::string::npos) << status;
    for (const RawConnection* each : {&half, &silent}) {
        const std::string row = "\"client\":\"" + each->local_address() + "\",\"request\":\"\"";
        const std::size_t at = status.find(row);
        ASSERT_NE(at, std::string::npos) << row << " in " << status;
        const std::string rest = status.substr(at, status.find('}', at) - at);
        EXPECT_NE(rest.find("\"phase\":\"tls\",\"seconds\":"), std::string::npos) << rest;
        EXPECT_EQ(rest.find("\"holds_thread\":true") != rest.npos, keeps_threads(model()));
    }
}

TEST_P(Tls, AnswersTheWrongScheme) {
    const TlsFiles files;
    RunningOrigin origin;
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    RunningProxy proxy(model(),
                       "Listen 127.0.0.1:${PORT2}\n" + files.host("a.test") + pass_all_to(origin));
    RawConnection plain(proxy.port());
    plain.send(request("a.test"));
    const Response response = plain.receive_response();
    EXPECT_EQ(response.status, 400);
    EXPECT_NE(response.content.find("This port speaks HTTPS"), std::string::npos);
    RawConnection nonsense(proxy.port());
    nonsense.send("\x01\x02\x03\x04");
    EXPECT_EQ(nonsense.receive_rest(), "");
    proxy.error_log("neither a ClientHello nor a request");
    RawConnection tls(proxy.second_port());
    tls.send(client_hello());
    const Response refusal = tls.receive_response();
    EXPECT_EQ(refusal.status, 400);
    EXPECT_NE(refusal.content.find("This port speaks plain HTTP; the connection began with TLS."),
              std::string::npos)
        << refusal.content;
    proxy.error_log("TLS on a port that speaks plain HTTP");
    RawConnection large(proxy.port());
    large.send(std::string("\x16\x03\x01\x40\x00\x01\x01\x00\x00", 9) + std::string(70'000, 'x'));
    EXPECT_EQ(large.receive_rest(), "");
}

}  // namespace
}  // namespace headgate
