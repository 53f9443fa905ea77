// Texts to values.
#include "conf/value.h"

#include <gtest/gtest.h>

namespace headgate::conf {
namespace {

using namespace std::chrono_literals;

TEST(Value, switches) {
    EXPECT_EQ(on_off("On").value, true);
    EXPECT_EQ(on_off("OFF").value, false);
    EXPECT_FALSE(on_off("yes").value);
    EXPECT_EQ(on_off("yes").expected, "On or Off");
}

TEST(Value, integers) {
    EXPECT_EQ((integer<1, 10>("10").value), 10);
    EXPECT_FALSE((integer<1, 10>("11").value));
    EXPECT_FALSE((integer<1, 10>("0").value));
    EXPECT_EQ((integer<1, 10>("x").expected), "a number from 1 to 10");
    for (const char* wrong : {"", "+5", " 5", "5 ", "5x", "0x5", "99999999999999999999"}) {
        EXPECT_FALSE(integer<0>(wrong).value) << wrong;
    }
}

TEST(Value, sizes) {
    EXPECT_EQ(size_bytes("0").value, 0u);
    EXPECT_EQ(size_bytes("64K").value, 65536u);
    EXPECT_EQ(size_bytes("10m").value, 10u << 20);
    EXPECT_EQ(size_bytes("1073741824").value, 1u << 30);
    for (const char* wrong : {"", "K", "-1", "1.5M", "99999999999G", "10MB"}) {
        EXPECT_FALSE(size_bytes(wrong).value) << wrong;
    }
}

TEST(Value, durations) {
    EXPECT_EQ(duration_seconds("5").value, 5s);
    EXPECT_EQ(duration_seconds("5s").value, 5s);
    EXPECT_EQ(duration_seconds("500ms").value, 500ms);
    EXPECT_EQ(duration_seconds("2min").value, 2min);
    EXPECT_EQ(duration_seconds("2mi").value, 2min);
    EXPECT_EQ(duration_seconds("1H").value, 1h);
    EXPECT_EQ(duration_seconds("0").value, 0s);
    EXPECT_EQ(duration_seconds("1us").value, 1ms);
    EXPECT_EQ(duration("7", 1ms).value, 7ms);
    for (const char* wrong : {"", "s", "-5", "5 s", "1.5s", "5x", "99999999999h"}) {
        EXPECT_FALSE(duration_seconds(wrong).value) << wrong;
    }
}

TEST(Value, addresses) {
    EXPECT_EQ(address("*:80").value, (Address{"*", 80, false}));
    EXPECT_EQ(address("*").value, (Address{"*", 0, false}));
    EXPECT_EQ(address("_default_:443").value, (Address{"*", 443, false}));
    EXPECT_EQ(address("192.0.2.1:8080").value, (Address{"192.0.2.1", 8080, false}));
    EXPECT_EQ(address("www.example.org").value, (Address{"www.example.org", 0, false}));
    EXPECT_EQ(address("[2001:db8::1]:80").value, (Address{"2001:db8::1", 80, true}));
    EXPECT_EQ(address("[::]").value, (Address{"::", 0, true}));
    EXPECT_EQ(address("127.0.0.1:*").value, (Address{"127.0.0.1", 0, false}));
    for (const char* wrong : {"", ":80", "a:b", "a:0", "a:65536", "::1", "[::1", "[a]:80", "a b"}) {
        EXPECT_FALSE(address(wrong).value) << wrong;
    }
}

TEST(Value, listen_addresses) {
    EXPECT_EQ(listen_address("80").value, (Address{"*", 80, false}));
    EXPECT_EQ(listen_address("[::1]:80").value, (Address{"::1", 80, true}));
    for (const char* wrong : {"0", "65536", "127.0.0.1", "*", "-1"}) {
        EXPECT_FALSE(listen_address(wrong).value) << wrong;
    }
}

TEST(Value, names_in_any_case) {
    EXPECT_TRUE(is_equal_name("ProxyPass", "proxypass"));
    EXPECT_FALSE(is_equal_name("ProxyPass", "ProxyPas"));
    EXPECT_TRUE(has_name_prefix("ENV=x", "env="));
    EXPECT_EQ(lower("MiXed-9"), "mixed-9");
}

}  // namespace
}  // namespace headgate::conf
