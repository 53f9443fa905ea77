// See proxy_sections.h.
#include "proxy/site/proxy_sections.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

/// "https://host/path" of where a rule sends requests; of a pattern's, less what it captures.
std::string target_url(const PassRule& rule) {
    const std::string path = rule.target.path.substr(0, rule.target.path.find('$'));
    return rule.target.scheme + "://" + rule.target.authority() + path;
}

/// Of a site that may be changed, or not: of its own, of the server around it, of Locations.
template <class SomeSite, class Do>
void each_rule(SomeSite& site, const Do& with) {
    for (auto& rule : site.base.passes)
        if (!rule.exclude) with(rule);
    for (auto& location : site.locations) {
        for (auto& rule : location.settings.passes)
            if (!rule.exclude) with(rule);
    }
}

/// Whether some request that goes to `url`, or below it, may be one that the section is about.
bool may_reach(std::string_view section, std::string_view url) {
    const std::string_view fixed = section.substr(0, section.find_first_of("*?"));
    return fixed.starts_with(url) || url.starts_with(fixed);
}

/// Whether a section that covers `url` covers all that begins with it, too.
bool covers_all_below(const std::string& section, const std::string& url) {
    const bool is_open = section.find_first_of("*?") == section.npos || section.back() == '*';
    return is_open && covers_url(section, url);
}

/// Those whose settings may be in force for what goes to `url` or below it. The longest come first,
/// so none behind one that covers all of it.
std::vector<TlsUpstream*> upstreams_below(const TlsSite& tls, const std::string& url) {
    std::vector<TlsUpstream*> found;
    for (std::size_t i = 1; i < tls.upstreams.size(); i++) {
        TlsUpstream& upstream = *tls.upstreams[i];
        if (may_reach(upstream.url, url)) found.push_back(&upstream);
        if (covers_all_below(upstream.url, url)) return found;
    }
    found.push_back(tls.upstreams.front().get());
    return found;
}

/// To where TLS is spoken, and the place of the rule that says so.
struct TlsTarget {
    std::string url;
    conf::Span span;
    const char* kind;
};

std::vector<TlsTarget> tls_targets(const Site& site) {
    std::vector<TlsTarget> targets;
    if (site.settings.tunnel) {
        const TunnelRule& tunnel = *site.settings.tunnel;
        if (tunnel.is_tls) targets.push_back({tunnel.endpoint.key, tunnel.span, "a tls:// target"});
        return targets;
    }
    each_rule(site, [&](const PassRule& rule) {
        if (!rule.target.is_tls()) return;
        targets.push_back({target_url(rule), rule.span, "an https:// upstream"});
    });
    return targets;
}

void check_upstream(const TlsUpstream& upstream, const TlsTarget& target,
                    const std::string& site_name, conf::Diagnostics& diagnostics) {
    const std::string place =
        upstream.url.empty() ? "in server " + site_name : "in <Proxy " + upstream.url + ">";
    if (!*upstream.settings.engine) {
        diagnostics.error(target.span, target.kind + std::string(" needs SSLProxyEngine On"),
                          place);
    } else if (*upstream.settings.verify == net::TlsContext::Verify::none) {
        diagnostics.warning(target.span, "the certificate of this upstream is not verified",
                            "write SSLProxyVerify require and SSLProxyCACertificateFile" +
                                (upstream.url.empty() ? "" : " " + place));
    }
}

}  // namespace

void set_parameters(Site& site) {
    std::vector<const ProxySection*> by_length;
    for (const ProxySection& section : site.proxies)
        by_length.push_back(&section);
    std::stable_sort(by_length.begin(), by_length.end(), [](const auto* left, const auto* right) {
        return left->url.size() < right->url.size();
    });
    each_rule(site, [&](PassRule& rule) {
        PassParameters set;
        for (const ProxySection* section : by_length) {
            if (!section->parameters || !section->covers(target_url(rule))) continue;
            set.merge_from(*section->parameters);
        }
        set.merge_from(rule.parameters);
        set.keeps_path = rule.parameters.keeps_path;
        rule.parameters = std::move(set);
    });
}

void settle_tls_targets(const Site& site, conf::Diagnostics& diagnostics) {
    if (site.tls == nullptr) return;
    std::vector<const TlsUpstream*> seen;
    for (const TlsTarget& target : tls_targets(site)) {
        for (TlsUpstream* upstream : upstreams_below(*site.tls, target.url)) {
            if (std::find(seen.begin(), seen.end(), upstream) != seen.end()) continue;
            seen.push_back(upstream);
            load_upstream(*upstream, diagnostics);
            check_upstream(*upstream, target, site.name, diagnostics);
        }
    }
}

ProxySectionUses::Use& ProxySectionUses::use_of(const ProxySection& section) {
    for (Use& use : uses_) {
        if (use.span == section.span) return use;
    }
    uses_.emplace_back().span = section.span;
    return uses_.back();
}

void ProxySectionUses::look_at(const Site& site) {
    std::vector<std::string> urls;  // where requests go
    if (!site.settings.tunnel) {
        each_rule(site, [&](const PassRule& rule) { urls.push_back(target_url(rule)); });
    }
    const std::vector<TlsTarget> tls = tls_targets(site);
    for (const ProxySection& section : site.proxies) {
        Use& use = use_of(section);
        const auto reaches = [&](const std::string& url) { return may_reach(section.url, url); };
        const auto covers = [&](const std::string& url) { return section.covers(url); };
        use.has_parameters = section.parameters.has_value();
        // Parameters are a rule's, wherever its requests go.
        use.gives_parameters =
            use.gives_parameters ||
            (section.parameters && std::any_of(urls.begin(), urls.end(), covers));
        const bool speaks_tls =
            section.tls && std::any_of(tls.begin(), tls.end(), [&](const TlsTarget& target) {
                return reaches(target.url);
            });
        const bool sees_requests =
            section.is_about_requests && std::any_of(urls.begin(), urls.end(), reaches);
        use.is_reached = use.is_reached || use.gives_parameters || speaks_tls || sees_requests;
    }
    find_order(site);
}

void ProxySectionUses::find_order(const Site& site) {
    const auto& all = site.proxies;
    for (std::size_t i = 0; i < all.size(); i++) {
        for (std::size_t later = i + 1; later < all.size(); later++) {
            const bool is_about_the_same =
                (all[i].tls && all[later].tls) || (all[i].parameters && all[later].parameters);
            const bool is_longer = all[i].url.size() > all[later].url.size();
            if (!is_about_the_same || !is_longer) continue;
            if (encloses(all[later].url, all[i].url)) use_of(all[i]).beats = all[later].url;
        }
    }
}

void ProxySectionUses::report(conf::Diagnostics& diagnostics) const {
    for (const Use& use : uses_) {
        if (!use.beats.empty()) {
            diagnostics.warning(use.span,
                                "the longest URL decides about connections: this one goes over "
                                "<Proxy " +
                                    use.beats + "> behind it",
                                "in Apache the last one does: write it behind that one");
        }
        if (use.is_reached && use.has_parameters && !use.gives_parameters) {
            diagnostics.warning(use.span, "no effect of ProxySet: no ProxyPass has such a target",
                                "parameters belong to a rule: write them behind it");
        }
        if (use.is_reached) continue;
        diagnostics.warning(use.span, "no effect: no rule leads to what this <Proxy> covers",
                            "its URL is compared with the targets of ProxyPass");
    }
}

}  // namespace headgate::proxy
