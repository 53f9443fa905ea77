// See lease.h.
#include "upstream/lease.h"

namespace headgate::upstream {

loop::Task<net::Result<Lease>> Upstreams::borrow(const Endpoint& endpoint, BorrowOptions options) {
    if (options.may_reuse) {
        auto idle = take_idle(endpoint, options);
        if (idle) co_return Lease(pool_, endpoint, options, std::move(idle), true);
    }
    auto fresh = co_await connect(loop_, resolver_, endpoint, options.connect);
    if (!fresh) co_return fresh.error();
    if (options.tls != nullptr) {
        const loop::Deadline deadline = loop::Deadline::at(loop_.now() + options.connect.timeout);
        auto task = start_tls(std::move(*fresh), endpoint, *options.tls, sessions_, deadline);
        auto secured = co_await std::move(task);
        if (!secured) co_return secured.error();
        co_return Lease(pool_, endpoint, options, std::move(*secured), false);
    }
    co_return Lease(pool_, endpoint, options, std::move(*fresh), false);
}

std::unique_ptr<net::Transport> Upstreams::take_idle(const Endpoint& endpoint,
                                                     const BorrowOptions& options) {
    if (options.tls == nullptr) return pool_.take(endpoint, options.must_be_sure);
    Endpoint place = endpoint;
    place.key = options.tls->key(endpoint);
    return pool_.take(place, options.must_be_sure);
}

}  // namespace headgate::upstream
