// Targets, authorities and paths.
#include "proxy/http/target.h"

#include <gtest/gtest.h>

namespace headgate::http {
namespace {

Result<Target> parse(std::string_view text, Method method = Method::get) {
    return parse_target(method, {0, static_cast<std::uint32_t>(text.size())}, text);
}

std::string match(std::string_view path, PathRules rules = {}) {
    const auto result = matching_path(path, rules);
    return result ? *result : std::to_string(result.error().status);
}

std::string forward(std::string_view decoded, EncodedSlashes slashes = EncodedSlashes::refuse) {
    std::string out;
    append_forwarded_path(out, decoded, slashes);
    return out;
}

TEST(Target, SplitsOriginForm) {
    const std::string_view text = "/a/b?c=d?e";
    const auto target = parse(text);
    ASSERT_TRUE(target);
    EXPECT_EQ(target->form, TargetForm::origin);
    EXPECT_EQ(target->path.of(text), "/a/b");
    EXPECT_TRUE(target->has_query);
    EXPECT_EQ(target->query.of(text), "c=d?e");
    EXPECT_FALSE(parse("/a")->has_query);
    EXPECT_TRUE(parse("/a?")->has_query);
}

TEST(Target, SplitsAbsoluteForm) {
    const std::string_view text = "HTTPS://Example:8443/a?b";
    const auto target = parse(text);
    ASSERT_TRUE(target);
    EXPECT_EQ(target->form, TargetForm::absolute);
    EXPECT_TRUE(target->is_https);
    EXPECT_EQ(target->authority.of(text), "Example:8443");
    EXPECT_EQ(target->path.of(text), "/a");
    EXPECT_EQ(target->query.of(text), "b");
    const std::string_view bare = "http://h?q";
    ASSERT_TRUE(parse(bare));
    EXPECT_TRUE(parse(bare)->path.empty());
    EXPECT_EQ(parse(bare)->query.of(bare), "q");
}

TEST(Target, KeepsFormsToTheirMethods) {
    EXPECT_EQ(parse("*", Method::options)->form, TargetForm::asterisk);
    EXPECT_EQ(parse("http://h", Method::options)->form, TargetForm::asterisk);
    EXPECT_EQ(parse("http://h/", Method::options)->form, TargetForm::absolute);
    EXPECT_EQ(parse("http://h?", Method::options)->form, TargetForm::absolute);
    EXPECT_EQ(parse("http://h", Method::get)->form, TargetForm::absolute);
    EXPECT_FALSE(parse("*"));
    EXPECT_EQ(parse("h:443", Method::connect)->form, TargetForm::authority);
    EXPECT_FALSE(parse("/", Method::connect));
    EXPECT_FALSE(parse("h:443"));
}

TEST(Target, RefusesWhatIsNotOurs) {
    for (const std::string_view bad : {"", "x", "ftp://h/", "http:///a", "http://", "http://u@h/",
                                       "/a#b", "/a b", "/\xe9", "/\x7f", "http://h:99999/"}) {
        const auto target = parse(bad);
        ASSERT_FALSE(target) << bad;
        EXPECT_EQ(target.error().code, HeadFault::bad_target);
        EXPECT_EQ(target.error().status, 400);
    }
}

TEST(Authority, SplitsHostAndPort) {
    EXPECT_EQ(parse_authority("a.b-c_d.example.:80")->host, "a.b-c_d.example.");
    EXPECT_EQ(parse_authority("h:80")->port, 80);
    EXPECT_EQ(parse_authority("h")->port, 0);
    EXPECT_EQ(parse_authority("h:")->port, 0);
    EXPECT_EQ(parse_authority("[2001:db8::1]:8080")->host, "[2001:db8::1]");
    EXPECT_EQ(parse_authority("[2001:db8::1]:8080")->port, 8080);
}

TEST(Authority, RefusesEverythingElse) {
    for (const std::string_view bad :
         {"",          ":80",  "a b",    "a,b",          "a@b",     "a/b",     "a%41", "..",
          ".a",        "a..b", "h:x",    "h:-1",         "h:65536", "h:80:80", "[::1", "[::1]x",
          "[::1]x:80", "[]",   "[v1.x]", "[::1%25eth0]", "::1",     "h: 80",   "h:+80"}) {
        EXPECT_FALSE(parse_authority(bad)) << bad;
    }
}

TEST(Path, DecodesMergesAndRemovesDots) {
    EXPECT_EQ(match(""), "/");
    EXPECT_EQ(match("/a/b"), "/a/b");
    EXPECT_EQ(match("/a%20b/%7Ec"), "/a b/~c");
    EXPECT_EQ(match("//a///b//"), "/a/b/");
    EXPECT_EQ(match("//a//b", {.merge_slashes = false}), "//a//b");
    EXPECT_EQ(match("/a/./b/../c"), "/a/c");
    EXPECT_EQ(match("/a/b/.."), "/a/");
    EXPECT_EQ(match("/a/."), "/a/");
    EXPECT_EQ(match("/.a/..b/c."), "/.a/..b/c.");
    EXPECT_EQ(match("/a/%2e%2E/b"), "/b");
    EXPECT_EQ(match("/a/../"), "/");
    EXPECT_EQ(match("/a/b/c/../../d/./e/../f"), "/a/d/f");
}

TEST(Path, RefusesBadOnes) {
    EXPECT_EQ(match("/.."), "400");
    EXPECT_EQ(match("/a/../../b"), "400");
    EXPECT_EQ(match("/%2e%2e/b"), "400");
    EXPECT_EQ(match("/%"), "400");
    EXPECT_EQ(match("/%4"), "400");
    EXPECT_EQ(match("/%zz"), "400");
    EXPECT_EQ(match("/a%00"), "400");
    EXPECT_EQ(match(std::string_view("/a\0", 3)), "400");
    EXPECT_EQ(match("a"), "400");
}

TEST(Path, TreatsEncodedSlashesAsTold) {
    EXPECT_EQ(match("/a%2Fb"), "404");
    EXPECT_EQ(match("/a%2fb", {.encoded_slashes = EncodedSlashes::decode}), "/a/b");
    EXPECT_EQ(match("/a%2f..%2f..%2fb", {.encoded_slashes = EncodedSlashes::decode}), "400");
    EXPECT_EQ(match("/a%2fb%252F", {.encoded_slashes = EncodedSlashes::keep}), "/a%2Fb%252F");
}

TEST(Path, IsEncodedAgainForTheUpstream) {
    EXPECT_EQ(forward("/a b/~c;d=e,f:g@h&i$j"), "/a%20b/~c;d=e,f:g@h&i$j");
    EXPECT_EQ(forward("/%2F"), "/%252F");
    EXPECT_EQ(forward("/?#\"<>\\^`{|}[]"), "/%3F%23%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D");
    EXPECT_EQ(forward("/\xc3\xa9\r\n"), "/%C3%A9%0D%0A");
    EXPECT_EQ(forward("/a%2Fb%252F", EncodedSlashes::keep), "/a%2Fb%252F");
}

}  // namespace
}  // namespace headgate::http
