// Builds Sites from a loaded configuration: merges servers and virtual hosts, files virtual hosts
// under their addresses, compiles log formats and opens logs.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "conf/value.h"
#include "proxy/settings/protocols.h"
#include "proxy/site/limit_check.h"
#include "proxy/site/proxy_headers.h"
#include "proxy/site/proxy_sections.h"
#include "proxy/site/site.h"
#include "proxy/site/tunnel_check.h"

namespace headgate::proxy {

class SitesBuilder {
public:
    SitesBuilder(conf::Loaded& loaded, bool test_only)
        : loaded_(loaded), test_only_(test_only), sites_(std::make_unique<Sites>()) {}

    std::unique_ptr<Sites> run() {
        const conf::Scope& root = loaded_.root;
        Site& main = add_site(root, nullptr);
        sites_->main_only_.sites = {&main};
        for (const conf::Scope& child : root.children) {
            if (child.kind == conf::Scope::Kind::virtual_host) add_virtual_host(child, root);
        }
        settle(sites_->main_only_);
        for (Sites::Binding& binding : sites_->bindings_)
            settle(binding.candidates);
        check_limits(root);
        section_uses_.report(loaded_.diagnostics);
        check_demands_around_tunnels(*sites_, root, loaded_.diagnostics);
        return loaded_.diagnostics.has_errors() ? nullptr : std::move(sites_);
    }

private:
    void add_virtual_host(const conf::Scope& scope, const conf::Scope& root) {
        Site& site = add_site(scope, &root);
        for (const conf::Word& word : scope.arguments) {
            const auto address = conf::address(word.text);
            if (!address.value) {
                loaded_.diagnostics.error(word.span, "\"" + word.text + "\" is not an address",
                                          "expected " + address.expected);
                continue;
            }
            candidates(address.value->host, address.value->port).sites.push_back(&site);
        }
    }

    Sites::Candidates& candidates(const std::string& host, std::uint16_t port) {
        for (Sites::Binding& binding : sites_->bindings_) {
            if (binding.host == host && binding.port == port) return binding.candidates;
        }
        sites_->bindings_.push_back({host, port, {}});
        return sites_->bindings_.back().candidates;
    }

    Site& add_site(const conf::Scope& scope, const conf::Scope* root) {
        sites_->sites_.push_back(std::make_unique<Site>());
        Site& site = *sites_->sites_.back();
        site.index = sites_->sites_.size() - 1;
        site.span = scope.span;
        if (root != nullptr) {
            site.settings = root->settings.get<ServerSettings>();
            site.base = root->settings.get<RouteSettings>();
            add_sections(site, *root);
        }
        site.settings.merge_from(scope.settings.get<ServerSettings>());
        site.base.merge_from(scope.settings.get<RouteSettings>());
        add_sections(site, scope);
        name_site(site, scope.settings.get<ServerSettings>());
        trust_peers(site);
        check_head_limits(site.settings, scope.settings.get<ServerSettings>(), loaded_.diagnostics);
        check_proxy_headers(site, scope.settings.get<ServerSettings>().proxy_header,
                            loaded_.diagnostics);
        load_site_tls(site, scope, root);
        set_parameters(site);
        settle_tls_targets(site, loaded_.diagnostics);
        section_uses_.look_at(site);
        check_tunnel(site, scope, loaded_.diagnostics);
        if (root != nullptr && !site.settings.tunnel) {
            check_protocols_of_requests(scope.settings.get<ServerSettings>(), loaded_.diagnostics);
        }
        open_logs(site);
        return site;
    }

    void name_site(Site& site, const ServerSettings& own) {
        std::string name = *site.settings.server_name;
        if (root_name_is_inherited(own) && site.index > 0) name.clear();
        const std::size_t scheme = name.find("://");
        if (scheme != std::string::npos) name.erase(0, scheme + 3);
        name = std::string(host_without_port(name));
        char machine[256] = "localhost";
        if (name.empty()) ::gethostname(machine, sizeof machine - 1);
        site.name = name.empty() ? machine : name;
        for (const conf::Word& alias : own.server_aliases)
            site.aliases.push_back(alias.text);
    }

    /// What comes first on a connection, before it is known which of them it means.
    void settle(Sites::Candidates& candidates) {
        choose_first_reading(candidates);
        agree_on_proxy_headers(candidates, sites_->main(), loaded_.diagnostics);
    }

    void choose_first_reading(Sites::Candidates& candidates) {
        const Site& first = *candidates.sites.front();
        candidates.reads_hello = first.serves_tls();
        if (candidates.sites.size() == 1) return;
        const Site* tunnel = nullptr;
        for (const Site* site : candidates.sites)
            tunnel = site->settings.tunnel ? site : tunnel;
        if (tunnel == nullptr) {
            warn_of_tls_behind(first, candidates);
            return;
        }
        candidates.reads_hello = true;
        for (const Site* site : candidates.sites) {
            if (site->settings.tunnel || site->serves_tls()) continue;
            loaded_.diagnostics.error(
                tunnel->settings.tunnel->span,
                "a tunnel is chosen by the name in a ClientHello, and virtual host " + site->name +
                    " of the same address speaks plain HTTP",
                "give one of them another port, or SSLEngine On to that one");
        }
    }

    /// When it is known what each address reads first, and as whose.
    void check_limits(const conf::Scope& root) {
        std::size_t index = 0;
        for (const conf::Scope& child : root.children) {
            if (child.kind != conf::Scope::Kind::virtual_host) continue;
            const Site& site = *sites_->sites_[++index];
            const Site* const first = first_before(site);
            if (site.settings.tunnel) {
                check_limits_of_tunnel(child.settings.get<ServerSettings>(), first_readings(site),
                                       loaded_.diagnostics);
            } else if (first != nullptr) {
                warn_of_limits_behind(*first, child, loaded_.diagnostics);
            }
        }
    }

    FirstReadings first_readings(const Site& site) const {
        FirstReadings first;
        for (const Sites::Binding& binding : sites_->bindings_) {
            const Sites::Candidates& candidates = binding.candidates;
            if (candidates.sites.front() != &site) continue;
            first.hello |= candidates.reads_hello;
            first.proxy_header |= candidates.proxy_header != nullptr;
        }
        return first;
    }

    /// Null: it is the first one of some address itself, or has none.
    const Site* first_before(const Site& site) const {
        const Site* first = nullptr;
        for (const Sites::Binding& binding : sites_->bindings_) {
            const auto& sites = binding.candidates.sites;
            if (sites.front() == &site) return nullptr;
            if (std::find(sites.begin(), sites.end(), &site) != sites.end()) first = sites.front();
        }
        return first;
    }

    /// As in Apache, a connection begins the way the first virtual host of its address wants. A
    /// warning, for such a virtual host may serve TLS at another address.
    void warn_of_tls_behind(const Site& first, const Sites::Candidates& candidates) {
        if (first.tls == nullptr || first.serves_tls()) return;
        for (const Site* site : candidates.sites) {
            if (!site->serves_tls()) continue;
            loaded_.diagnostics.warning(
                site->tls->server_settings.engine.span(),
                "no effect where the first virtual host of the address, " + first.name + " (" +
                    loaded_.diagnostics.sources().place(first.span) +
                    "), speaks plain HTTP: so does virtual host " + site->name + " there",
                "give one of them another port, or SSLEngine On to the first");
        }
    }

    void trust_peers(Site& site) {
        const PeerSettings& settings = site.settings.peers;
        site.trust = {*settings.header, *settings.proxies_header, settings.peers};
        for (const PeerList& list : settings.lists) {
            std::string path = list.file.text;
            if (!path.starts_with('/')) path = loaded_.server_root + "/" + path;
            std::string error;
            const auto peers = read_peer_list(path, list.is_internal, error);
            if (!error.empty()) {
                loaded_.diagnostics.error(list.file.span, "cannot use " + path + ": " + error);
            }
            site.trust.peers.insert(site.trust.peers.end(), peers.begin(), peers.end());
        }
        if (settings.header.is_written() && site.trust.peers.empty()) {
            loaded_.diagnostics.warning(settings.header.span(),
                                        "nobody is trusted to send " + *settings.header,
                                        "name the proxies with RemoteIPInternalProxy");
        }
    }

    void load_site_tls(Site& site, const conf::Scope& scope, const conf::Scope* root) {
        TlsServerSettings server;
        TlsUpstreamSettings upstream;
        if (root != nullptr) {
            server = root->settings.get<TlsServerSettings>();
            upstream = root->settings.get<TlsUpstreamSettings>();
        }
        server.merge_from(scope.settings.get<TlsServerSettings>());
        upstream.merge_from(scope.settings.get<TlsUpstreamSettings>());
        auto upstreams = tls_upstreams(upstream, site.proxies, loaded_.server_root);
        const bool is_tunnel = site.settings.tunnel.has_value();
        server.protocols_offered =
            is_tunnel ? protocol_list(site.settings.protocols) : protocols_of_requests;
        server.own_protocol_order = !is_tunnel || *site.settings.own_protocol_order;
        server.owner_of_keys = owner_of_keys(site, scope);
        if (!is_tunnel) ask_for_locations(site, server);
        site.tls = load_tls(server, std::move(upstreams), site.name, loaded_);
    }

    /// As Apache's "servername:port": a ServerName says both, or means the port of HTTPS wherever
    /// it is listened on; without one the port is the first address's, and the rest is that of the
    /// name outside (Apache asks the name server about an address that is no *).
    std::string owner_of_keys(const Site& site, const conf::Scope& scope) const {
        const auto& own = scope.settings.get<ServerSettings>().server_name;
        if (own.is_written()) return site.name + ":" + std::to_string(port_in(*own));
        const auto& outside = loaded_.root.settings.get<ServerSettings>().server_name;
        std::uint16_t port = port_in(*outside);
        if (!scope.arguments.empty()) {
            const auto address = conf::address(scope.arguments.front().text);
            if (address.value && address.value->port != 0) port = address.value->port;
        }
        return sites_->main().name + ":" + std::to_string(port);
    }

    static std::uint16_t port_in(std::string_view name) {
        const std::size_t scheme = name.find("://");
        if (scheme != name.npos) name.remove_prefix(scheme + 3);
        const auto named = conf::address(name);
        return named.value && named.value->port != 0 ? named.value->port : 443;
    }

    /// Who asks for a certificate at some Location has to ask everybody, at the handshake.
    static void ask_for_locations(const Site& site, TlsServerSettings& server) {
        using Verify = net::TlsContext::Verify;
        for (const Location& location : site.locations) {
            const auto& proof = location.settings.client_proof;
            const bool asks = *proof != RouteSettings::ClientProof::none;
            if (asks && *server.verify == Verify::none) {
                server.verify.write(Verify::optional, proof.span());
            }
        }
    }

    static bool root_name_is_inherited(const ServerSettings& own) {
        return !own.server_name.is_written();
    }

    static ProxySection proxy_section(const conf::Scope& scope) {
        ProxySection section;
        section.url = scope.arguments[0].text;
        section.span = scope.arguments[0].span;
        section.settings = scope.settings.get<RouteSettings>();
        section.is_about_requests = scope.settings.has<RouteSettings>();
        if (scope.settings.has<PassParameters>()) {
            section.parameters = scope.settings.get<PassParameters>();
        }
        if (scope.settings.has<TlsUpstreamSettings>()) {
            section.tls = scope.settings.get<TlsUpstreamSettings>();
        }
        return section;
    }

    static void add_sections(Site& site, const conf::Scope& scope) {
        for (const conf::Scope& child : scope.children) {
            if (child.kind == conf::Scope::Kind::proxy) {
                site.proxies.push_back(proxy_section(child));
            }
            const bool is_match = child.kind == conf::Scope::Kind::location_match;
            if (!is_match && child.kind != conf::Scope::Kind::location) continue;
            Location location;
            location.settings = child.settings.get<RouteSettings>();
            if (is_match) {
                location.pattern = conf::Pattern::compile(child.arguments[0].text).pattern;
            } else {
                location.prefix = child.arguments[0].text;
            }
            site.locations.push_back(std::move(location));
        }
    }

    void open_logs(Site& site) {
        const conf::Set<std::string>& path = site.settings.error_log;
        LogFile* errors = file(path.is_written() ? *path : "/dev/stderr", path.span());
        if (errors != nullptr) {
            site.errors = std::make_unique<ErrorLog>(*errors, *site.settings.log_level);
        }
        for (const AccessLog& log : site.settings.access_logs) {
            SiteLog made{nullptr, {}};
            const auto error = LogFormat::compile(site.settings.format_of(log), made.format);
            if (error) {
                loaded_.diagnostics.error(
                    log.span, error->text,
                    error->hint.empty() ? "see headgate -L LogFormat for the tokens" : error->hint);
                continue;
            }
            made.file = file(log.target, log.span);
            if (made.file != nullptr) site.logs.push_back(std::move(made));
        }
    }

    /// The log of a path, opened once however many sites write to it; null after an error.
    LogFile* file(std::string target, conf::Span span) {
        if (!target.empty() && target.front() == '|') {
            loaded_.diagnostics.error(span, "a log piped to a program: not yet",
                                      "expected a path, such as /dev/stdout");
            return nullptr;
        }
        if (test_only_) target = "/dev/stderr";
        if (target.front() != '/') target = loaded_.server_root + "/" + target;
        for (auto& open : sites_->files_) {
            if (open->path() == target) return open.get();
        }
        auto opened = LogFile::open(target);
        if (!opened) {
            loaded_.diagnostics.error(
                span, "cannot open the log " + target + ": " + std::strerror(errno));
            return nullptr;
        }
        sites_->files_.push_back(std::move(opened));
        return sites_->files_.back().get();
    }

    conf::Loaded& loaded_;
    bool test_only_;
    std::unique_ptr<Sites> sites_;
    ProxySectionUses section_uses_;
};

std::unique_ptr<Sites> Sites::status_only(const Sites& like) {
    auto sites = std::make_unique<Sites>();
    sites->sites_.push_back(std::make_unique<Site>());
    sites->shown_ = &like;
    Site& site = *sites->sites_.back();
    site.name = like.main().name;
    site.settings = like.main().settings;
    site.base.handler.write(RouteSettings::Handler::server_status);
    site.errors = std::make_unique<ErrorLog>(*like.main().errors);
    sites->main_only_.sites = {&site};
    return sites;
}

std::unique_ptr<Sites> Sites::build(conf::Loaded& loaded, bool test_only) {
    return SitesBuilder(loaded, test_only).run();
}

}  // namespace headgate::proxy
