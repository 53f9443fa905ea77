// See pool.h.
#include "upstream/pool.h"

#include <algorithm>

#include "proxy/net/phase.h"
#include "proxy/net/plain_transport.h"

namespace headgate::upstream {

// ---- SharedStock
// ----------------------------------------------------------------------------------

void SharedStock::give(const std::string& key, loop::Socket socket, loop::TimePoint now,
                       loop::TimePoint expires) {
    std::lock_guard lock(mutex_);
    std::vector<Idle>& list = idle_[key];
    std::erase_if(list, [now](const Idle& idle) { return idle.expires <= now; });
    if (list.size() < limit_per_key) list.push_back({std::move(socket), expires});
}

loop::Socket SharedStock::take(const std::string& key, loop::TimePoint now) {
    std::lock_guard lock(mutex_);
    const auto found = idle_.find(key);
    if (found == idle_.end()) return {};
    std::vector<Idle>& list = found->second;
    while (!list.empty()) {
        Idle idle = std::move(list.back());
        list.pop_back();
        if (idle.expires > now) return std::move(idle.socket);
    }
    return {};
}

void SharedStock::clear() {
    std::lock_guard lock(mutex_);
    idle_.clear();
}

// ---- Pool
// -----------------------------------------------------------------------------------------

/// One idle connection with the waiter that watches it: it wakes for anything that arrives, and
/// when the idle limit is over; either way the connection has no future.
struct Pool::Idle {
    Idle(Pool& owner, Shelf& on) : pool(owner), shelf(on) {
        waiter.phase = net::phase::idle_upstream;
        waiter.context = this;
        waiter.call = [](loop::Waiter& woken) {
            Idle& idle = *static_cast<Idle*>(woken.context);
            idle.pool.look_at(idle, woken.wake);
        };
    }
    void unlink() {
        waiter.source_hook.unlink();
        waiter.deadline_hook.unlink();
    }
    Pool& pool;
    Shelf& shelf;
    List::iterator place;
    std::unique_ptr<net::Transport> transport;
    std::uint32_t since_pass = 0;
    loop::TimePoint since{};
    loop::TimePoint expires{};
    loop::Waiter waiter;
};

Pool::Pool(loop::Loop& loop, SharedStock& stock) : loop_(loop), stock_(stock) {}

Pool::~Pool() {
    for (auto& [key, shelf] : shelves_) {
        for (auto& idle : shelf.idle)
            idle->unlink();
    }
}

/// What woke it may have been no news to us: a session ticket that came late under TLS.
void Pool::look_at(Idle& idle, loop::Wake wake) {
    if (idle.transport->is_closed_by_peer()) {
        idle.shelf.limit.closed_after(loop_.now() - idle.since, loop_.now());
    }
    if (wake != loop::Wake::ready || idle.transport->has_news(true)) {
        discard(idle);
        return;
    }
    watch(idle, loop::Deadline::at(idle.expires));
}

void Pool::watch(Idle& idle, const loop::Deadline& deadline) {
    idle.since_pass = loop_.pass();
    loop_.park(idle.waiter, &idle.transport->source(net::Want::read), deadline);
}

void Pool::discard(Idle& idle) {
    idle.unlink();
    size_--;
    idle.shelf.idle.erase(idle.place);
}

std::unique_ptr<net::Transport> Pool::take(const Endpoint& endpoint, bool must_be_sure) {
    const auto found = shelves_.find(endpoint.key);
    if (found != shelves_.end()) {
        if (auto transport = take_from(found->second.idle, must_be_sure)) return transport;
    }
    while (!endpoint.is_private) {
        loop::Socket socket = stock_.take(endpoint.key, loop_.now());
        if (!socket.is_open()) return nullptr;
        auto transport = std::make_unique<net::PlainTransport>(loop_, std::move(socket));
        if (!transport->has_news(true)) return transport;
    }
    return nullptr;
}

std::unique_ptr<net::Transport> Pool::take_from(List& list, bool must_be_sure) {
    for (auto place = list.begin(); place != list.end();) {
        Idle& idle = **place++;
        if (idle.waiter.queued) continue;  // news has arrived: its waiter will discard it
        idle.unlink();
        auto transport = std::move(idle.transport);
        const bool ask_kernel = must_be_sure || idle.since_pass == loop_.pass();
        discard(idle);
        if (!transport->has_news(ask_kernel)) return transport;
    }
    return nullptr;
}

void Pool::forget(const std::string& key) {
    const auto found = shelves_.find(key);
    if (found == shelves_.end()) return;
    for (const auto& idle : found->second.idle)
        loop_.withdraw(idle->waiter);
    size_ -= found->second.idle.size();
    shelves_.erase(found);
}

/// What was learned of upstreams stays.
void Pool::clear() {
    for (auto& [key, shelf] : shelves_) {
        for (const auto& idle : shelf.idle)
            loop_.withdraw(idle->waiter);
        shelf.idle.clear();
    }
    size_ = 0;
    stock_.clear();
}

/// Clients may choose keys (a server name that is their Host): they are not kept for ever.
Pool::Shelf& Pool::shelf_for(const std::string& key) {
    if (shelves_.size() >= sweep_at_) {
        std::erase_if(shelves_, [](const auto& entry) { return entry.second.idle.empty(); });
        sweep_at_ = std::max(least_sweep, 2 * shelves_.size());
    }
    return shelves_[key];
}

void Pool::give(const Endpoint& endpoint, std::unique_ptr<net::Transport> transport,
                loop::Milliseconds idle_limit) {
    if (transport->has_news(false)) return;
    Shelf& shelf = shelf_for(endpoint.key);
    List& list = shelf.idle;
    idle_limit = shelf.limit.within(idle_limit, loop_.now());
    if (list.size() >= own_limit_per_key) {
        if (endpoint.is_private) return;
        loop::Socket socket = transport->release();
        if (!socket.is_open()) return;
        stock_.give(endpoint.key, std::move(socket), loop_.now(), loop_.now() + idle_limit);
        return;
    }
    list.push_front(std::make_unique<Idle>(*this, shelf));
    Idle& idle = *list.front();
    idle.place = list.begin();
    idle.transport = std::move(transport);
    idle.since = loop_.now();
    idle.expires = idle.since + idle_limit;
    watch(idle, loop::Deadline::after(idle_limit));
    size_++;
}

}  // namespace headgate::upstream
