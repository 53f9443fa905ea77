// Paths that try to reach what a rule keeps away, and paths that only look odd: where each is sent,
// as the upstream will see it, or how it is refused. The first kind is what servers and proxies are
// known to have read differently from each other.
#include <gtest/gtest.h>

#include "proxy/http/path_readings.h"
#include "proxy/rewrite.h"
#include "tests/support/loaded_sites.h"

namespace headgate::proxy {
namespace {

using support::LoadedSites;

constexpr const char* rules =
    "ProxyPass /admin !\n"
    "ProxyPass /app/ http://inner/public/\n"
    "ProxyPass /raw/ http://raw/base/ nocanon\n"
    "ProxyPassMatch ^/img(.*)$ http://img/files/$1\n"
    "<Location /status>\nSetHandler server-status\n</Location>\n"
    "ProxyPass / http://rest/\n";

/// "endpoint target", "status" for the status page, "-" for no rule, or the status of a refusal.
std::string outcome(const LoadedSites& loaded, std::string_view received, http::PathRules how) {
    const auto target = http::parse_target(
        http::Method::get, {0, static_cast<std::uint32_t>(received.size())}, received);
    if (!target) return std::to_string(target.error().status);
    const std::string_view raw = target->path.of(received);
    const auto path = http::matching_path(raw, how);
    if (!path) return std::to_string(path.error().status);
    const auto readings = http::other_readings(*path);
    if (!readings) return std::to_string(readings.error().status);
    Places places(loaded.main());
    const auto place = places.at(*path);
    const Match match = place->match(*path, http::has_dot_segment(raw) ? "" : raw);
    if (!places.are_alike(*place, match, *readings) || !is_contained(match)) return "400";
    if (*place->settings().handler == RouteSettings::Handler::server_status) return "status";
    if (match.route == nullptr) return "-";
    return match.route->endpoint.host + " " + forwarded_target(match, how, *target, received);
}

struct Row {
    const char* received;
    const char* outcome;
};

void check(const Row* begin, const Row* end, http::PathRules how = {}) {
    const LoadedSites loaded(rules);
    ASSERT_TRUE(loaded.sites());
    for (const Row* row = begin; row != end; row++) {
        EXPECT_EQ(outcome(loaded, row->received, how), row->outcome) << row->received;
    }
}

constexpr Row escapes[] = {
    // dot segments, plain and encoded once: resolved before anything is decided
    {"/app/../admin", "-"},
    {"/app/x/../../admin/x", "-"},
    {"/app/%2e%2e/admin", "-"},
    {"/app/.%2e/admin", "-"},
    {"/app/%2E%2E/admin", "-"},
    {"/./admin", "-"},
    {"/%2e/admin", "-"},
    {"//admin", "-"},
    {"///admin//x", "-"},
    {"/.//./admin", "-"},
    {"/a/..//admin", "-"},
    {"/%61dmin", "-"},
    {"/%61%64%6d%69%6e/x", "-"},
    {"/x/..", "rest /"},
    {"/app/..", "rest /"},
    {"/..", "400"},
    {"/../admin", "400"},
    {"/app/../../admin", "400"},
    {"/app/../../../../etc/passwd", "400"},
    {"/%2e%2e/%2e%2e/etc/passwd", "400"},
    // encoded twice and more
    {"/app/%252e%252e/admin", "400"},
    {"/app/%252e%252e%252fadmin", "400"},
    {"/app/.%252e/admin", "400"},
    {"/app/%25252e%25252e/admin", "400"},
    {"/app/%252e/x", "400"},
    {"/%2561dmin", "400"},
    {"/%252561dmin", "400"},
    {"/admin%252fx", "400"},
    {"/x%252f..%252fadmin", "400"},
    {"/%252525252525252e", "400"},
    // encoded slashes
    {"/app/..%2fadmin", "404"},
    {"/app%2f..%2fadmin", "404"},
    {"/admin%2fx", "404"},
    {"/%2fadmin", "404"},
    // path parameters (Tomcat, Jetty, Spring)
    {"/app/..;/admin", "400"},
    {"/app/..;a=b/admin", "400"},
    {"/app/..;/..;/admin", "400"},
    {"/app/.;/x", "400"},
    {"/app/;/../admin", "inner /public/admin"},
    {"/;/admin", "400"},
    {"/;x=y/admin", "400"},
    {"/admin;", "400"},
    {"/admin;/x", "400"},
    {"/admin;a=b/x", "400"},
    {"/admin%3b/x", "400"},
    {"/admin%3bx", "400"},
    {"/app/..%3b/admin", "400"},
    {"/app/%2e%2e;/admin", "400"},
    {"/app/%2e%2e%3b/admin", "400"},
    {"/app/..%253b/admin", "400"},
    {"/app;/../admin;/x", "400"},
    {"/status;", "400"},
    {"/;/status", "400"},
    // backslashes (IIS, browsers)
    {"/\\admin", "400"},
    {"/app/..\\admin", "400"},
    {"/%5cadmin", "400"},
    {"/app/..%5cadmin", "400"},
    {"/app%5c..%5cadmin", "400"},
    {"/app/..%255cadmin", "400"},
    {"/admin%5cx", "400"},
    {"/app/%2e%2e%5cadmin", "400"},
    // other alphabets
    {"/app/%c0%ae%c0%ae/admin", "400"},
    {"/app/..%c0%afadmin", "400"},
    {"/app/..%c1%9cadmin", "400"},
    {"/app/%e0%80%ae%e0%80%ae/admin", "400"},
    {"/app/..%e0%80%afadmin", "400"},
    {"/app/..%f0%80%80%afadmin", "400"},
    {"/app/%25c0%25ae%25c0%25ae/admin", "400"},
    {"/app/%ef%bc%8e%ef%bc%8e/admin", "400"},
    {"/app/..%ef%bc%8fadmin", "400"},
    {"/%ef%bc%8fadmin", "400"},
    {"/%ef%bd%81dmin", "400"},
    {"/admin%ef%bc%9b", "400"},
    {"/app/%e2%80%a5/admin", "400"},
    {"/app/%e2%80%a4%e2%80%a4/admin", "400"},
    // what ends a path
    {"/admin%23", "400"},
    {"/admin%3f", "400"},
    {"/app/..%23/admin", "400"},
    {"/admin%2523", "400"},
    {"/app/%u002e%u002e/admin", "400"},
    {"/app/..%u2215admin", "400"},
    // what is dropped or cut off on the way
    {"/admin%00", "400"},
    {"/app/%00/../admin", "400"},
    {"/admin%2500.html", "400"},
    {"/admin%20", "400"},
    {"/admin%20/x", "400"},
    {"/admin%09", "400"},
    {"/ad%0amin/x", "400"},
    {"/%0dadmin", "400"},
    {"/app/.%0a./admin", "400"},
    {"/app/..%20/admin", "400"},
    {"/admin%3fx", "400"},
    {"/app/..%3f/x", "400"},
    {"/admin%7f", "400"},
    // escapes that are none
    {"/%", "400"},
    {"/%2", "400"},
    {"/%zz", "400"},
    {"/%2%65", "400"},
    {"/% 41", "400"},
    // a capture that makes dot segments with its target
    {"/img../secret", "400"},
    {"/img..", "400"},
    {"/img%2e%2e/secret", "400"},
    {"/img./x", "400"},
    {"/img..;/secret", "400"},
    {"/img/a.png", "img /files//a.png"},
    // as received, where that is asked for and safe
    {"/raw/a%2Db//c", "raw /base/a%2Db//c"},
    {"/raw/%7euser", "raw /base/%7euser"},
    {"/raw/a%20b;c=%41", "raw /base/a%20b;c=%41"},
    {"/raw/../admin", "-"},
    {"/raw/x/../y", "raw /base/y"},
    {"/raw/%2e%2e/raw/y", "raw /base/y"},
    {"/r%61w/y%2D", "raw /base/y-"},
    {"//raw/y%2D", "raw /base/y-"},
    {"/raw/..;/y", "400"},
    {"/raw/%252e%252e/y", "400"},
};

TEST(PathEscape, leads_nowhere_else) {
    check(std::begin(escapes), std::end(escapes));
}

constexpr Row usual[] = {
    {"/", "rest /"},
    {"/?", "rest /?"},
    {"/a/b.html?c=d&e=/../f", "rest /a/b.html?c=d&e=/../f"},
    {"/a?..;/%2f%5c%00", "rest /a?..;/%2f%5c%00"},
    {"/a?x=\\", "rest /a?x=\\"},
    {"/administrator", "rest /administrator"},
    {"/x/admin", "rest /x/admin"},
    {"/a;v=1/b", "rest /a;v=1/b"},
    {"/a;v=1;w=2/b;x", "rest /a;v=1;w=2/b;x"},
    {"/shop;jsessionid=0123ABC", "rest /shop;jsessionid=0123ABC"},
    {"/a%3Bb", "rest /a;b"},
    {"/app/a;v=1/b", "inner /public/a;v=1/b"},
    {"/a%20b", "rest /a%20b"},
    {"/a%20", "rest /a%20"},
    {"/caf%C3%A9/%E2%82%AC", "rest /caf%C3%A9/%E2%82%AC"},
    {"/caf%E9", "rest /caf%E9"},
    {"/%F0%9F%98%80", "rest /%F0%9F%98%80"},
    {"/%EF%BC%A1", "rest /%EF%BC%A1"},
    {"/100%25", "rest /100%25"},
    {"/100%25/of%25it", "rest /100%25/of%25it"},
    {"/a%252Fb", "rest /a%252Fb"},
    {"/a%2520b", "rest /a%2520b"},
    {"/C%23/tips", "rest /C%23/tips"},
    {"/what%3F", "rest /what%3F"},
    {"/a%5Cb", "rest /a%5Cb"},
    {"/.well-known/acme-challenge/x", "rest /.well-known/acme-challenge/x"},
    {"/..a/b../c..d", "rest /..a/b../c..d"},
    {"/...", "rest /..."},
    {"/.../x", "rest /.../x"},
    {"/a/./b/../c", "rest /a/c"},
    {"/a//b///c", "rest /a/b/c"},
    {"/~user/$a,b:c@d!e*f'(g)", "rest /~user/$a,b:c@d!e*f'(g)"},
    {"/@scope/name", "rest /@scope/name"},
    {"/a=b&c+d", "rest /a=b&c+d"},
    {"http://other.example/app/x", "inner /public/x"},
    {"http://other.example", "rest /"},
    {"/status", "status"},
    {"/status/x", "status"},
};

TEST(PathEscape, usual_paths_pass) {
    check(std::begin(usual), std::end(usual));
}

constexpr Row kept[] = {
    {"/@scope%2fname", "rest /@scope%2Fname"},
    {"/a%2Fb%252F", "rest /a%2Fb%252F"},
    {"/raw/group%2fname%2D", "raw /base/group%2fname%2D"},
    {"/100%25", "rest /100%25"},
    {"/admin%2fx", "400"},
    {"/%2fadmin", "400"},
    {"/app/..%2fadmin", "400"},
    {"/app%2f..%2fadmin", "400"},
    {"/raw/..%2fx", "400"},
    {"/x%2f%2e%2e%2fadmin", "400"},
    {"/app/..%252fadmin", "400"},
    {"/app/%252e%252e/admin", "400"},
};

TEST(PathEscape, slashes_that_stay_encoded) {
    check(std::begin(kept), std::end(kept), {.encoded_slashes = http::EncodedSlashes::keep});
}

constexpr Row decoded[] = {
    {"/a%2fb", "rest /a/b"},
    {"/admin%2fx", "-"},
    {"/%2fadmin", "-"},
    {"/app/..%2fadmin", "-"},
    {"/app%2f..%2f..%2fadmin", "400"},
    {"/raw/x%2f..%2f..%2f..%2fy", "400"},
    {"/raw/x%2f..%2fy", "raw /base/y"},
    {"/raw/x%2fy%2D", "raw /base/x%2fy%2D"},
};

TEST(PathEscape, slashes_that_are_decoded) {
    check(std::begin(decoded), std::end(decoded),
          {.encoded_slashes = http::EncodedSlashes::decode});
}

constexpr Row unmerged[] = {
    {"//admin", "400"}, {"/app//../../admin", "-"},      {"/a//b", "rest /a//b"},
    {"//", "rest //"},  {"/app//x", "inner /public//x"},
};

TEST(PathEscape, slashes_that_are_not_merged) {
    check(std::begin(unmerged), std::end(unmerged), {.merge_slashes = false});
}

}  // namespace
}  // namespace headgate::proxy
