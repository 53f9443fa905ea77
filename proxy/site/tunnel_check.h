// What is written for a virtual host with TunnelTo and cannot have an effect there: refused, each
// where it stands. Which directives have one is said by their rows (conf::on_tunnels).
#pragma once

#include "conf/diagnostic.h"
#include "conf/directive.h"
#include "proxy/site/site.h"

namespace headgate::proxy {

/// `scope` is the site's own. Nothing for a site of requests.
void check_tunnel(const Site& site, const conf::Scope& scope, conf::Diagnostics& diagnostics);

/// Warns of sections around virtual hosts with TunnelTo that demand TLS or certificates: of
/// requests, so not of what those pass on.
void check_demands_around_tunnels(const Sites& sites, const conf::Scope& root,
                                  conf::Diagnostics& diagnostics);

}  // namespace headgate::proxy
