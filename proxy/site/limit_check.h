// Limits that cannot have an effect: of request heads, because that of the whole head comes before
// them (refused), and of virtual hosts that are not the first of their address (warned of).
#pragma once

#include "conf/diagnostic.h"
#include "conf/directive.h"
#include "proxy/site/site.h"

namespace headgate::proxy {

/// `merged` is what holds for a server or virtual host, `own` what its own section says of it: what
/// an outer section says is that one's affair.
void check_head_limits(const ServerSettings& merged, const ServerSettings& own,
                       conf::Diagnostics& diagnostics);

/// `own`: of a virtual host that nowhere is the first; `first` is where it is not. How a connection
/// is read is settled before it has named one (conf::of_first_host). Warnings, for configurations
/// of Apache, which does the same, often say such things everywhere.
void warn_of_limits_behind(const Site& first, const conf::Scope& own,
                           conf::Diagnostics& diagnostics);

}  // namespace headgate::proxy
