// Lease: an upstream connection borrowed for one exchange. Given back to the pool when the exchange
// left it clean, closed otherwise: forgetting to decide closes it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "upstream/connector.h"
#include "upstream/h1_exchange.h"
#include "upstream/leftovers.h"
#include "upstream/pool.h"
#include "upstream/tls_connector.h"

namespace headgate::upstream {

struct BorrowOptions {
    ConnectOptions connect;
    bool may_reuse = true;             // from the pool, if there is one
    bool must_be_sure = false;         // the request cannot be sent twice: ask the kernel first
    std::uint32_t field_limit = 8192;  // octets of one field line of a response
    Tolerances tolerances;
    loop::Milliseconds idle_limit{60'000};  // how long it may idle in the pool; 0: it is closed
    const TlsOptions* tls = nullptr;        // outlives the lease; null: plain
    /// Sent before anything else, TLS included: what a client is, by the PROXY protocol. Such a
    /// connection is `owner`'s: it is kept for requests of that client's connection, and closed
    /// when the owner is forgotten. Empty: nothing.
    std::string greeting = {};
    const void* owner = nullptr;

    /// Where in the pool such a connection belongs, unless that is the endpoint itself.
    std::unique_ptr<Endpoint> pool_place(const Endpoint& endpoint) const;
};

class Lease {
public:
    Lease(Pool& pool, const Endpoint& endpoint, const BorrowOptions& options,
          std::unique_ptr<net::Transport> transport, bool reused)
        : pool_(&pool),
          endpoint_(&endpoint),
          idle_limit_(options.idle_limit),
          reused_(reused),
          side_(std::make_unique<H1Exchange>(std::move(transport), options.field_limit,
                                             options.tolerances)),
          pool_place_(options.pool_place(endpoint)) {
        if (pool_place_) endpoint_ = pool_place_.get();
    }

    UpstreamSide& side() const { return *side_; }
    /// The connection had served another exchange before.
    bool is_reused() const { return reused_; }

    /// Ends the lease early: to the pool when the side says it is reusable, else closed. What may
    /// not idle at all must not enter: another rule of the same endpoint could take it at once.
    void give_back() {
        if (!side_) return;
        if (side_->is_reusable() && idle_limit_.count() > 0) {
            pool_->give(*endpoint_, side_->take_transport(), idle_limit_);
        }
        side_.reset();
    }
    /// The same where nobody wants the rest of the response: a little of it is read and dropped, by
    /// others, before the connection is pooled.
    void give_up(Leftovers& leftovers) {
        if (side_ && side_->may_drop_rest(Leftovers::most)) {
            leftovers.take(std::move(side_), *endpoint_, idle_limit_);
        }
        give_back();
    }
    /// Ends the lease and gives the bare connection away (a tunnel).
    std::unique_ptr<net::Transport> take_transport() {
        auto transport = side_->take_transport();
        side_.reset();
        return transport;
    }

private:
    Pool* pool_;
    const Endpoint* endpoint_;
    loop::Milliseconds idle_limit_;
    bool reused_;
    std::unique_ptr<H1Exchange> side_;
    std::unique_ptr<Endpoint> pool_place_;  // of TLS or of one client: with a key of its own
};

/// What one loop needs to reach upstreams.
class Upstreams {
public:
    Upstreams(loop::Loop& loop, SharedStock& stock)
        : loop_(loop), resolver_(loop), pool_(loop, stock), leftovers_(loop, pool_) {}

    /// A pooled connection, or a fresh one. `endpoint` must outlive the lease. Fails as connect()
    /// and start_tls() do.
    loop::Task<net::Result<Lease>> borrow(const Endpoint& endpoint, BorrowOptions options);

    /// A fresh connection, greeted and secured, that is the caller's own. Both arguments outlive
    /// the task. Fails as borrow().
    loop::Task<net::Result<std::unique_ptr<net::Transport>>> open(const Endpoint& endpoint,
                                                                  const BorrowOptions& options);

    /// A client's connection has ended: what was greeted in its name is closed.
    void forget(const void* owner);

    Pool& pool() { return pool_; }
    Leftovers& leftovers() { return leftovers_; }

private:
    std::unique_ptr<net::Transport> take_idle(const Endpoint& endpoint,
                                              const BorrowOptions& options);

    loop::Loop& loop_;
    Resolver resolver_;
    net::TlsSessions sessions_;  // outlives the connections in the pool
    Pool pool_;
    Leftovers leftovers_;
    std::unordered_map<const void*, std::vector<std::string>> owned_;  // keys, by owner
};

}  // namespace headgate::upstream
