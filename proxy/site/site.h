// Site: one virtual host (or the main server): its names, its settings, its logs, its places.
// Sites: all of them, and which one a request belongs to. Immutable once built, shared by all
// loops.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/load.h"
#include "mpm/loop/address.h"
#include "proxy/logs/access_log.h"
#include "proxy/logs/error_log.h"
#include "proxy/site/route.h"
#include "proxy/site/tls_site.h"

namespace headgate::proxy {

/// One access log of a site.
struct SiteLog {
    LogFile* file;
    LogFormat format;
};

class Site {
public:
    std::string name;                  // ServerName without scheme and port, or the machine's
    std::vector<std::string> aliases;  // with * and ?
    std::size_t index = 0;             // among Sites
    ServerSettings settings;
    RouteSettings base;
    std::vector<Location> locations;
    std::vector<ProxySection> proxies;
    PeerTrust trust;
    std::vector<SiteLog> logs;
    std::unique_ptr<ErrorLog> errors;
    std::unique_ptr<TlsSite> tls;  // null: a site that was not loaded from a configuration
    conf::Span span;

    bool serves_tls() const { return tls != nullptr && tls->is_on(); }

    /// Whether a request's host (without port, any case) is this site's.
    bool answers_to(std::string_view host) const;
    std::chrono::milliseconds proxy_timeout(const RouteSettings& route) const {
        return route.proxy_timeout.is_written() ? *route.proxy_timeout : *settings.timeout;
    }
};

/// The places of one site, made as requests come to them. One per loop, which outlives what it
/// gave; the site outlives both.
///
/// Which sections cover a path is the client's choice, and patterns make up to 2^n sets of n of
/// them: only so many are kept, then it starts anew. What was given is shared (an exchange may hold
/// its place for hours), so it outlives that.
class Places {
public:
    explicit Places(const Site& site);
    /// The place of a decoded path.
    std::shared_ptr<const Place> at(std::string_view path);
    /// What is in force for a request of that place that goes to `match`: Proxy sections lie
    /// between the server's settings and the Locations'.
    std::shared_ptr<const RouteSettings> settings(const std::shared_ptr<const Place>& place,
                                                  const Match& match);

    /// Whether a request whose path can be read in these ways gets the same rule and the same
    /// handler, and must show the same of TLS, however it is read: then it does not matter how the
    /// upstream reads it.
    bool are_alike(const Place& place, const Match& match,
                   const std::vector<std::string>& readings);

    /// How many sets of sections are remembered now, of each kind at most `most_kept`.
    std::size_t kept() const { return by_cover_.size() + by_proxy_.size(); }
    static constexpr std::size_t most_kept = 256;

private:
    using Cover = std::vector<bool>;
    RouteSettings merge(const Cover& proxies, const Cover& locations) const;

    const Site& site_;
    std::shared_ptr<const Place> base_;
    std::map<Cover, std::shared_ptr<const Place>> by_cover_;
    std::map<std::pair<Cover, Cover>, std::shared_ptr<const RouteSettings>> by_proxy_;
};

class Sites {
public:
    /// Builds from a loaded configuration; opens logs. Mistakes that only show here are added to
    /// its diagnostics, and null is returned. `test_only`: opens nothing.
    static std::unique_ptr<Sites> build(conf::Loaded& loaded, bool test_only);

    /// Sites of one that answers every request with the status page, as StatusListen wants it. Its
    /// errors go where those of `like` do, which outlives them.
    static std::unique_ptr<Sites> status_only(const Sites& like);

    /// The sites that a connection to `local` may mean; never empty. Ask once per connection.
    struct Candidates {
        std::vector<const Site*> sites;                     // the first is the default
        const ProxyHeaderSettings* proxy_header = nullptr;  // of all of them; null: none is read
        bool reads_hello = false;  // a ClientHello comes first, and says for which it is
        const Site& by_host(std::string_view host) const;
    };
    const Candidates& at(const loop::Address& local) const;

    const std::vector<std::unique_ptr<Site>>& all() const { return sites_; }
    /// Those that the status page is about: these, or what status_only() was made for.
    const Sites& shown() const { return shown_ != nullptr ? *shown_ : *this; }
    const Site& main() const { return *sites_.front(); }

    /// Whether the private key of any certificate is in memory.
    bool hold_keys() const;

    /// What -S prints: addresses, names, defaults, with the places in the files.
    std::string describe(const conf::Sources& sources) const;

    void reopen_logs() const;
    const std::vector<std::unique_ptr<LogFile>>& files() const { return files_; }
    /// Whether some log lost lines that no line tells of yet.
    bool has_unreported_lines() const;

private:
    struct Binding {
        std::string host;    // literal, or "*"
        std::uint16_t port;  // 0: any
        Candidates candidates;
    };
    friend class SitesBuilder;

    std::vector<std::unique_ptr<Site>> sites_;
    std::vector<Binding> bindings_;
    Candidates main_only_;
    std::vector<std::unique_ptr<LogFile>> files_;
    const Sites* shown_ = nullptr;
};

/// The host part of a Host value: without port, brackets kept.
std::string_view host_without_port(std::string_view host);

}  // namespace headgate::proxy
