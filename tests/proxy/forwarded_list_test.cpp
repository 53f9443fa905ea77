// Forwarded as a list: RFC 7239's own examples, and what must not be believed.
#include "proxy/forwarded_list.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

TEST(ForwardedList, is_read_by_the_grammar) {
    const struct {
        const char* field;
        const char* list;
    } cases[] = {
        {"for=192.0.2.43, for=198.51.100.17;by=203.0.113.60;proto=http;host=example.com",
         "192.0.2.43, 198.51.100.17"},
        {"For=\"[2001:db8:cafe::17]:4711\"", "[2001:db8:cafe::17]:4711"},
        {"for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown",
         "192.0.2.43, [2001:db8:cafe::17], unknown"},
        {"for=_hidden, for=_SEVKISEK", "_hidden, _SEVKISEK"},
        {"proto=https;by=\"a,b;c\"", "unknown"},
        {"by=x ; FOR = 1.1.1.1", ""},
        {"by=x;for=\"1.1.1.1:80\" , for=2.2.2.2", "1.1.1.1:80, 2.2.2.2"},
        {";for=1.1.1.1;", "1.1.1.1"},
        {"for=\"1.1.1\\.1\"", "1.1.1.1"},
    };
    for (const auto& each : cases)
        EXPECT_EQ(forwarded_as_list(each.field), each.list) << each.field;
}

/// What an attacker put in front must not change how what a proxy wrote behind it is read.
TEST(ForwardedList, is_nothing_when_it_is_broken) {
    for (const char* field :
         {"for=\"1.1.1.1, for=2.2.2.2", "x=\", for=\"[::1]\"", "for=1.1.1.1;for=2.2.2.2", "for",
          "for=", "for=1.1.1.1 2.2.2.2", "for=\"1.1.1.1\"x, for=2.2.2.2", "for=a b",
          "for=\"1.1.1.1, 9.9.9.9\", for=2.2.2.2", "for=\"\\"}) {
        EXPECT_EQ(forwarded_as_list(field), "") << field;
    }
    EXPECT_EQ(forwarded_as_list(""), "");
}

}  // namespace
}  // namespace headgate::proxy
