// Typing distances and suggestions.
#include "conf/suggest.h"

#include <gtest/gtest.h>

#include <array>

namespace headgate::conf {
namespace {

TEST(Suggest, counts_typing_mistakes) {
    EXPECT_EQ(typing_distance("Listen", "listen"), 0u);
    EXPECT_EQ(typing_distance("ProxyPas", "ProxyPass"), 1u);
    EXPECT_EQ(typing_distance("Timeuot", "Timeout"), 1u);  // two neighbours swapped
    EXPECT_EQ(typing_distance("", "abc"), 3u);
    EXPECT_EQ(typing_distance("kitten", "sitting"), 3u);
}

TEST(Suggest, proposes_only_what_is_near) {
    constexpr std::array<std::string_view, 3> names{"Listen", "Timeout", "ProxyPass"};
    EXPECT_EQ(nearest("Lisen", names), "Listen");
    EXPECT_EQ(nearest("proxypss", names), "ProxyPass");
    EXPECT_EQ(nearest("Xyzzy", names), "");
    EXPECT_EQ(nearest("T", names), "");
}

}  // namespace
}  // namespace headgate::conf
