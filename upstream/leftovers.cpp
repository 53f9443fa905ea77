// See leftovers.h.
#include "upstream/leftovers.h"

namespace headgate::upstream {

namespace {

constexpr std::size_t read_size = 16 * 1024;

}  // namespace

struct Leftovers::Rest {
    Leftovers& owner;
    std::unique_ptr<H1Exchange> side;
    Endpoint endpoint;
    loop::Milliseconds idle_limit;
    loop::Deadline until;
    std::uint64_t dropped = 0;
    std::list<Rest>::iterator place{};
    loop::Waiter waiter{};
};

Leftovers::Leftovers(loop::Loop& loop, Pool& pool) : loop_(loop), pool_(pool) {}

Leftovers::~Leftovers() {
    for (Rest& rest : rests_)
        loop_.withdraw(rest.waiter);
}

void Leftovers::take(std::unique_ptr<H1Exchange> side, const Endpoint& endpoint,
                     loop::Milliseconds idle_limit) {
    const bool is_wanted = idle_limit.count() > 0 && !endpoint.is_private && size() < limit;
    if (!is_wanted || !side->may_drop_rest(most)) return;
    const loop::Deadline until = loop::Deadline::at(loop_.now() + patience);
    rests_.push_back({*this, std::move(side), endpoint, idle_limit, until});
    Rest& rest = rests_.back();
    rest.place = std::prev(rests_.end());
    rest.waiter.phase = net::phase::idle_upstream;
    rest.waiter.context = &rest;
    rest.waiter.call = [](loop::Waiter& woken) {
        Rest& due = *static_cast<Rest*>(woken.context);
        if (woken.wake == loop::Wake::ready) return due.owner.go_on(due);
        due.owner.end(due);
    };
    go_on(rest);
}

/// Reads what is there. What it makes of an octet too many, or of the end, is the pool's affair.
void Leftovers::go_on(Rest& rest) {
    while (rest.dropped <= most) {
        const auto run = rest.side->try_drop_rest(loop_.scratch().first(read_size));
        if (!run) break;
        if (run->would_block) {
            return loop_.park(rest.waiter, &rest.side->transport().source(net::Want::read),
                              rest.until);
        }
        rest.dropped += run->octets.size();
        if (!run->is_last) continue;
        if (!rest.side->is_reusable()) break;
        pool_.give(rest.endpoint, rest.side->take_transport(), rest.idle_limit);
        break;
    }
    end(rest);
}

/// The connection is closed, unless the pool has it.
void Leftovers::end(Rest& rest) {
    loop_.withdraw(rest.waiter);
    rests_.erase(rest.place);
}

}  // namespace headgate::upstream
