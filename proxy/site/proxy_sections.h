// Proxy sections of a site and the rules that they are about: what is settled about them once, when
// the site is built. What depends on the URL of a request is in Places and TlsSite.
#pragma once

#include <string>
#include <vector>

#include "conf/diagnostic.h"
#include "proxy/site/site.h"

namespace headgate::proxy {

/// ProxySet: gives each rule the parameters of the sections that cover its target, below its own.
void set_parameters(Site& site);

/// Loads what rules need of `site.tls`. An upstream spoken to by TLS needs SSLProxyEngine, as in
/// Apache, and should be verified, which Apache does not do unless told to: said once for each
/// place where it can be written.
void settle_tls_targets(const Site& site, conf::Diagnostics& diagnostics);

/// Finds sections without effect, and such as mean something else in Apache, where the last one
/// that covers a URL goes over the others. Those of the server are about every virtual host.
class ProxySectionUses {
public:
    void look_at(const Site& site);
    /// When all sites have been looked at: warns of what was found.
    void report(conf::Diagnostics& diagnostics) const;

private:
    struct Use {
        conf::Span span;
        bool is_reached = false;
        bool has_parameters = false;
        bool gives_parameters = false;  // to some rule
        std::string beats;              // the URL of a shorter one that stands behind it
    };
    Use& use_of(const ProxySection& section);
    void find_order(const Site& site);

    std::vector<Use> uses_;
};

}  // namespace headgate::proxy
