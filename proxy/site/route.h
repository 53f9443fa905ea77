// Route: where a request goes and under which rules: the outcome of matching its path against
// ProxyPass rules and Location sections.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/pattern.h"
#include "proxy/settings/settings.h"
#include "proxy/settings/tls.h"
#include "upstream/endpoint.h"

namespace headgate::proxy {

/// One ProxyPass rule with what is computed from it once.
struct Route {
    PassRule rule;
    upstream::Endpoint endpoint;
    std::string authority;  // Host towards the upstream without ProxyPreserveHost
};

/// A rule that matched, and the path it makes for the upstream.
struct Match {
    const Route* route = nullptr;  // null: no rule, or one that says "!"
    std::string path;              // towards the upstream, not yet encoded
    bool is_encoded = false;       // but this one is: as it was received (nocanon)

    /// What Proxy sections are compared with. Not without a route.
    std::string url() const;
};

/// What is in force at one place of a site: the settings of the server, the virtual host and every
/// Location that covers the path, merged.
class Place {
public:
    /// `cover`: which Locations of the site these settings were merged from.
    Place(RouteSettings settings, std::vector<PassRule> location_rules, std::vector<bool> cover);

    const std::vector<bool>& cover() const { return cover_; }

    const RouteSettings& settings() const { return settings_; }

    /// A Location's own rule decides, the longest first; then the others in file order, the first
    /// that matches. `path` is decoded and normalised; `received` is the path as it came, for rules
    /// that say nocanon, or empty when it must not be sent on.
    Match match(std::string_view path, std::string_view received = {}) const;

private:
    RouteSettings settings_;
    std::vector<bool> cover_;
    std::vector<Route> location_routes_;
    std::vector<Route> routes_;
};

/// A Location or LocationMatch section.
struct Location {
    std::string prefix;
    std::optional<conf::Pattern> pattern;
    RouteSettings settings;

    /// Apache's rule: a prefix ends at a segment's end; a pattern may match anywhere.
    bool covers(std::string_view path) const;
};

/// A Proxy section: settings for what is proxied to some URLs.
struct ProxySection {
    std::string url;  // a prefix, or a wildcard pattern
    RouteSettings settings;
    bool is_about_requests = false;            // some of `settings` is written
    std::optional<TlsUpstreamSettings> tls;    // SSLProxy..., where some of it is written
    std::optional<PassParameters> parameters;  // ProxySet
    conf::Span span;                           // of the URL

    bool covers(std::string_view target_url) const;
};

/// Whether the URL of a Proxy section covers another. Apache's rule: a text with * or ? is matched
/// whole, others as a prefix. Brackets stand for themselves, unlike in Apache: they are an
/// address's.
bool covers_url(std::string_view section, std::string_view url);
/// Whether a section covers all that another one does, as far as two texts with wildcards can tell.
bool encloses(const std::string& outer, const std::string& inner);

/// Whether the path that a rule made stays where the rule's target is. A pattern's capture may make
/// dot segments of what was none: "^/img(.*)" and "/files/$1" make "/files/../x" of "/img../x".
bool is_contained(const Match& match);

/// Whether `prefix` covers `path` up to the end of a segment: /a covers /a and /a/b, not /ab.
bool covers_segments(std::string_view prefix, std::string_view path);

}  // namespace headgate::proxy
