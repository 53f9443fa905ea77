// Addresses as text: what logs and fields show.
#include "mpm/loop/address.h"

#include <gtest/gtest.h>

namespace headgate::loop {
namespace {

TEST(Address, is_printed_as_it_was_written) {
    for (const char* text : {"0.0.0.0", "10.2.30.4", "255.255.255.255", "::", "2001:db8::1"})
        EXPECT_EQ(Address::from_literal(text, 80)->host_text(), text);
    EXPECT_EQ(Address().host_text(), "");
}

TEST(Address, prints_a_mapped_one_as_v4) {
    EXPECT_EQ(Address::from_literal("::ffff:192.0.2.1", 80)->host_text(), "192.0.2.1");
}

TEST(Address, prints_ports_behind_it) {
    EXPECT_EQ(Address::from_literal("192.0.2.1", 80)->text(), "192.0.2.1:80");
    EXPECT_EQ(Address::from_literal("2001:db8::1", 8080)->text(), "[2001:db8::1]:8080");
}

}  // namespace
}  // namespace headgate::loop
