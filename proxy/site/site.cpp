// See site.h. Building from the configuration is in site_builder.cpp.
#include "proxy/site/site.h"

#include <fnmatch.h>

#include <algorithm>

#include "proxy/http/field_names.h"

namespace headgate::proxy {

bool Sites::hold_keys() const {
    return std::any_of(sites_.begin(), sites_.end(), [](const auto& site) {
        if (site->tls == nullptr) return false;
        const auto& upstreams = site->tls->upstreams;
        return site->tls->is_on() ||
               std::any_of(upstreams.begin(), upstreams.end(), [](const auto& upstream) {
                   return upstream->settings.shows_certificate();
               });
    });
}

std::string_view host_without_port(std::string_view host) {
    if (!host.empty() && host.front() == '[') return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

bool Site::answers_to(std::string_view host) const {
    if (!host.empty() && host.back() == '.') host.remove_suffix(1);
    if (http::equals_ignore_case(host, name)) return true;
    const std::string text(host);
    return std::any_of(aliases.begin(), aliases.end(), [&](const std::string& alias) {
        return ::fnmatch(alias.c_str(), text.c_str(), FNM_CASEFOLD) == 0;
    });
}

const Site& Sites::Candidates::by_host(std::string_view host) const {
    if (sites.size() > 1 && !host.empty()) {
        const std::string_view wanted = host_without_port(host);
        for (const Site* site : sites) {
            if (site->answers_to(wanted)) return *site;
        }
    }
    return *sites.front();
}

const Sites::Candidates& Sites::at(const loop::Address& local) const {
    const std::string host = bindings_.empty() ? "" : local.host_text();
    const Binding* best = nullptr;
    int best_score = -1;
    for (const Binding& binding : bindings_) {
        const bool host_fits = binding.host == "*" || binding.host == host;
        const bool port_fits = binding.port == 0 || binding.port == local.port();
        const int score = (binding.host == "*" ? 0 : 2) + (binding.port == 0 ? 0 : 1);
        if (host_fits && port_fits && score > best_score) {
            best = &binding;
            best_score = score;
        }
    }
    return best != nullptr ? best->candidates : main_only_;
}

std::string Sites::describe(const conf::Sources& sources) const {
    std::string text = "VirtualHost configuration:\n";
    for (const Binding& binding : bindings_) {
        const std::string port = binding.port == 0 ? "*" : std::to_string(binding.port);
        text += binding.host + ":" + port;
        text += binding.candidates.sites.size() > 1 ? " is a name-based virtual host\n" : "\n";
        bool is_first = true;
        for (const Site* site : binding.candidates.sites) {
            text += std::string("    ") + (is_first ? "default server " : "namevhost ") +
                    site->name + " (" + sources.place(site->span) + ")\n";
            for (const std::string& alias : site->aliases)
                text += "        alias " + alias + "\n";
            is_first = false;
        }
    }
    text += "main server " + main().name + "\n";
    return text;
}

void Sites::reopen_logs() const {
    for (const auto& file : files_)
        file->reopen();
}

bool Sites::has_unreported_lines() const {
    return std::any_of(files_.begin(), files_.end(),
                       [](const auto& file) { return file->has_unreported(); });
}

// ---- places

Places::Places(const Site& site)
    : site_(site), base_(std::make_shared<Place>(site.base, std::vector<PassRule>{}, Cover{})) {}

std::shared_ptr<const Place> Places::at(std::string_view path) {
    if (site_.locations.empty()) return base_;
    Cover cover;
    cover.reserve(site_.locations.size());
    for (const Location& location : site_.locations)
        cover.push_back(location.covers(path));
    if (std::find(cover.begin(), cover.end(), true) == cover.end()) return base_;
    const auto found = by_cover_.find(cover);
    if (found != by_cover_.end()) return found->second;

    std::vector<PassRule> rules;
    for (std::size_t i = 0; i < cover.size(); i++) {
        const auto& own = site_.locations[i].settings.passes;
        if (cover[i]) rules.insert(rules.end(), own.begin(), own.end());
    }
    if (by_cover_.size() >= most_kept) by_cover_.clear();
    auto place = std::make_shared<Place>(merge({}, cover), std::move(rules), cover);
    return by_cover_.emplace(std::move(cover), std::move(place)).first->second;
}

std::shared_ptr<const RouteSettings> Places::settings(const std::shared_ptr<const Place>& place,
                                                      const Match& match) {
    const std::shared_ptr<const RouteSettings> own(place, &place->settings());
    if (site_.proxies.empty()) return own;
    const std::string url = match.url();
    Cover cover;
    for (const ProxySection& section : site_.proxies)
        cover.push_back(section.covers(url));
    if (std::find(cover.begin(), cover.end(), true) == cover.end()) return own;
    auto key = std::make_pair(std::move(cover), place->cover());
    const auto found = by_proxy_.find(key);
    if (found != by_proxy_.end()) return found->second;

    if (by_proxy_.size() >= most_kept) by_proxy_.clear();
    auto merged = std::make_shared<RouteSettings>(merge(key.first, key.second));
    return by_proxy_.emplace(std::move(key), std::move(merged)).first->second;
}

bool Places::are_alike(const Place& place, const Match& match,
                       const std::vector<std::string>& readings) {
    const auto rule_of = [](const Match& of) {
        return of.route != nullptr ? of.route->rule.span : conf::Span{};
    };
    const RouteSettings& own = place.settings();
    return std::all_of(readings.begin(), readings.end(), [&](const std::string& reading) {
        const auto other = at(reading);
        const RouteSettings& its = other->settings();
        return *its.handler == *own.handler && *its.client_proof == *own.client_proof &&
               *its.requires_tls == *own.requires_tls &&
               rule_of(other->match(reading)) == rule_of(match);
    });
}

/// Apache's order: the server's, then Proxy sections, then Locations, each in file order. A
/// Location's own ProxyPass is no setting: Place keeps it apart.
RouteSettings Places::merge(const Cover& proxies, const Cover& locations) const {
    RouteSettings merged = site_.base;
    for (std::size_t i = 0; i < proxies.size(); i++) {
        if (proxies[i]) merged.merge_from(site_.proxies[i].settings);
    }
    for (std::size_t i = 0; i < locations.size(); i++) {
        if (!locations[i]) continue;
        RouteSettings own = site_.locations[i].settings;
        own.passes.clear();
        merged.merge_from(own);
    }
    return merged;
}

}  // namespace headgate::proxy
