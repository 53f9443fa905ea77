// See lease.h.
#include "upstream/lease.h"

#include <algorithm>

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
    if (options.may_reuse) {
        auto idle = take_idle(endpoint, options);
        if (idle) co_return Lease(pool_, endpoint, options, std::move(idle), true);
    }
    auto fresh = co_await open(endpoint, options);
    if (!fresh) co_return fresh.error();
    co_return Lease(pool_, endpoint, options, std::move(*fresh), false);
}

loop::Task<net::Result<std::unique_ptr<net::Transport>>> Upstreams::open(
    const Endpoint& endpoint, const BorrowOptions& options) {
    if (options.tls != nullptr && options.tls->context == nullptr) {
        co_return net::Failure{net::Side::proxy,
                               net::FailureKind::tls_failed,
                               net::phase::upstream_tls,
                               0,
                               0,
                               "TLS is not set up for this upstream"};
    }
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
    const auto place = options.pool_place(endpoint);
    if (!place) return pool_.take(endpoint, options.must_be_sure);
    if (place->is_private) {
        std::vector<std::string>& keys = owned_[options.owner];
        if (std::find(keys.begin(), keys.end(), place->key) == keys.end()) {
            keys.push_back(place->key);
        }
    }
    return pool_.take(*place, options.must_be_sure);
}

void Upstreams::forget(const void* owner) {
    const auto found = owned_.find(owner);
    if (found == owned_.end()) return;
    for (const std::string& key : found->second)
        pool_.forget(key);
    owned_.erase(found);
}

std::unique_ptr<Endpoint> BorrowOptions::pool_place(const Endpoint& endpoint) const {
    if (tls == nullptr && greeting.empty()) return nullptr;
    auto place = std::make_unique<Endpoint>(endpoint);
    if (tls != nullptr) place->key = tls->key(endpoint);
    if (!greeting.empty()) {
        place->is_private = true;
        place->key += "|" + std::to_string(reinterpret_cast<std::uintptr_t>(owner)) + "|";
        place->key += greeting;
    }
    return place;
}

}  // namespace headgate::upstream
