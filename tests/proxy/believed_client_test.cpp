// Whose word about a client is taken: ranges of addresses, and the walk through a list of them.
#include "proxy/believed_client.h"

#include <gtest/gtest.h>

#include <fstream>

#include "proxy/http/head_parser.h"
#include "proxy/settings/peers.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

loop::Address address(const char* text) {
    return *loop::Address::from_literal(text, 1234);
}

TEST(AddressRange, holds_what_its_bits_say) {
    const struct {
        const char* range;
        const char* inside;
        const char* outside;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", "192.0.2.2"},
        {"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
        {"192.0.2.128/25", "192.0.2.129", "192.0.2.127"},
        {"10.0.0.0/255.0.0.0", "10.255.0.1", "11.0.0.1"},
        {"10", "10.1.2.3", "11.1.2.3"},
        {"10.1.", "10.1.2.3", "10.2.2.3"},
        {"10.1.2", "10.1.2.3", "10.1.3.3"},
        {"0.0.0.0/0", "255.1.1.1", "::1"},
        {"2001:db8::/32", "2001:db8:1::1", "2001:db9::1"},
        {"2001:db8::1", "2001:db8::1", "2001:db8::2"},
        {"::/0", "192.0.2.1", ""},
        {"192.0.2.1", "::ffff:192.0.2.1", "::192.0.2.1"},
    };
    for (const auto& each : cases) {
        const auto range = AddressRange::parse(each.range);
        ASSERT_TRUE(range) << each.range;
        EXPECT_TRUE(range->holds(address(each.inside))) << each.range;
        if (each.outside[0] != '\0') {
            EXPECT_FALSE(range->holds(address(each.outside))) << each.range;
        }
    }
    for (const char* wrong : {"", "x", "10.0.0.0/33", "10.0.0.0/", "::/129", "256", "10..1", ".",
                              "10.0.0.0/255.0.255.0", "10.0.0.0/8/8", "a.example", "10.1/16"}) {
        EXPECT_FALSE(AddressRange::parse(wrong)) << wrong;
    }
}

struct Case {
    const char* peer;
    const char* list;      // of X-Forwarded-For
    const char* client;    // the address that is believed
    const char* believed;  // of the list
    const char* proxies;
};

void check(bool is_internal, std::initializer_list<Case> cases) {
    PeerTrust trust;
    trust.header = "x-forwarded-for";
    trust.peers = {{*AddressRange::parse("10.0.0.0/24"), is_internal},
                   {*AddressRange::parse("203.0.113.0/24"), is_internal}};
    for (const Case& each : cases) {
        const std::string text = std::string("X-Forwarded-For: ") + each.list + "\r\n\r\n";
        http::HeadParser parser(http::HeadParser::Kind::trailers);
        ASSERT_EQ(parser.parse(text), http::HeadParser::Status::complete);
        const http::Fields fields = parser.take_trailers();
        const BelievedClient client = believe(address(each.peer), trust, fields, text);
        EXPECT_EQ(client.address.host_text(), each.client) << each.list;
        EXPECT_EQ(client.forwarded_for, each.believed) << each.list;
        EXPECT_EQ(client.proxies, each.proxies) << each.list;
    }
}

TEST(BelievedClient, is_found_from_the_right) {
    check(true,
          {
              {"192.0.2.1", "198.51.100.1", "192.0.2.1", "", ""},
              {"10.0.0.1", "198.51.100.1", "198.51.100.1", "198.51.100.1", ""},
              {"10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1", "198.51.100.1", ""},
              {"10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1", "198.51.100.1, 10.0.0.2",
               "10.0.0.2"},
              {"10.0.0.1", "198.51.100.1,203.0.113.1 ,\t10.0.0.2", "198.51.100.1",
               "198.51.100.1, 203.0.113.1, 10.0.0.2", "203.0.113.1, 10.0.0.2"},
              {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3", "10.0.0.3, 10.0.0.2", "10.0.0.2"},
              {"10.0.0.1", "192.168.1.1", "192.168.1.1", "192.168.1.1", ""},
              {"10.0.0.1", "198.51.100.1:8080", "198.51.100.1", "198.51.100.1", ""},
              {"10.0.0.1", "[2001:db8::1]:80", "2001:db8::1", "2001:db8::1", ""},
              {"10.0.0.1", "2001:db8::1", "2001:db8::1", "2001:db8::1", ""},
              {"10.0.0.1", "unknown", "10.0.0.1", "", ""},
              {"10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2", "10.0.0.2", ""},
              {"10.0.0.1", "", "10.0.0.1", "", ""},
              {"10.0.0.1", ",,", "10.0.0.1", "", ""},
              {"10.0.0.1", "198.51.100.1\"", "10.0.0.1", "", ""},
          });
}

TEST(BelievedClient, has_no_private_address_on_a_trusted_proxys_word) {
    check(false, {
                     {"203.0.113.1", "192.168.1.1", "203.0.113.1", "", ""},
                     {"203.0.113.1", "127.0.0.1", "203.0.113.1", "", ""},
                     {"203.0.113.1", "fe80::1", "203.0.113.1", "", ""},
                     {"203.0.113.1", "198.51.100.1", "198.51.100.1", "198.51.100.1", ""},
                 });
}

TEST(BelievedClient, is_trusted_by_files_too) {
    const support::TemporaryFolder folder;
    std::ofstream(folder.file("list")) << "# ours\n10.0.0.0/8  192.0.2.1\n\n::1 # here\n";
    std::ofstream(folder.file("wrong")) << "10.0.0.0/8\nproxy.example\n";
    std::string error;
    EXPECT_EQ(read_peer_list(folder.file("list"), true, error).size(), 3u);
    EXPECT_EQ(error, "");
    read_peer_list(folder.file("wrong"), true, error);
    EXPECT_EQ(error, "line 2: \"proxy.example\" is not an address or a range of addresses");
    read_peer_list(folder.file("missing"), true, error);
    EXPECT_NE(error, "");
}

}  // namespace
}  // namespace headgate::proxy
