// ClientHellos as real clients send them, octet by octet, and what is none.
#include "proxy/net/tls_hello.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace headgate::net {
namespace {

using State = ClientHello::State;

/// What OpenSSL sends first.
std::string real_hello(const char* name, const std::string& protocols = "") {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    SSL* ssl = SSL_new(context);
    BIO* out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(ssl);
    if (name != nullptr) SSL_set_tlsext_host_name(ssl, name);
    SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
    SSL_do_handshake(ssl);
    char* octets = nullptr;
    const long size = BIO_get_mem_data(out, &octets);
    std::string hello(octets, static_cast<std::size_t>(size));
    SSL_free(ssl);
    SSL_CTX_free(context);
    return hello;
}

/// The same handshake in records of `size` octets.
std::string in_records(const std::string& hello, std::size_t size) {
    std::string result;
    for (std::size_t at = 5; at < hello.size(); at += size) {
        const std::string piece = hello.substr(at, size);
        result += hello.substr(0, 3);
        result += static_cast<char>(piece.size() >> 8);
        result += static_cast<char>(piece.size() & 255);
        result += piece;
    }
    return result;
}

TEST(TlsHello, is_read_when_it_is_complete) {
    const std::string octets = real_hello("WWW.Example.", "\x02h2\x08http/1.1");
    for (std::size_t size = 0; size < octets.size(); size++) {
        ASSERT_EQ(read_client_hello(octets.substr(0, size)).state, State::need_more) << size;
    }
    for (const std::string& each : {octets, octets + "more", in_records(octets, 7)}) {
        const ClientHello hello = read_client_hello(each);
        EXPECT_EQ(hello.state, State::complete);
        EXPECT_EQ(hello.server_name, "www.example");
    }
}

/// RFC 8446 section 4.2.10: early data comes at once, for a server that was here before and took
/// it; who takes none skips it.
TEST(TlsHello, may_have_early_data_behind_it) {
    const std::string octets = real_hello("www.example");
    const std::string dummy("\x14\x03\x03\x00\x01\x01", 6);
    const std::string early = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
    for (const std::string& behind : {dummy, early, dummy + early + early, early.substr(0, 7)}) {
        const ClientHello hello = read_client_hello(octets + behind);
        EXPECT_EQ(hello.state, State::complete);
        EXPECT_EQ(hello.server_name, "www.example");
    }
    EXPECT_EQ(read_client_hello(in_records(octets, 7).substr(0, 24) + dummy).state,
              State::malformed)
        << "between two records of it";
}

/// A ClientHello with these extensions only.
std::string hello_with(std::string extensions) {
    const auto in = [](const std::string& octets) {
        return std::string(1, static_cast<char>(octets.size() >> 8)) +
               static_cast<char>(octets.size() & 255) + octets;
    };
    const std::string body = "\x03\x03" + std::string(32, 'r') + std::string(1, 0) +
                             in("\x13\x01") + std::string("\x01\0", 2) + in(extensions);
    return "\x16\x03\x01" + in(std::string("\x01\0", 2) + in(body));
}

TEST(TlsHello, has_one_name) {
    const std::string a(
        "\0\0\x01"
        "a",
        4),
        b("\0\0\x01"
          "b",
          4);
    const auto extension = [](const std::string& names) {
        const char size = static_cast<char>(names.size());
        return std::string("\0\0\0", 3) + static_cast<char>(size + 2) + '\0' + size + names;
    };
    EXPECT_EQ(read_client_hello(hello_with(extension(a))).server_name, "a");
    EXPECT_EQ(read_client_hello(hello_with(extension(a + b))).state, State::malformed);
    EXPECT_EQ(read_client_hello(hello_with(extension(a) + extension(b))).state, State::malformed);
}

TEST(TlsHello, may_name_nothing) {
    const ClientHello hello = read_client_hello(real_hello(nullptr));
    EXPECT_EQ(hello.state, State::complete);
    EXPECT_EQ(hello.server_name, "");
}

TEST(TlsHello, may_be_none) {
    EXPECT_EQ(read_client_hello("").state, State::need_more);
    EXPECT_EQ(read_client_hello("GET / HTTP/1.1\r\n").state, State::plain_http);
    EXPECT_EQ(read_client_hello("P").state, State::plain_http);
    EXPECT_EQ(read_client_hello(std::string_view("\x80\x2e\x01\x03", 4)).state, State::not_tls);
    EXPECT_EQ(read_client_hello(std::string_view("\x16\x03\x01\xff\xff", 5)).state,
              State::malformed);
    EXPECT_EQ(read_client_hello(std::string_view("\x16\x03\x01\0\x04\x02\0\0\0", 9)).state,
              State::malformed)
        << "a ServerHello";
    EXPECT_EQ(read_client_hello(std::string_view("\x16\x03\x01\0\x04\x01\x01\0\0", 9)).state,
              State::malformed)
        << "65 KiB announced";
}

TEST(TlsHello, survives_any_octet_changed) {
    const std::string octets = real_hello("www.example", "\x02h2\x08http/1.1");
    for (std::size_t at = 0; at < octets.size(); at++) {
        for (const int change : {1, 0x80, 0xff}) {
            std::string changed = octets;
            changed[at] = static_cast<char>(changed[at] ^ change);
            read_client_hello(changed);
        }
    }
}

}  // namespace
}  // namespace headgate::net
