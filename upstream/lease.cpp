// See lease.h.
#include "upstream/lease.h"

#include "proxy/net/output.h"

namespace headgate::upstream {

namespace {

/// What comes before everything else. On a fresh connection it never has to wait, in practice.
loop::Task<net::Result<void>> greet(net::Transport& fresh, const std::string& greeting,
                                    loop::Deadline deadline) {
    net::Output output(fresh, net::Side::upstream);
    output.hold(greeting);
    co_return co_await output.drain(net::phase::connect, deadline);
}

}  // namespace

loop::Task<net::Result<Lease>> Upstreams::borrow(const Endpoint& endpoint, BorrowOptions options) {
    if (options.may_reuse && options.greeting.empty()) {
        auto idle = take_idle(endpoint, options);
        if (idle) co_return Lease(pool_, endpoint, options, std::move(idle), true);
    }
    auto fresh = co_await open(endpoint, options);
    if (!fresh) co_return fresh.error();
    co_return Lease(pool_, endpoint, options, std::move(*fresh), false);
}

loop::Task<net::Result<std::unique_ptr<net::Transport>>> Upstreams::open(
    const Endpoint& endpoint, const BorrowOptions& options) {
    auto fresh = co_await connect(loop_, resolver_, endpoint, options.connect);
    if (!fresh) co_return fresh.error();
    const loop::Deadline deadline = loop::Deadline::at(loop_.now() + options.connect.timeout);
    if (!options.greeting.empty()) {
        const net::Result<void> greeted = co_await greet(**fresh, options.greeting, deadline);
        if (!greeted) co_return greeted.error();
    }
    if (options.tls == nullptr) co_return std::move(*fresh);
    auto task = start_tls(std::move(*fresh), endpoint, *options.tls, sessions_, deadline);
    co_return co_await std::move(task);
}

std::unique_ptr<net::Transport> Upstreams::take_idle(const Endpoint& endpoint,
                                                     const BorrowOptions& options) {
    if (options.tls == nullptr) return pool_.take(endpoint, options.must_be_sure);
    Endpoint place = endpoint;
    place.key = options.tls->key(endpoint);
    return pool_.take(place, options.must_be_sure);
}

}  // namespace headgate::upstream
