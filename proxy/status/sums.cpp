// See sums.h.
#include "proxy/status/sums.h"

namespace headgate::proxy {

static_assert(net::failure_indices <= mpm::failure_limit);

void add_to_sums(const mpm::Surroundings& around, const Ledger& ledger, bool keeps_thread) {
    mpm::ThreadSlot& slot = around.slot;
    const auto ns = [](loop::Duration spent) {
        return static_cast<std::uint64_t>(std::chrono::nanoseconds(spent).count());
    };
    slot.exchanges.add(1);
    if (ledger.failed) count_failure(around.scoreboard, ledger.failure);
    slot.octets.add(ledger.octets_sent);
    slot.duration_ns.add(ns(ledger.ended - ledger.began));
    slot.held_ns.add(ns(ledger.held(keeps_thread)));
    for (std::size_t i = 0; i < loop::phase_limit; i++) {
        const auto phase = static_cast<loop::Phase>(i);
        if (ledger.account.releases(phase) == 0) continue;
        slot.parked_ns[i].add(ns(ledger.account.parked(phase)));
        slot.releases[i].add(ledger.account.releases(phase));
    }
}

void count_failure(const mpm::Scoreboard& scoreboard, const net::Failure& failure) {
    scoreboard.common().failures[net::index_of(failure)].fetch_add(1, std::memory_order_relaxed);
}

}  // namespace headgate::proxy
