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

#include "conf/load.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_peer.h"
#include "proxy/net/tls_tickets.h"
#include "proxy/settings/tls.h"

namespace headgate::proxy {

class TlsSite {
public:
    using Context = std::shared_ptr<const net::TlsContext>;

    TlsSite(TlsServerSettings server, TlsUpstreamSettings upstream)
        : server_settings(std::move(server)), upstream_settings(std::move(upstream)) {}

    bool is_on() const { return *server_settings.engine; }
    /// For a new client connection; null unless is_on().
    Context server() const {
        std::lock_guard lock(mutex_);
        return server_;
    }
    /// For a new upstream connection; null unless SSLProxyEngine is on.
    Context upstream() const {
        std::lock_guard lock(mutex_);
        return upstream_;
    }
    /// A file's name from the root folder on.
    std::string in_full(const std::string& name) const {
        return name.starts_with('/') ? name : server_root + "/" + name;
    }
    /// Whether a connection whose handshake was for this site may carry requests for `other`.
    bool may_serve(const TlsSite& other) const;

    void set_server(Context context) {
        std::lock_guard lock(mutex_);
        server_ = std::move(context);
    }
    void set_upstream(Context context) {
        std::lock_guard lock(mutex_);
        upstream_ = std::move(context);
    }

    const TlsServerSettings server_settings;
    const TlsUpstreamSettings upstream_settings;
    conf::Diagnostics texts;  // none: for mistakes that show later, with their places
    std::string server_root;  // what relative names start from
    std::string identity;     // of the site: its name, and what it demands
    std::vector<net::TlsTicketKey> ticket_keys;  // SSLSessionTicketKeyFile; earlier ones behind it

private:
    mutable std::mutex mutex_;
    Context server_;
    Context upstream_;
};

/// What a site's files held when they were read: given to make_server_context() again when they
/// have changed, or sent to who may not read them.
struct TlsFiles {
    std::vector<net::TlsCredential> credentials;
    std::vector<std::string> staples;  // OCSP responses, by credential
    std::string authorities;
    std::string announced;
    std::string revocations;
};

/// Reads what the settings of a site name. Mistakes go to the diagnostics.
TlsFiles read_tls_files(const TlsSite& site, const std::string& site_name,
                        conf::Diagnostics& diagnostics);
/// The names of all of them, in full.
std::vector<std::string> tls_file_names(const TlsSite& site);
/// The same for what SSLProxyEngine uses; the machine certificate is the only credential.
TlsFiles read_upstream_files(const TlsSite& site, conf::Diagnostics& diagnostics);
std::vector<std::string> upstream_file_names(const TlsSite& site);

/// Null when something is wrong with it, which has been said then.
std::shared_ptr<net::TlsContext> make_upstream_context(const TlsSite& site, const TlsFiles& files,
                                                       conf::Diagnostics& diagnostics);
std::shared_ptr<net::TlsContext> make_server_context(const TlsSite& site, const TlsFiles& files,
                                                     conf::Diagnostics& diagnostics);

/// The TLS of a site from its settings, which are merged with what encloses it. Null after a
/// mistake.
std::unique_ptr<TlsSite> load_tls(const TlsServerSettings& server,
                                  const TlsUpstreamSettings& upstream, const std::string& site_name,
                                  conf::Loaded& loaded);

}  // namespace headgate::proxy
