// Pool: idle connections to upstreams. A loop keeps its own and watches them; what it has too many
// of goes into the stock that all loops of the process share, where nobody watches until one is
// taken.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "mpm/loop/socket.h"
#include "proxy/net/transport.h"
#include "upstream/endpoint.h"
#include "upstream/idle_limit.h"

namespace headgate::upstream {

/// Idle sockets of the whole process, deregistered from every loop. Thread-safe.
class SharedStock {
public:
    /// Takes the socket, in the place of expired ones; closes it when the stock for the key is
    /// full.
    void give(const std::string& key, loop::Socket socket, loop::TimePoint now,
              loop::TimePoint expires);
    /// A socket that has not expired, or one that is not open. It must be probed before use.
    loop::Socket take(const std::string& key, loop::TimePoint now);
    void clear();

    static constexpr std::size_t limit_per_key = 256;

private:
    struct Idle {
        loop::Socket socket;
        loop::TimePoint expires;
    };
    std::mutex mutex_;
    std::unordered_map<std::string, std::vector<Idle>> idle_;
};

/// The idle connections of one loop. Any octet, end or error on one discards it; what an upstream
/// closes by a limit of its own is retired earlier from then on.
class Pool {
public:
    Pool(loop::Loop& loop, SharedStock& stock);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// The connection used last, or null. `must_be_sure`: ask the kernel even when the loop has
    /// looked at it since it went idle (for requests that cannot be sent twice).
    std::unique_ptr<net::Transport> take(const Endpoint& endpoint, bool must_be_sure);

    /// Takes a connection on which nothing is due. Discards it when something has arrived.
    void give(const Endpoint& endpoint, std::unique_ptr<net::Transport> transport,
              loop::Milliseconds idle_limit);

    /// Closes what idles, and what is in the stock: memory is short.
    void clear();

    /// Closes what idles under a key, of a client that has gone.
    void forget(const std::string& key);

    std::size_t size() const { return size_; }
    /// Keys of which something is kept: a connection, or what was learned of its upstream.
    std::size_t keys() const { return shelves_.size(); }

    static constexpr std::size_t own_limit_per_key = 64;
    static constexpr std::size_t least_sweep = 1024;

private:
    struct Idle;
    using List = std::list<std::unique_ptr<Idle>>;
    struct Shelf {
        List idle;
        IdleLimit limit;
    };
    std::unique_ptr<net::Transport> take_from(List& list, bool must_be_sure);
    Shelf& shelf_for(const std::string& key);
    void discard(Idle& idle);
    void look_at(Idle& idle, loop::Wake wake);
    void watch(Idle& idle, const loop::Deadline& deadline);

    loop::Loop& loop_;
    SharedStock& stock_;
    std::unordered_map<std::string, Shelf> shelves_;
    std::size_t size_ = 0;
    std::size_t sweep_at_ = least_sweep;  // so many keys, and those without connections go
};

}  // namespace headgate::upstream
