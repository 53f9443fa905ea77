// Peers that break TLS: records cut or forged, renegotiation, a ClientHello that is half there, too
// large or in crumbs, PROXY headers around TLS and inside, clients that end without close_notify,
// and upstreams that end without close_notify where the framing knows the length and where only the
// end tells it.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsHostile : public Behaviour {};
EVERY_MODEL(TlsHostile);

std::string request() {
    return "GET /hello HTTP/1.1\r\nHost: a.test\r\n\r\n";
}

/// The one thread that there is serves the next client.
void expect_an_answer(const RunningProxy& proxy) {
    RawConnection client(proxy.port(), asking_for("a.test"));
    client.send(request());
    EXPECT_EQ(client.receive_response().status, 200) << client.tls()->fault();
}

TEST_P(TlsHostile, RecordsAreCutAndForged) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    const std::string records[] = {
        std::string("\x17\x03\x03\x00\x40", 5) + "cut",                    // and nothing more
        std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'),     // not ours
        std::string("\x17\x03\x03\x7f\xff", 5) + std::string(32767, 'x'),  // too long
        std::string("\x63\x03\x03\x00\x01x", 6),                           // no such type
        std::string("\x15\x03\x03\x00\x02\x02\x28", 7),                    // an alert in the clear
    };
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const std::string& record : records) {
            TlsTerms terms = asking_for("a.test");
            terms.version = version;
            RawConnection client(proxy.port(), terms);
            ASSERT_TRUE(client.shake());
            client.send_beneath(record);
            client.finish_writing();
            EXPECT_EQ(client.receive_rest(), "");
            expect_an_answer(proxy);
        }
    }
    proxy.error_log("HG0102: client reset in keep-alive: decryption failed or bad record mac");
}

/// In the middle of a request, it is not a request.
TEST_P(TlsHostile, ARequestIsCut) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    RawConnection client(proxy.port(), asking_for("a.test"));
    client.send("POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhalf");
    client.send_beneath(std::string("\x17\x03\x03\x00\x40", 5));
    client.finish_writing();
    EXPECT_FALSE(client.receive_response().is_whole);
    expect_an_answer(proxy);
    const LogLine line = proxy.access_log(2)[0];
    EXPECT_TRUE(line["end"].starts_with("client/")) << line.text();
}

/// A browser's tab that is closed: nobody goes on writing to it.
TEST_P(TlsHostile, AClientSaysGoodbyeAndLeaves) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsTerms terms = asking_for("a.test");
        terms.version = version;
        RawConnection client(proxy.port(), terms);
        client.send("GET /big?bytes=50000000 HTTP/1.1\r\nHost: a.test\r\n\r\n");
        client.finish_writing();
        EXPECT_NE(client.receive_some(), "");
    }
    for (const LogLine& line : proxy.access_log(2))
        EXPECT_TRUE(line["end"].starts_with("client/")) << line.text();
    expect_an_answer(proxy);
}

/// RequestReadTimeout's handshake=, long before Timeout.
TEST_P(TlsHostile, HandshakesAreLimitedInTime) {
    const TlsFiles files;
    RunningOrigin origin;
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    RunningProxy proxy(model(), one_thread(model()) + "RequestReadTimeout handshake=1\n" +
                                    files.server("a.test") + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
    EXPECT_EQ(client.receive_rest(), "");
    EXPECT_NE(proxy.error_log("HG0105").find("client-silent"), std::string::npos);
    expect_an_answer(proxy);
}

TEST_P(TlsHostile, HandshakesAreCut) {
    const TlsFiles files;
    RunningOrigin origin;
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    const std::string half("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
    for (std::size_t size = 1; size <= half.size(); size++) {
        RawConnection client(proxy.port());
        client.send(half.substr(0, size));
        client.finish_writing();
        EXPECT_EQ(client.receive_rest(), "");
    }
    proxy.error_log("the client left before its ClientHello");
    expect_an_answer(proxy);
}

/// RFC 5746 and its lessons: not even a try.
TEST_P(TlsHostile, RenegotiationIsRefused) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), files.server("a.test") + pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.version = TLS1_2_VERSION;
    RawConnection client(proxy.port(), terms);
    client.send(request());
    EXPECT_EQ(client.receive_response().status, 200);
    EXPECT_EQ(SSL_get_secure_renegotiation_support(client.tls()->ssl()), 1);
    ASSERT_EQ(SSL_renegotiate(client.tls()->ssl()), 1);
    client.send(request());
    EXPECT_NE(client.receive_response().status, 200);
    EXPECT_EQ(client.tls()->fault(), "no renegotiation");
    expect_an_answer(proxy);
}

/// RFC 8446 section 4.1.2: with 1.3 there is nothing to renegotiate; what is left is a peer that
/// changes its keys (section 4.6.3), as often as it likes.
TEST_P(TlsHostile, KeysAreChangedAllTheTime) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.version = TLS1_3_VERSION;
    RawConnection client(proxy.port(), terms);
    ASSERT_TRUE(client.shake());
    EXPECT_EQ(SSL_renegotiate(client.tls()->ssl()), 0);
    for (int i = 0; i < 40; i++) {
        ASSERT_EQ(SSL_key_update(client.tls()->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
        client.send(request());
        EXPECT_EQ(client.receive_response().status, 200) << client.tls()->fault();
    }
}

/// The first octets of OpenSSL's client: a record with a ClientHello.
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

std::string record_of(std::string_view content) {
    return std::string("\x16\x03\x01", 3) + static_cast<char>(content.size() >> 8) +
           static_cast<char>(content.size() & 0xff) + std::string(content);
}

/// Records may be as small as an octet (RFC 8446 section 5.1); what they carry may not be as large
/// as it likes, and neither may one.
TEST_P(TlsHostile, HellosComeInCrumbsAndTooLarge) {
    const TlsFiles files;
    RunningOrigin origin;
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    std::string crumbs;
    for (const char octet : client_hello().substr(5))
        crumbs += record_of({&octet, 1});
    RawConnection client(proxy.port());
    client.send(crumbs);
    EXPECT_EQ(client.receive(6), std::string("\x16\x03\x03\x00\x7a\x02", 6)) << "a ServerHello";
    client.reset();
    const std::string much(4096, 'x');
    std::string records = record_of(std::string("\x01\x00\x40\x00", 4) + much);
    for (int i = 0; i < 8; i++)
        records += record_of(much);
    const std::string cases[] = {
        records,                                                    // 16 KiB, and goes on
        record_of(std::string("\x01\x01\x00\x00", 4)),              // says 64 KiB
        record_of(std::string("\x01\xff\xff\xff", 4)),              // says 16 MiB
        std::string("\x16\x03\x01\xff\xff\x01", 6),                 // a record of 64 KiB
        record_of(std::string("\x01\x00\x00\x03\x03\x03\x00", 7)),  // broken off inside
        record_of("x"),                                             // no ClientHello
        record_of(std::string("\x01\x00", 2)) + "\x15\x03\x01",     // another record inside
    };
    for (const std::string& each : cases) {
        RawConnection hostile(proxy.port());
        hostile.send(each);
        hostile.finish_writing();
        EXPECT_EQ(hostile.receive_rest(), "");
    }
    expect_an_answer(proxy);
}

/// RFC 8446 section 6.1: where content is cut without a close_notify it is no message; nobody minds
/// behind one that is whole.
TEST_P(TlsHostile, ClientsEndWithoutCloseNotify) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    const std::string head = "POST /echo HTTP/1.1\r\nHost: a.test\r\n";
    const struct {
        std::string sent;
        bool is_whole;
    } cases[] = {
        {head + "Content-Length: 5\r\n\r\nwhole", true},
        {head + "Content-Length: 9\r\n\r\nhalf", false},
        {head + "Transfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n", true},
        {head + "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false},
    };
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        for (const auto& each : cases) {
            TlsTerms terms = asking_for("a.test");
            terms.version = version;
            RawConnection client(proxy.port(), terms);
            ASSERT_TRUE(client.shake());
            client.send(each.sent);
            SSL_set_shutdown(client.tls()->ssl(), SSL_SENT_SHUTDOWN);  // as if it had been
            client.finish_writing();
            const Response response = client.receive_response();
            EXPECT_EQ(response.status == 200 && response.is_whole, each.is_whole) << each.sent;
            EXPECT_EQ(response.content == "whole", each.is_whole) << each.sent;
            expect_an_answer(proxy);
        }
    }
    int cut = 0;
    for (const LogLine& line : proxy.access_log(16))
        cut += line["end"].starts_with("client/") ? 1 : 0;
    EXPECT_EQ(cut, 4);
}

/// Neither in front of TLS nor inside does a header of the PROXY protocol say who one is.
TEST_P(TlsHostile, ProxyHeadersAreForged) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string forged = "PROXY TCP4 198.51.100.7 192.0.2.1 1 443\r\n";
    for (const char* rule : {"", "RemoteIPProxyProtocolPeers required 10.0.0.0/8\n"}) {
        RunningProxy proxy(
            model(), one_thread(model()) + rule + files.server("a.test") + pass_all_to(origin));
        RawConnection before(proxy.port(), asking_for("a.test"), forged);
        EXPECT_FALSE(before.shake());
        before.close();  // a thread would wait for it
        RawConnection inside(proxy.port(), asking_for("a.test"));
        inside.send(forged + request());
        EXPECT_EQ(inside.receive_response().status, 400);
        inside.close();
        RawConnection client(proxy.port(), asking_for("a.test"));
        client.send("GET /headers HTTP/1.1\r\nHost: a.test\r\n\r\n");
        EXPECT_EQ(find_field(client.receive_response().content, "X-Forwarded-For"), "127.0.0.1");
    }
}

/// An origin that speaks TLS, answers one request of each connection with what it is told, and ends
/// with or without close_notify.
class TlsOrigin {
public:
    TlsOrigin(std::string response, bool announces, bool renegotiates = false)
        : response_(std::move(response)), announces_(announces), renegotiates_(renegotiates) {
        context_ = SSL_CTX_new(TLS_server_method());
        if (renegotiates) SSL_CTX_set_max_proto_version(context_, TLS1_2_VERSION);
        const Issued issued = authority().issue("origin.test");
        use(issued);
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
        ::listen(listener_, 8);
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~TlsOrigin() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
        SSL_CTX_free(context_);
    }
    std::string directives() const {
        return "SSLProxyEngine On\nSSLProxyCheckPeerName Off\nProxyPass / https://127.0.0.1:" +
               std::to_string(port_) + "/\n";
    }

private:
    void use(const Issued& issued) {
        BIO* text = BIO_new_mem_buf(issued.certificate.data(), -1);
        X509* certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
        BIO_free(text);
        text = BIO_new_mem_buf(issued.key.data(), -1);
        EVP_PKEY* key = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
        BIO_free(text);
        SSL_CTX_use_cert_and_key(context_, certificate, key, nullptr, 1);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    void serve() {
        for (int socket; (socket = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(socket))
            answer(socket);
    }
    void answer(int socket) const {
        SSL* ssl = SSL_new(context_);
        SSL_set_fd(ssl, socket);
        std::string head;
        char octets[4096];
        int count = SSL_accept(ssl) == 1 ? 1 : 0;
        while (count > 0 && head.find("\r\n\r\n") == std::string::npos) {
            count = SSL_read(ssl, octets, sizeof octets);
            if (count > 0) head.append(octets, static_cast<std::size_t>(count));
        }
        if (count > 0 && renegotiates_) {
            SSL_renegotiate(ssl);
            SSL_do_handshake(ssl);  // no more than a HelloRequest
        }
        if (count > 0) SSL_write(ssl, response_.data(), static_cast<int>(response_.size()));
        if (count > 0 && announces_) SSL_shutdown(ssl);
        ::shutdown(socket, SHUT_WR);
        SSL_free(ssl);
    }

    std::string response_;
    bool announces_;
    bool renegotiates_;
    SSL_CTX* context_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

/// RFC 5246 section 7.4.1.1: a client may say no (no_renegotiation), and goes on.
TEST_P(TlsHostile, UpstreamsAskForRenegotiation) {
    const TlsOrigin origin("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nwhole",
                           true, true);
    RunningProxy proxy(model(), one_thread(model()) + origin.directives());
    for (int i = 0; i < 2; i++) {
        RawConnection client(proxy.port());
        client.send(get("/", "Connection: close\r\n"));
        const Response response = client.receive_response();
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.content, "whole");
    }
}

/// RFC 8446 section 6.1, RFC 9112 section 9.8: only close_notify ends what its end delimits; where
/// the framing says that all is there, nobody minds.
TEST_P(TlsHostile, UpstreamsEndWithoutCloseNotify) {
    struct Case {
        const char* what;
        std::string response;
        bool announces;
        bool is_whole;
    };
    const std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    const Case cases[] = {
        {"length, whole", head + "Content-Length: 5\r\n\r\nwhole", false, true},
        {"length, cut", head + "Content-Length: 9\r\n\r\nhalf", false, false},
        {"length, cut and announced", head + "Content-Length: 9\r\n\r\nhalf", true, false},
        {"chunked, whole", head + "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n\r\n", false,
         true},
        {"chunked, cut", head + "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", false, false},
        {"until close, announced", head + "\r\nwhole", true, true},
        {"until close, cut", head + "\r\nhalf", false, false},
    };
    for (const Case& each : cases) {
        const TlsOrigin origin(each.response, each.announces);
        RunningProxy proxy(model(), one_thread(model()) + origin.directives());
        RawConnection client(proxy.port());
        client.send(get("/"));
        const Response response = client.receive_response();
        EXPECT_EQ(response.status, 200) << each.what;
        EXPECT_EQ(response.is_whole, each.is_whole) << each.what << ": " << response.content;
        const LogLine line = proxy.access_log(1)[0];
        EXPECT_EQ(line["end"] == "ok", each.is_whole) << each.what << ": " << line.text();
    }
}

}  // namespace
}  // namespace headgate
