// What is written for a virtual host with TunnelTo and cannot have an effect there: refused, each
// where it stands. Which directives have one is said by their rows (conf::on_tunnels).
#pragma once

#include "conf/diagnostic.h"
#include "conf/directive.h"
#include "proxy/site/site.h"

namespace headgate::proxy {

/// `scope` is the site's own. Nothing for a site of requests.
void check_tunnel(const Site& site, const conf::Scope& scope, conf::Diagnostics& diagnostics);

/// What is read in front of a tunnel at the addresses whose first virtual host it is.
struct FirstReadings {
    bool hello = false;         ///< a ClientHello
    bool proxy_header = false;  ///< a header of the PROXY protocol
};
/// RequestReadTimeout of a virtual host with TunnelTo: of its times that for handshakes bounds such
/// readings, that for heads a PROXY header where the former says nothing, as of the first virtual
/// host of an address.
void check_limits_of_tunnel(const ServerSettings& own, const FirstReadings& first,
                            conf::Diagnostics& diagnostics);

/// Warns of sections around virtual hosts with TunnelTo that demand TLS or certificates: of
/// requests, so not of what those pass on.
void check_demands_around_tunnels(const Sites& sites, const conf::Scope& root,
                                  conf::Diagnostics& diagnostics);

}  // namespace headgate::proxy
