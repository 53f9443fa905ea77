// See lease.h.
#include "upstream/lease.h"

namespace headgate::upstream {

loop::Task<net::Result<Lease>> Upstreams::borrow(const Endpoint& endpoint, BorrowOptions options) {
    if (options.may_reuse) {
        auto idle = pool_.take(endpoint, options.must_be_sure);
        if (idle) co_return Lease(pool_, endpoint, options, std::move(idle), true);
    }
    auto fresh = co_await connect(loop_, resolver_, endpoint, options.connect);
    if (!fresh) co_return fresh.error();
    co_return Lease(pool_, endpoint, options, std::move(*fresh), false);
}

}  // namespace headgate::upstream
