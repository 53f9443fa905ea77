// Patterns, their limits, and substitution.
#include "conf/pattern.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::conf {
namespace {

TEST(Pattern, captures) {
    const PatternResult result = Pattern::compile("^/a/(\\w+)/(x)?(.*)$");
    ASSERT_TRUE(result.pattern);
    Captures captures;
    const std::string subject = "/a/one/two";
    ASSERT_EQ(result.pattern->match(subject, captures), Pattern::Match::yes);
    EXPECT_EQ(captures[0], subject);
    EXPECT_EQ(captures[1], "one");
    EXPECT_EQ(captures[2], "");
    EXPECT_EQ(captures[3], "two");
    EXPECT_EQ(captures[9], "");
    EXPECT_EQ(result.pattern->match("/b", captures), Pattern::Match::no);
    EXPECT_EQ(captures[0], "");
}

TEST(Pattern, ignores_case_when_told) {
    EXPECT_FALSE(Pattern::compile("^/abc").pattern->matches("/ABC"));
    EXPECT_TRUE(Pattern::compile("^/abc", {true}).pattern->matches("/ABC"));
}

TEST(Pattern, dollar_is_the_very_end) {
    EXPECT_FALSE(Pattern::compile("^/a$").pattern->matches("/a\n"));
}

TEST(Pattern, says_what_is_wrong_and_where) {
    const PatternResult result = Pattern::compile("a(b");
    EXPECT_FALSE(result.pattern);
    EXPECT_EQ(result.error, "missing closing parenthesis");
    EXPECT_EQ(result.offset, 3u);
}

TEST(Pattern, gives_up_instead_of_holding_the_thread) {
    const PatternResult result = Pattern::compile("^(a+)+$");
    ASSERT_TRUE(result.pattern);
    Captures captures;
    const std::string hostile = std::string(200, 'a') + "b";
    EXPECT_EQ(result.pattern->match(hostile, captures), Pattern::Match::limit);
    EXPECT_FALSE(result.pattern->matches(hostile));
}

TEST(Pattern, more_groups_than_ten) {
    Captures captures;
    const auto pattern = Pattern::compile("(1)(2)(3)(4)(5)(6)(7)(8)(9)(0)(1)").pattern;
    ASSERT_TRUE(pattern);
    ASSERT_EQ(pattern->match("12345678901", captures), Pattern::Match::yes);
    EXPECT_EQ(captures.count, 10u);
    EXPECT_EQ(captures[9], "9");
}

TEST(Pattern, substitutes) {
    Captures captures;
    ASSERT_EQ(Pattern::compile("^/(.)/(.)").pattern->match("/a/b", captures), Pattern::Match::yes);
    EXPECT_EQ(substitute("/$2/$1$0", captures), "/b/a/a/b");
    EXPECT_EQ(substitute("\\$1 $x $", captures), "$1 $x $");
    EXPECT_EQ(substitute("$7", captures), "");
    EXPECT_EQ(substitute("&", captures), "&");
}

}  // namespace
}  // namespace headgate::conf
