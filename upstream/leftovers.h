// Leftovers: upstream connections on which a little content is due that nobody wants any more,
// since its client has left. It is read and dropped, and the connection goes back to the pool; by
// the loop, without a task: no exchange, no connection of a client and no thread waits for it.
#pragma once

#include <list>
#include <memory>

#include "upstream/h1_exchange.h"
#include "upstream/pool.h"

namespace headgate::upstream {

class Leftovers {
public:
    Leftovers(loop::Loop& loop, Pool& pool);
    ~Leftovers();
    Leftovers(const Leftovers&) = delete;
    Leftovers& operator=(const Leftovers&) = delete;

    /// A connection that is not in the middle of such content, or on which more than `most` octets
    /// are due, is closed at once; one that takes longer than `patience`, or turns out to have more
    /// to say than `most`, then.
    void take(std::unique_ptr<H1Exchange> side, const Endpoint& endpoint,
              loop::Milliseconds idle_limit);

    /// Connections that are being drained.
    std::size_t size() const { return rests_.size(); }

    static constexpr std::uint64_t most = 64 * 1024;  // octets of content
    static constexpr loop::Milliseconds patience{1000};
    static constexpr std::size_t limit = 64;  // connections at a time; any more are closed

private:
    struct Rest;
    void go_on(Rest& rest);
    void end(Rest& rest);

    loop::Loop& loop_;
    Pool& pool_;
    std::list<Rest> rests_;
};

}  // namespace headgate::upstream
