// See route.h.
#include "proxy/site/route.h"

#include <fnmatch.h>

#include <algorithm>

#include "proxy/http/path_readings.h"

namespace headgate::proxy {
namespace {

Route make_route(const PassRule& rule) {
    Route route;
    route.rule = rule;
    if (rule.exclude) return route;
    route.endpoint.host = rule.target.host;
    route.endpoint.port = rule.target.port;
    route.endpoint.unix_path = rule.target.unix_path;
    route.endpoint.key = rule.target.endpoint();
    route.authority = rule.target.authority();
    return route;
}

std::vector<Route> make_routes(const std::vector<PassRule>& rules) {
    std::vector<Route> routes;
    for (const PassRule& rule : rules)
        routes.push_back(make_route(rule));
    return routes;
}

/// Whether the rule applies; then `match.path` says where to.
bool try_path(const PassRule& rule, std::string_view path, Match& match) {
    if (rule.pattern) {
        conf::Captures captures;
        if (rule.pattern->match(path, captures) != conf::Pattern::Match::yes) return false;
        if (!rule.exclude) match.path = conf::substitute(rule.target.path, captures);
        return true;
    }
    if (!covers_segments(rule.prefix, path)) return false;
    match.path = rule.target.path;
    match.path += path.substr(rule.prefix.size());
    return true;
}

/// A path as received, behind what the rule puts in front of it, which may need encoding.
void encode_rest(std::string& path) {
    std::string encoded;
    http::append_received_path(encoded, path);
    path = std::move(encoded);
}

/// Whether the rule applies; then `match` says where to.
bool try_route(const Route& route, std::string_view path, std::string_view received, Match& match) {
    const PassRule& rule = route.rule;
    if (!try_path(rule, path, match)) return false;
    // As Apache: a path that only matches once it is decoded is sent decoded.
    Match as_received;
    if (rule.parameters.keeps_path && !received.empty() && try_path(rule, received, as_received)) {
        match.path = std::move(as_received.path);
        encode_rest(match.path);
        match.is_encoded = true;
    }
    if (match.path.empty() || match.path.front() != '/') match.path.insert(0, 1, '/');
    match.route = rule.exclude ? nullptr : &route;
    return true;
}

}  // namespace

bool is_contained(const Match& match) {
    if (match.route == nullptr || !match.route->rule.pattern) return true;
    if (http::has_dot_segment(match.path)) return false;
    return match.is_encoded || http::other_readings(match.path).has_value();
}

bool covers_segments(std::string_view prefix, std::string_view path) {
    if (path.substr(0, prefix.size()) != prefix) return false;
    return prefix.empty() || prefix.back() == '/' || path.size() == prefix.size() ||
           path[prefix.size()] == '/';
}

bool Location::covers(std::string_view path) const {
    if (pattern) return pattern->matches(path);
    if (prefix.find_first_of("*?[") != std::string::npos) {
        return ::fnmatch(prefix.c_str(), std::string(path).c_str(), FNM_PATHNAME) == 0;
    }
    return covers_segments(prefix, path);
}

bool ProxySection::covers(std::string_view target_url) const {
    return covers_url(url, target_url);
}

bool covers_url(std::string_view section, std::string_view url) {
    if (section.find_first_of("*?") == section.npos) return url.starts_with(section);
    std::string pattern;
    for (const char octet : section) {
        if (octet == '[' || octet == '\\') pattern += '\\';
        pattern += octet;
    }
    return ::fnmatch(pattern.c_str(), std::string(url).c_str(), 0) == 0;
}

bool encloses(const std::string& outer, const std::string& inner) {
    return covers_url(outer, inner) || covers_url(outer, inner + "/");
}

std::string Match::url() const {
    return route->rule.target.scheme + "://" + route->authority + path;
}

Place::Place(RouteSettings settings, std::vector<PassRule> location_rules, std::vector<bool> cover)
    : settings_(std::move(settings)), cover_(std::move(cover)) {
    std::stable_sort(location_rules.begin(), location_rules.end(),
                     [](const PassRule& left, const PassRule& right) {
                         return left.prefix.size() > right.prefix.size();
                     });
    location_routes_ = make_routes(location_rules);
    routes_ = make_routes(settings_.passes);
}

Match Place::match(std::string_view path, std::string_view received) const {
    Match match;
    for (const auto* routes : {&location_routes_, &routes_}) {
        for (const Route& route : *routes) {
            if (try_route(route, path, received, match)) return match;
        }
    }
    return match;
}

}  // namespace headgate::proxy
