// The sums that all processes share: what each exchange and each tunnel adds to them when its books
// are closed.
#pragma once

#include "mpm/scoreboard.h"
#include "proxy/logs/ledger.h"

namespace headgate::proxy {

/// `keeps_thread`: as the loop states it.
void add_to_sums(mpm::ThreadSlot& slot, const Ledger& ledger, bool keeps_thread);

}  // namespace headgate::proxy
