// Lease: an upstream connection borrowed for one exchange. Given back to the pool when the exchange
// left it clean, closed otherwise: forgetting to decide closes it.
#pragma once

#include <memory>

#include "upstream/connector.h"
#include "upstream/h1_exchange.h"
#include "upstream/pool.h"
#include "upstream/tls_connector.h"

namespace headgate::upstream {

struct BorrowOptions {
    ConnectOptions connect;
    bool may_reuse = true;             // from the pool, if there is one
    bool must_be_sure = false;         // the request cannot be sent twice: ask the kernel first
    std::uint32_t field_limit = 8192;  // octets of one field line of a response
    Tolerances tolerances;
    loop::Milliseconds idle_limit{60'000};  // how long it may idle in the pool afterwards
    const TlsOptions* tls = nullptr;        // outlives the lease; null: plain
    /// Sent before anything else, TLS included: what a client is, by the PROXY protocol. Such a
    /// connection is fresh, and is not kept for another client. Empty: nothing.
    std::string greeting = {};
};

class Lease {
public:
    Lease(Pool& pool, const Endpoint& endpoint, const BorrowOptions& options,
          std::unique_ptr<net::Transport> transport, bool reused)
        : pool_(&pool),
          endpoint_(&endpoint),
          idle_limit_(options.idle_limit),
          reused_(reused),
          may_keep_(options.greeting.empty()),
          side_(std::make_unique<H1Exchange>(std::move(transport), options.field_limit,
                                             options.tolerances)) {
        if (options.tls == nullptr) return;
        pool_place_ = std::make_unique<Endpoint>(endpoint);
        pool_place_->key = options.tls->key(endpoint);
        endpoint_ = pool_place_.get();
    }

    UpstreamSide& side() const { return *side_; }
    /// The connection had served another exchange before.
    bool is_reused() const { return reused_; }

    /// Ends the lease early: to the pool when the side says it is reusable, else closed.
    void give_back() {
        if (!side_) return;
        if (may_keep_ && side_->is_reusable())
            pool_->give(*endpoint_, side_->take_transport(), idle_limit_);
        side_.reset();
    }
    bool is_held() const { return side_ != nullptr; }
    /// Ends the lease and gives the bare connection away (a tunnel).
    std::unique_ptr<net::Transport> take_transport() {
        auto transport = side_->take_transport();
        side_.reset();
        return transport;
    }

private:
    Pool* pool_;
    const Endpoint* endpoint_;
    std::unique_ptr<Endpoint> pool_place_;  // under TLS: with a key of its own
    loop::Milliseconds idle_limit_;
    bool reused_;
    bool may_keep_;
    std::unique_ptr<H1Exchange> side_;
};

/// What one loop needs to reach upstreams.
class Upstreams {
public:
    Upstreams(loop::Loop& loop, SharedStock& stock)
        : loop_(loop), resolver_(loop), pool_(loop, stock) {}

    /// A pooled connection, or a fresh one. `endpoint` must outlive the lease. Fails as connect()
    /// and start_tls() do.
    loop::Task<net::Result<Lease>> borrow(const Endpoint& endpoint, BorrowOptions options);

    /// A fresh connection, greeted and secured, that is the caller's own. Both arguments outlive
    /// the task. Fails as borrow().
    loop::Task<net::Result<std::unique_ptr<net::Transport>>> open(const Endpoint& endpoint,
                                                                  const BorrowOptions& options);

    Pool& pool() { return pool_; }

private:
    std::unique_ptr<net::Transport> take_idle(const Endpoint& endpoint,
                                              const BorrowOptions& options);

    loop::Loop& loop_;
    Resolver resolver_;
    net::TlsSessions sessions_;  // outlives the connections in the pool
    Pool pool_;
};

}  // namespace headgate::upstream
