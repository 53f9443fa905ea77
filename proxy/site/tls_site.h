// TlsSite: the TLS of one virtual host: what its connections have in common on the client's side
// and on the upstream's. Built with the site, before privileges are dropped; keys live in memory
// only.
//
// Contexts may be replaced while they serve (new certificates, authorities, revocation lists);
// whoever has the old one keeps it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "conf/load.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_tickets.h"
#include "proxy/settings/tls.h"
#include "proxy/site/tls_files.h"
#include "proxy/site/tls_upstream.h"

namespace headgate::proxy {

class TlsSite {
public:
    using Context = std::shared_ptr<const net::TlsContext>;

    TlsSite(TlsServerSettings server, std::vector<std::unique_ptr<TlsUpstream>> all)
        : server_settings(std::move(server)), upstreams(std::move(all)) {}

    bool is_on() const { return *server_settings.engine; }
    /// For a new client connection; null unless is_on().
    Context server() const {
        std::lock_guard lock(mutex_);
        return server_;
    }
    /// How the upstream of a URL (as Match::url() has it) is spoken to: as the longest Proxy
    /// section says that covers it.
    const TlsUpstream& upstream_for(std::string_view url) const;
    /// Whether that depends on the URL.
    bool has_sections() const { return upstreams.size() > 1; }
    /// A file's name from the root folder on.
    std::string in_full(const std::string& name) const { return from_root(server_root, name); }
    /// Whether a connection whose handshake was for this site may carry requests for `other`.
    bool may_serve(const TlsSite& other) const;
    /// Whether a client that it let in has shown what `other` wants to see.
    bool demands_as(const TlsSite& other) const;

    void set_server(Context context) {
        std::lock_guard lock(mutex_);
        server_ = std::move(context);
    }

    const TlsServerSettings server_settings;
    /// The virtual host's own first; then those of Proxy sections, the longest URL first.
    const std::vector<std::unique_ptr<TlsUpstream>> upstreams;
    conf::Diagnostics texts;  // none: for mistakes that show later, with their places
    std::string server_root;  // what relative names start from
    std::string identity;     // of the site: its name, and what it demands
    std::vector<net::TlsTicketKey> ticket_keys;  // SSLSessionTicketKeyFile; earlier ones behind it

private:
    mutable std::mutex mutex_;
    Context server_;
};

/// Reads what the settings of a site name. Mistakes go to the diagnostics.
TlsFiles read_tls_files(const TlsSite& site, conf::Diagnostics& diagnostics);
/// The names of all of them, in full.
std::vector<std::string> tls_file_names(const TlsSite& site);
/// Null when something is wrong with it, which has been said then.
std::shared_ptr<net::TlsContext> make_server_context(const TlsSite& site, const TlsFiles& files,
                                                     conf::Diagnostics& diagnostics);

/// The TLS of a site from its settings, which are merged with what encloses them; `upstreams`
/// (see TlsSite) are loaded when it is known which of them are needed. Null after a mistake.
std::unique_ptr<TlsSite> load_tls(const TlsServerSettings& server,
                                  std::vector<std::unique_ptr<TlsUpstream>> upstreams,
                                  const std::string& site_name, conf::Loaded& loaded);

}  // namespace headgate::proxy
