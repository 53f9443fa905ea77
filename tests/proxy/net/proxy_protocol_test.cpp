// PROXY protocol headers: whole, octet by octet, and wrong in every way; and those that we write.
#include "proxy/net/proxy_protocol.h"

#include <gtest/gtest.h>

#include <vector>

#include "proxy/net/crc32c.h"
#include "proxy/net/proxy_header_writer.h"

namespace headgate::net {
namespace {

using State = ProxyHeader::State;

loop::Address address(const char* host, std::uint16_t port) {
    return *loop::Address::from_literal(host, port);
}

/// Version 2 with this command, family, and what follows.
std::string v2(char command, char family, const std::string& rest) {
    std::string header(proxy_v2_signature);
    header += command;
    header += family;
    header += static_cast<char>(rest.size() >> 8);
    header += static_cast<char>(rest.size() & 255);
    return header + rest;
}

const std::string v4_ends("\xc6\x33\x64\x07\xc0\x00\x02\x01\x9c\x40\x01\xbb", 12);

std::string tlv(char type, const std::string& value) {
    return type + std::string(1, static_cast<char>(value.size() >> 8)) +
           static_cast<char>(value.size() & 255) + value;
}

/// Every shorter piece needs more, and what follows the header does not matter.
void expect_whole(const std::string& octets) {
    for (std::size_t size = 0; size < octets.size(); size++) {
        ASSERT_EQ(read_proxy_header(octets.substr(0, size)).state, State::need_more) << size;
    }
    for (const char* behind : {"", "GET / HTTP/1.1\r\n", "PROXY "}) {
        const ProxyHeader header = read_proxy_header(octets + behind);
        ASSERT_EQ(header.state, State::complete) << header.fault;
        EXPECT_EQ(header.size, octets.size());
        EXPECT_TRUE(header.has_begun);
    }
}

TEST(ProxyProtocol, version_1) {
    const std::string v4 = "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n";
    expect_whole(v4);
    const ProxyHeader header = read_proxy_header(v4);
    EXPECT_FALSE(header.keeps_addresses);
    EXPECT_EQ(header.source.text(), "198.51.100.7:40000");
    EXPECT_EQ(header.destination.text(), "192.0.2.1:443");
    const std::string v6 = "PROXY TCP6 2001:db8::7 ::1 0 65535\r\n";
    expect_whole(v6);
    EXPECT_EQ(read_proxy_header(v6).source.text(), "[2001:db8::7]:0");
    for (const char* unknown : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN what ever 1 2 3\r\n"}) {
        expect_whole(unknown);
        EXPECT_TRUE(read_proxy_header(unknown).keeps_addresses);
    }
}

TEST(ProxyProtocol, version_1_is_strict) {
    for (const char* line : {
             "PROXY TCP4 198.51.100.7 192.0.2.1 40000\r\n",
             "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443 \r\n",
             "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443 1\r\n",
             "PROXY TCP4  198.51.100.7 192.0.2.1 40000 443\r\n",
             "PROXY TCP4 198.51.100.7 192.0.2.1 040 443\r\n",
             "PROXY TCP4 198.51.100.7 192.0.2.1 65536 443\r\n",
             "PROXY TCP4 198.51.100.7 192.0.2.1 -1 443\r\n",
             "PROXY TCP4 198.51.100 192.0.2.1 1 443\r\n",
             "PROXY TCP4 ::1 192.0.2.1 1 443\r\n",
             "PROXY TCP6 198.51.100.7 192.0.2.1 1 443\r\n",
             "PROXY TCP4 shop.example 192.0.2.1 1 443\r\n",
             "PROXY TCP5 198.51.100.7 192.0.2.1 1 443\r\n",
             "PROXY tcp4 198.51.100.7 192.0.2.1 1 443\r\n",
             "PROXY \r\n",
             "PROXY UNKNOWNX\r\n",
             "PROXY UNKNOWN \n x\r\n",
         }) {
        EXPECT_EQ(read_proxy_header(line).state, State::malformed) << line;
    }
    const std::string long_one = "PROXY UNKNOWN " + std::string(92, 'x');
    EXPECT_EQ(read_proxy_header(long_one).state, State::need_more);
    EXPECT_EQ(read_proxy_header(long_one + "x").state, State::malformed) << "107 without an end";
    EXPECT_EQ(read_proxy_header(long_one.substr(0, 105) + "\r\n").state, State::complete);
}

TEST(ProxyProtocol, version_2) {
    const std::string tlvs = tlv(0x01, "h2") + tlv(0x02, "shop.example") + tlv(0x04, "") +
                             tlv(0x20, std::string("\x01\0\0\0\0", 5) + tlv(0x21, "TLSv1.3"));
    const std::string v4 = v2(0x21, 0x11, v4_ends + tlvs);
    expect_whole(v4);
    const ProxyHeader header = read_proxy_header(v4);
    EXPECT_EQ(header.source.text(), "198.51.100.7:40000");
    EXPECT_EQ(header.destination.text(), "192.0.2.1:443");
    const std::string v6 = v2(0x21, 0x21,
                              std::string(15, '\0') + "\1" + std::string(15, '\0') + "\2" +
                                  std::string("\0\x50\1\xbb", 4));
    expect_whole(v6);
    EXPECT_EQ(read_proxy_header(v6).source.text(), "[::1]:80");
    for (const std::string& kept :
         {v2(0x20, 0x00, ""), v2(0x20, 0x11, v4_ends), v2(0x20, 0x00, "anything"),
          v2(0x21, 0x00, ""), v2(0x21, 0x31, std::string(216, 'p')), v2(0x21, 0x12, v4_ends)}) {
        expect_whole(kept);
        EXPECT_TRUE(read_proxy_header(kept).keeps_addresses);
    }
}

TEST(ProxyProtocol, version_2_is_strict) {
    const std::string five("\x01\0\0\0\0", 5);
    for (const std::string& wrong :
         {v2(0x11, 0x11, v4_ends), v2(0x22, 0x11, v4_ends), v2(0x21, 0x41, v4_ends),
          v2(0x21, 0x13, v4_ends), v2(0x21, 0x11, v4_ends.substr(1)), v2(0x21, 0x21, v4_ends),
          v2(0x21, 0x31, v4_ends), v2(0x21, 0x11, v4_ends + "x"),
          v2(0x21, 0x11, v4_ends + tlv(1, "h2").substr(0, 4)),
          v2(0x21, 0x11, v4_ends + tlv(5, std::string(129, 'u'))),
          v2(0x21, 0x11, v4_ends + tlv(0x20, "four")),
          v2(0x21, 0x11, v4_ends + tlv(0x20, five + "xx")),
          v2(0x21, 0x11, v4_ends + tlv(3, "five!")), v2(0x21, 0x11, v4_ends + tlv(3, "four")),
          v2(0x21, 0x11, std::string(16 * 1024, '\4'))}) {
        EXPECT_EQ(read_proxy_header(wrong).state, State::malformed);
    }
}

TEST(ProxyProtocol, nothing_of_it) {
    for (const std::string octets : {"GET / HTTP/1.1\r\n", "PROXYX", "PRI * HTTP/2.0", "\r\n\r\nG",
                                     "\x16\x03\x01", "proxy TCP4"}) {
        EXPECT_EQ(read_proxy_header(octets).state, State::absent) << octets;
        EXPECT_FALSE(read_proxy_header(octets).has_begun);
    }
    EXPECT_EQ(read_proxy_header("").state, State::need_more);
    EXPECT_EQ(read_proxy_header("PROXY").state, State::need_more);
    EXPECT_FALSE(read_proxy_header("PROXY").has_begun);
}

TEST(ProxyProtocol, sums) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
    EXPECT_EQ(crc32c(""), 0u);
    EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau) << "RFC 3720 appendix B.4";
}

TEST(ProxyHeaderWriter, writes_what_is_read) {
    const loop::Address ends[] = {address("198.51.100.7", 40000), address("2001:db8::7", 1),
                                  address("::ffff:192.0.2.1", 443), address("192.0.2.2", 80)};
    ProxyHeaderExtras extras{"http/1.1", "shop.example", ProxyTlsFacts{}, true};
    extras.tls = {true, true, "TLSv1.3", "TLS_AES_128_GCM_SHA256", "client"};
    for (const loop::Address& from : ends) {
        for (const loop::Address& to : ends) {
            for (const std::string& octets :
                 {write_proxy_v1(from, to), write_proxy_v2(from, to, {}),
                  write_proxy_v2(from, to, extras)}) {
                expect_whole(octets);
                const ProxyHeader header = read_proxy_header(octets);
                EXPECT_EQ(header.source.text(), from.text());
                EXPECT_EQ(header.destination.text(), to.text());
            }
        }
    }
}

TEST(ProxyHeaderWriter, writes_the_exact_octets) {
    const loop::Address from = address("::ffff:198.51.100.7", 40000);
    const loop::Address to = address("192.0.2.1", 443);
    EXPECT_EQ(write_proxy_v1(from, to), "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n");
    EXPECT_EQ(write_proxy_v1(from, address("2001:db8::1", 443)),
              "PROXY TCP6 ::ffff:198.51.100.7 2001:db8::1 40000 443\r\n");
    EXPECT_EQ(write_proxy_v1({}, to), "PROXY UNKNOWN\r\n");
    EXPECT_EQ(write_proxy_v2(from, to, {}), v2(0x21, 0x11, v4_ends));
    EXPECT_EQ(write_proxy_v2({}, to, {}), v2(0x21, 0x00, ""));
    ProxyHeaderExtras extras;
    extras.tls = {false, false, "TLSv1.2", "", ""};
    EXPECT_EQ(write_proxy_v2(from, to, extras),
              v2(0x21, 0x11,
                 v4_ends + tlv(0x20, std::string("\x01\0\0\0\x01", 5) + tlv(0x21, "TLSv1.2"))));
    std::string summed = write_proxy_v2(from, to, {"", "", {}, true});
    EXPECT_EQ(read_proxy_header(summed).state, State::complete);
    summed[16]++;
    EXPECT_EQ(read_proxy_header(summed).state, State::malformed) << "the sum shows it";
}

}  // namespace
}  // namespace headgate::net
