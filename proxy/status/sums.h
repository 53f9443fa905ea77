// The sums that all processes share: what each exchange and each tunnel adds to them when its books
// are closed.
#pragma once

#include "mpm/connection_handler.h"
#include "proxy/logs/ledger.h"

namespace headgate::proxy {

/// `keeps_thread`: as the loop states it.
void add_to_sums(const mpm::Surroundings& around, const Ledger& ledger, bool keeps_thread);

/// Of what ended before there was an exchange; those of exchanges are among their sums.
void count_failure(const mpm::Scoreboard& scoreboard, const net::Failure& failure);

}  // namespace headgate::proxy
