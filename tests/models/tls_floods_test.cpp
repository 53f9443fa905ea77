// Peers that go on speaking TLS without saying anything: new keys and tickets without end, of which
// only so many are read, since nobody else is served meanwhile; and what comes in one go with a
// ClientHello.
#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsFloods : public Behaviour {};
EVERY_MODEL(TlsFloods);

std::string request() {
    return "GET /hello HTTP/1.1\r\nHost: a.test\r\n\r\n";
}

/// Takes new keys so many times, or until the proxy has enough, and then asks for /hello.
Response ask_after_new_keys(RawConnection& client, int count) {
    bool is_taken = true;
    for (int i = 0; i < count && is_taken; i++) {
        is_taken = SSL_key_update(client.tls()->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1 &&
                   client.tls()->shake() == 1;
    }
    client.send(request());
    return client.receive_response();
}

TEST_P(TlsFloods, NewKeysWithoutEnd) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.version = TLS1_3_VERSION;
    {
        RawConnection client(proxy.port(), terms);
        ASSERT_TRUE(client.shake());
        EXPECT_EQ(ask_after_new_keys(client, 30).status, 200);
        EXPECT_EQ(ask_after_new_keys(client, 2).status, 200);
    }
    RawConnection hostile(proxy.port(), terms);
    ASSERT_TRUE(hostile.shake());
    EXPECT_NE(ask_after_new_keys(hostile, 40).status, 200);
    proxy.error_log("HG0102: client reset in keep-alive: too many messages of TLS");
    RawConnection client(proxy.port(), terms);
    ASSERT_TRUE(client.shake());
    EXPECT_EQ(ask_after_new_keys(client, 1).status, 200);
}

/// In the middle of a request it is one that broke off, and the log says why.
TEST_P(TlsFloods, NewKeysInsideARequest) {
    const TlsFiles files;
    const ScriptedOrigin origin;  // takes it, and says nothing
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    TlsTerms terms = asking_for("a.test");
    terms.version = TLS1_3_VERSION;
    RawConnection hostile(proxy.port(), terms);
    ASSERT_TRUE(hostile.shake());
    hostile.send("POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nhalf");
    EXPECT_NE(ask_after_new_keys(hostile, 200).status, 200);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "client/request-content/reset");
    proxy.error_log("HG0102: client reset in request-content: too many messages of TLS");
}

/// In a head too.
TEST_P(TlsFloods, AHeadThatBreaksOff) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    RawConnection client(proxy.port(), asking_for("a.test"));
    ASSERT_TRUE(client.shake());
    client.send("GET /hel");
    client.send_beneath(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
    EXPECT_EQ(client.receive_rest(), "");
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "client/request-head/reset");
    proxy.error_log("HG0102: client reset in request-head: decryption failed");
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

/// RFC 8446 section 4.2.10 and appendix D.4: a browser with a ticket of whoever had this address
/// before sends a change_cipher_spec and early data in one go with its ClientHello.
TEST_P(TlsFloods, RecordsRightBehindAClientHello) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(client_hello() + std::string("\x14\x03\x03\x00\x01\x01", 6));
    EXPECT_EQ(client.receive(6), std::string("\x16\x03\x03\x00\x7a\x02", 6)) << "a ServerHello";
}

}  // namespace
}  // namespace headgate
