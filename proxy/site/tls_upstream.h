// TlsUpstream: how TLS is spoken to upstreams: to all of a virtual host, or to those that one of
// its Proxy sections is about. Like the client's side (tls_site.h) it may get another context while
// it serves.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/net/tls_context.h"
#include "proxy/net/tls_peer.h"
#include "proxy/settings/tls.h"
#include "proxy/site/route.h"
#include "proxy/site/tls_files.h"

namespace headgate::proxy {

class TlsUpstream {
public:
    using Context = std::shared_ptr<const net::TlsContext>;

    TlsUpstream(TlsUpstreamSettings with, std::string of_url, std::string root)
        : settings(std::move(with)), url(std::move(of_url)), server_root(std::move(root)) {}

    /// For a new connection; null unless SSLProxyEngine is on and some rule can lead there.
    Context context() const {
        std::lock_guard lock(mutex_);
        return context_;
    }
    void set_context(Context context) {
        std::lock_guard lock(mutex_);
        context_ = std::move(context);
    }

    /// What is looked at in its certificate, as Apache reads the three directives.
    net::PeerChecks checks() const;

    const TlsUpstreamSettings settings;  // merged
    const std::string url;               // of the section; empty: of the virtual host
    const std::string server_root;       // what relative names start from

private:
    mutable std::mutex mutex_;
    Context context_;
};

/// Those of a site, as TlsSite has them, not loaded yet. A section's settings lie over those of the
/// shorter sections that cover its own URL, and these over `general`, the virtual host's.
std::vector<std::unique_ptr<TlsUpstream>> tls_upstreams(const TlsUpstreamSettings& general,
                                                        const std::vector<ProxySection>& sections,
                                                        const std::string& server_root);

/// Reads what its settings name; the machine certificates are the only credential. Mistakes go to
/// the diagnostics.
TlsFiles read_upstream_files(const TlsUpstream& upstream, conf::Diagnostics& diagnostics);
/// The names of all of them, in full.
std::vector<std::string> upstream_file_names(const TlsUpstream& upstream);
/// Null when something is wrong with it, which has been said then.
std::shared_ptr<net::TlsContext> make_upstream_context(const TlsUpstream& upstream,
                                                       const TlsFiles& files,
                                                       conf::Diagnostics& diagnostics);

/// Both, where SSLProxyEngine is on and it has not been done.
void load_upstream(TlsUpstream& upstream, conf::Diagnostics& diagnostics);

}  // namespace headgate::proxy
