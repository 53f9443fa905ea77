// Which rule a path gets, and the path it makes for the upstream: Apache's rules for ProxyPass,
// ProxyPassMatch, Location and LocationMatch, as tables.
#include "proxy/site/route.h"

#include <gtest/gtest.h>

#include "tests/support/loaded_sites.h"

namespace headgate::proxy {
namespace {

using support::LoadedSites;

TEST(Route, prefixes_cover_whole_segments) {
    const struct {
        const char* prefix;
        const char* path;
        bool covers;
    } cases[] = {
        {"/", "/", true},      {"/", "/a", true},        {"/a", "/a", true},   {"/a", "/a/", true},
        {"/a", "/a/b", true},  {"/a", "/ab", false},     {"/a/", "/a", false}, {"/a/", "/a/", true},
        {"/a/", "/a/b", true}, {"/a/b", "/a", false},    {"", "/a", true},     {"/A", "/a", false},
        {"/a", "/", false},    {"/a b", "/a b/c", true},
    };
    for (const auto& each : cases) {
        EXPECT_EQ(covers_segments(each.prefix, each.path), each.covers)
            << each.prefix << " " << each.path;
    }
}

/// "endpoint path" of the rule for a path; "-" when there is none.
std::string target(const LoadedSites& loaded, const std::string& path) {
    Places places(loaded.main());
    const auto place = places.at(path);
    const Match match = place->match(path);
    if (match.route == nullptr) return "-";
    return match.route->endpoint.key + " " + match.path;
}

struct Case {
    const char* path;
    const char* target;
};

void check(const std::string& text, std::initializer_list<Case> cases) {
    const LoadedSites loaded(text);
    ASSERT_TRUE(loaded.sites());
    for (const Case& each : cases)
        EXPECT_EQ(target(loaded, each.path), each.target) << each.path;
}

TEST(Route, of_prefixes) {
    check(
        "ProxyPass /mirror/foo/ http://backend.example.com/\n"
        "ProxyPass /plain http://plain:81\n"
        "ProxyPass /deep http://deep/a/b\n",
        {{"/mirror/foo/bar", "backend.example.com:80 /bar"},
         {"/mirror/foo/", "backend.example.com:80 /"},
         {"/mirror/foo", "-"},
         {"/plain", "plain:81 /"},
         {"/plain/x", "plain:81 /x"},
         {"/plainer", "-"},
         {"/deep/x", "deep:80 /a/b/x"},
         {"/deep", "deep:80 /a/b"},
         {"/", "-"}});
}

TEST(Route, first_match_wins_and_exclusions_come_first) {
    check(
        "ProxyPass /mirror/foo/i !\n"
        "ProxyPass /mirror/foo http://backend.example.com\n"
        "ProxyPass /mirror http://other/\n",
        {{"/mirror/foo/i", "-"},
         {"/mirror/foo/i/x", "-"},
         {"/mirror/foo/ix", "backend.example.com:80 /ix"},
         {"/mirror/foo", "backend.example.com:80 /"},
         {"/mirror/x", "other:80 //x"}});
}

TEST(Route, of_everything) {
    check("ProxyPass / http://127.0.0.1:9000/\n",
          {{"/", "127.0.0.1:9000 /"}, {"/a/b", "127.0.0.1:9000 /a/b"}});
    check("ProxyPass / http://127.0.0.1:9000/base/\n", {{"/a", "127.0.0.1:9000 /base/a"}});
    check("ProxyPass / \"http://[::1]:9000/\"\n", {{"/a", "[::1]:9000 /a"}});
    check("ProxyPass / \"unix:/run/app.sock|http://app/\"\n", {{"/a", "unix:/run/app.sock /a"}});
}

TEST(Route, of_patterns) {
    check(
        "ProxyPassMatch ^/(.*\\.gif)$ http://backend.example.com/$1\n"
        "ProxyPassMatch ^/old/([0-9]+)/([a-z]+) http://old:82/$2/$1\n"
        "ProxyPassMatch ^/none !\n"
        "ProxyPass /none http://never/\n",
        {{"/a/b.gif", "backend.example.com:80 /a/b.gif"},
         {"/a/b.gif2", "-"},
         {"/old/7/x", "old:82 /x/7"},
         {"/old/x/7", "-"},
         {"/none/at/all", "-"}});
}

TEST(Route, a_locations_own_rule_comes_first_and_the_longest_of_them) {
    check(
        "ProxyPass /a http://server/\n"
        "<Location /a/b>\nProxyPass http://inner/\n</Location>\n"
        "<Location /a/b/c>\nProxyPass http://innermost/x/\n</Location>\n"
        "<Location /a/b/no>\nProxyPass !\n</Location>\n",
        {{"/a/x", "server:80 //x"},
         {"/a/b/x", "inner:80 //x"},
         {"/a/b", "inner:80 /"},
         {"/a/b/c/d", "innermost:80 /x//d"},
         {"/a/b/no/x", "-"},
         {"/a/bx", "server:80 //bx"}});
}

TEST(Location, covers_as_in_apache) {
    const struct {
        const char* prefix;
        const char* path;
        bool covers;
    } cases[] = {
        {"/private1", "/private1", true},
        {"/private1", "/private1/", true},
        {"/private1", "/private1/file", true},
        {"/private1", "/private1other", false},
        {"/private2/", "/private2/", true},
        {"/private2/", "/private2/file", true},
        {"/private2/", "/private2", false},
        {"/", "/anything", true},
        {"/a?", "/ab", true},
        {"/a?", "/a/", false},
        {"/*/x", "/a/x", true},
        {"/*/x", "/a/b/x", false},
        {"/[ab]", "/a", true},
        {"/[ab]", "/c", false},
    };
    for (const auto& each : cases) {
        Location location;
        location.prefix = each.prefix;
        EXPECT_EQ(location.covers(each.path), each.covers) << each.prefix << " " << each.path;
    }
    Location matched;
    matched.pattern = conf::Pattern::compile("/(extra|special)/data").pattern;
    EXPECT_TRUE(matched.covers("/a/extra/data"));
    EXPECT_TRUE(matched.covers("/special/database"));
    EXPECT_FALSE(matched.covers("/extradata"));
}

TEST(Place, merges_what_covers_it_in_order) {
    const LoadedSites loaded(
        "ProxyPreserveHost On\nLimitRequestBody 10\n"
        "<Location /a>\nLimitRequestBody 20\nRequestHeader set X-A 1\n</Location>\n"
        "<LocationMatch \"\\.php$\">\nLimitRequestBody 30\nRequestHeader set X-B 2\n"
        "</LocationMatch>\n"
        "<Location /a/b>\nProxyPreserveHost Off\nLimitRequestBody 40\n</Location>\n");
    Places places(loaded.main());
    const struct {
        const char* path;
        std::uint64_t limit;
        bool preserves;
        std::size_t edits;
    } cases[] = {
        {"/", 10, true, 0},        {"/a/x", 20, true, 1},    {"/x.php", 30, true, 1},
        {"/a/x.php", 30, true, 2}, {"/a/b/x", 40, false, 1}, {"/a/b/x.php", 40, false, 2},
    };
    for (const auto& each : cases) {
        const auto place = places.at(each.path);
        const RouteSettings& settings = place->settings();
        EXPECT_EQ(*settings.limit_request_body, each.limit) << each.path;
        EXPECT_EQ(*settings.proxy_preserve_host, each.preserves) << each.path;
        EXPECT_EQ(settings.request_fields.size(), each.edits) << each.path;
    }
    EXPECT_EQ(places.at("/a/x"), places.at("/a/y")) << "one place, whatever the path";
}

/// Any subset of these sections covers some path: a client could ask for all 2^10 places, and for
/// as many URLs that different Proxy sections cover.
TEST(Places, remembers_a_bounded_number_of_sets_whatever_is_asked_for) {
    constexpr unsigned sections = 10;
    std::string text = "ProxyPass / http://origin/\n";
    for (unsigned i = 0; i < sections; i++) {
        const std::string letter(1, static_cast<char>('a' + i));
        text += "<LocationMatch " + letter + ">\nRequestHeader add X-L " + letter +
                "\n</LocationMatch>\n<Proxy *" + letter + "*>\nRequestHeader add X-P " + letter +
                "\n</Proxy>\n";
    }
    const LoadedSites loaded(text);
    ASSERT_TRUE(loaded.sites());
    Places places(loaded.main());
    const auto path_of = [](unsigned set) {
        std::string path = "/";
        for (unsigned i = 0; i < sections; i++) {
            if ((set >> i & 1) != 0) path += static_cast<char>('a' + i);
        }
        return path;
    };
    const auto edits = [&](unsigned set) {
        const auto place = places.at(path_of(set));
        return places.settings(place, place->match(path_of(set)))->request_fields.size();
    };
    const auto held = places.at(path_of(5));
    const Match match = held->match("/ac");
    for (const bool again : {false, true}) {
        for (unsigned set = 1; set < 1u << sections; set++) {
            const auto count = static_cast<std::size_t>(__builtin_popcount(set));
            // Of the URL http://origin/..., "g" and "i" are found for every path, "h" in "http".
            const unsigned of_url = set | 1u << 6 | 1u << 7 | 1u << 8;
            ASSERT_EQ(edits(set), count + static_cast<std::size_t>(__builtin_popcount(of_url)))
                << path_of(set) << again;
            ASSERT_LE(places.kept(), 2 * Places::most_kept);
        }
    }
    EXPECT_EQ(held->settings().request_fields.size(), 2u) << "what is held lives on";
    EXPECT_EQ(match.route->endpoint.key, "origin:80");
}

TEST(Site, is_found_by_address_then_by_name) {
    const LoadedSites loaded(
        "ServerName main.example\n"
        "<VirtualHost *:8080>\nServerName first.example\n</VirtualHost>\n"
        "<VirtualHost *:8080>\nServerName second.example\nServerAlias *.second.example s?c\n"
        "</VirtualHost>\n"
        "<VirtualHost 127.0.0.2:8080>\nServerName exact.example\n</VirtualHost>\n");
    const auto name = [&](const char* address, std::uint16_t port, const char* host) {
        const auto local = *loop::Address::from_literal(address, port);
        return loaded.sites()->at(local).by_host(host).name;
    };
    EXPECT_EQ(name("127.0.0.1", 80, "second.example"), "main.example");
    EXPECT_EQ(name("127.0.0.1", 8080, ""), "first.example");
    EXPECT_EQ(name("127.0.0.1", 8080, "unknown"), "first.example");
    EXPECT_EQ(name("127.0.0.1", 8080, "SECOND.example:8080"), "second.example");
    EXPECT_EQ(name("127.0.0.1", 8080, "second.example."), "second.example");
    EXPECT_EQ(name("127.0.0.1", 8080, "a.b.Second.example"), "second.example");
    EXPECT_EQ(name("127.0.0.1", 8080, "sac"), "second.example");
    EXPECT_EQ(name("127.0.0.2", 8080, "second.example"), "exact.example");
}

TEST(Site, host_without_port) {
    EXPECT_EQ(host_without_port("a:80"), "a");
    EXPECT_EQ(host_without_port("a"), "a");
    EXPECT_EQ(host_without_port("[::1]:80"), "[::1]");
    EXPECT_EQ(host_without_port(""), "");
}

}  // namespace
}  // namespace headgate::proxy
