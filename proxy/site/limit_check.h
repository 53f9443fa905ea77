// Limits of request heads that cannot have an effect, because that of the whole head comes before
// them: refused, each where it stands.
#pragma once

#include "conf/diagnostic.h"
#include "proxy/settings/settings.h"

namespace headgate::proxy {

/// `merged` is what holds for a server or virtual host, `own` what its own section says of it: what
/// an outer section says is that one's affair.
void check_head_limits(const ServerSettings& merged, const ServerSettings& own,
                       conf::Diagnostics& diagnostics);

}  // namespace headgate::proxy
