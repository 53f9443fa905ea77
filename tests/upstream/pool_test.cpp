// The pool: what is given is taken again, the last first; whatever arrives on an idle connection,
// or too long an idle time, discards it; what a loop has too many of is shared.
#include "upstream/pool.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>

#include "proxy/net/plain_transport.h"
#include "tests/support/manual_clock.h"

namespace headgate::upstream {
namespace {

using namespace std::chrono_literals;
using support::ManualLoop;

constexpr loop::Milliseconds idle_limit{5000};

struct Rig {
    explicit Rig(SharedStock& stock) : pool(manual.loop, stock) { endpoint.key = "origin:80"; }

    /// A connection whose other end is kept here; returns our end's descriptor.
    int give(const Endpoint& to) {
        int ends[2];
        HEADGATE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        peers.emplace_back(ends[1]);
        auto transport = std::make_unique<net::PlainTransport>(manual.loop, loop::Socket(ends[0]));
        char octet;
        transport->try_read({&octet, 1});  // drained, as after an exchange
        pool.give(to, std::move(transport), idle_limit);
        return ends[0];
    }
    int give() { return give(endpoint); }
    /// The descriptor of the connection taken; -1: none.
    int take(bool must_be_sure = false) {
        taken = pool.take(endpoint, must_be_sure);
        return taken ? taken->descriptor() : -1;
    }
    void send(std::size_t peer) { ASSERT_EQ(::write(peers[peer].descriptor(), "x", 1), 1); }

    ManualLoop manual;
    Endpoint endpoint;
    std::deque<loop::Socket> peers;
    Pool pool;
    std::unique_ptr<net::Transport> taken;
};

TEST(Pool, gives_the_last_one_first) {
    SharedStock stock;
    Rig rig(stock);
    EXPECT_EQ(rig.take(), -1);
    const int first = rig.give();
    const int second = rig.give();
    EXPECT_EQ(rig.pool.size(), 2u);
    EXPECT_EQ(rig.take(), second);
    EXPECT_EQ(rig.take(), first);
    EXPECT_EQ(rig.take(), -1);
    EXPECT_EQ(rig.pool.size(), 0u);
}

TEST(Pool, keeps_endpoints_apart) {
    SharedStock stock;
    Rig rig(stock);
    Endpoint other;
    other.key = "other:80";
    rig.give(other);
    EXPECT_EQ(rig.take(), -1);
    EXPECT_NE(rig.pool.take(other, false), nullptr);
}

/// Of clients' choice are the names that an upstream is asked for under TLS.
TEST(Pool, keeps_few_keys_without_connections) {
    SharedStock stock;
    Rig rig(stock);
    for (unsigned i = 0; i < 3 * Pool::least_sweep; i++) {
        Endpoint named;
        named.key = "origin:443|" + std::to_string(i);
        EXPECT_EQ(rig.pool.take(named, false), nullptr);
        if (i % 2 == 0) continue;
        rig.give(named);
        EXPECT_NE(rig.pool.take(named, false), nullptr);
    }
    EXPECT_LE(rig.pool.keys(), Pool::least_sweep);
    const int kept = rig.give();
    EXPECT_EQ(rig.take(), kept);
}

TEST(Pool, discards_what_gets_octets_or_ends_while_idle) {
    SharedStock stock;
    Rig rig(stock);
    rig.give();
    rig.give();
    const int quiet = rig.give();
    rig.send(0);
    rig.peers[1].close();
    rig.manual.settle();
    EXPECT_EQ(rig.pool.size(), 1u);
    EXPECT_EQ(rig.take(), quiet);
    EXPECT_EQ(rig.take(), -1);
}

TEST(Pool, asks_the_kernel_where_the_loop_has_not_looked) {
    SharedStock stock;
    Rig rig(stock);
    rig.give();
    rig.send(0);
    EXPECT_EQ(rig.take(), -1) << "given in this pass: nobody has looked since";
    rig.give();
    rig.manual.settle();
    rig.manual.loop.run_pass();
    rig.send(1);
    EXPECT_EQ(rig.take(true), -1) << "must be sure";
}

TEST(Pool, news_between_wake_and_discard_is_not_taken) {
    SharedStock stock;
    Rig rig(stock);
    rig.give();
    rig.manual.settle();
    rig.send(0);
    // In the pass that sees the octet a task may ask the pool before the idle waiter has run.
    rig.manual.loop.post([&] { EXPECT_EQ(rig.take(true), -1); });
    rig.manual.settle();
    EXPECT_EQ(rig.pool.size(), 0u);
}

TEST(Pool, an_idle_connection_has_its_limit) {
    SharedStock stock;
    Rig rig(stock);
    rig.give();
    rig.manual.pass_time(3s);
    const int younger = rig.give();
    rig.manual.pass_time(1999ms);
    EXPECT_EQ(rig.pool.size(), 2u);
    rig.manual.pass_time(1ms);
    EXPECT_EQ(rig.pool.size(), 1u);
    EXPECT_EQ(rig.take(), younger);
    rig.manual.pass_time(1h);
    EXPECT_EQ(::send(younger, "x", 1, 0), 1) << "taken: its limit is over";
}

TEST(Pool, refuses_what_has_news_already) {
    SharedStock stock;
    Rig rig(stock);
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    const loop::Socket peer(ends[1]);
    auto transport = std::make_unique<net::PlainTransport>(rig.manual.loop, loop::Socket(ends[0]));
    transport->unread("behind the message");
    rig.pool.give(rig.endpoint, std::move(transport), idle_limit);
    EXPECT_EQ(rig.pool.size(), 0u);
    char octet;
    EXPECT_EQ(::recv(peer.descriptor(), &octet, 1, 0), 0) << "closed";
}

TEST(Pool, shares_what_is_too_many_for_one_loop) {
    SharedStock stock;
    Rig rig(stock);
    Rig other(stock);
    for (std::size_t i = 0; i < Pool::own_limit_per_key; i++)
        rig.give();
    const int shared = rig.give();
    EXPECT_EQ(rig.pool.size(), Pool::own_limit_per_key);
    EXPECT_EQ(other.take(), shared);
    EXPECT_EQ(other.pool.take(other.endpoint, false), nullptr);
    // Its new loop watches it.
    other.pool.give(other.endpoint, std::move(other.taken), idle_limit);
    EXPECT_EQ(other.pool.size(), 1u);
    rig.peers.back().close();
    other.manual.settle();
    EXPECT_EQ(other.pool.size(), 0u);
}

TEST(Pool, probes_what_comes_from_the_shared_stock) {
    SharedStock stock;
    Rig rig(stock);
    Rig other(stock);
    for (std::size_t i = 0; i < Pool::own_limit_per_key + 2; i++)
        rig.give();
    rig.peers.back().close();
    EXPECT_NE(other.take(), -1) << "the dead one is passed over";
    EXPECT_EQ(other.take(), -1);
}

/// News of one may be queued already.
TEST(Pool, is_emptied_when_memory_is_short) {
    SharedStock stock;
    Rig rig(stock);
    Rig other(stock);
    for (std::size_t i = 0; i < Pool::own_limit_per_key + 2; i++)
        rig.give();
    Endpoint elsewhere;
    elsewhere.key = "elsewhere:80";
    rig.give(elsewhere);
    rig.send(1);
    rig.pool.clear();
    EXPECT_EQ(rig.pool.size(), 0u);
    rig.manual.settle();
    EXPECT_EQ(rig.take(), -1);
    EXPECT_EQ(other.take(), -1);
    rig.give();
    EXPECT_NE(rig.take(), -1);
}

TEST(SharedStock, forgets_what_has_expired_and_has_a_ceiling) {
    SharedStock stock;
    const loop::TimePoint now{1h};
    const auto socket = [] { return loop::Socket(::socket(AF_UNIX, SOCK_STREAM, 0)); };
    stock.give("a", socket(), now, now + 1s);
    stock.give("a", socket(), now, now + 3s);
    EXPECT_TRUE(stock.take("a", now + 2s).is_open());
    EXPECT_FALSE(stock.take("a", now + 2s).is_open());
    EXPECT_FALSE(stock.take("b", now).is_open());
    for (std::size_t i = 0; i < SharedStock::limit_per_key + 10; i++) {
        stock.give("c", socket(), now, now + 1s);
    }
    std::size_t count = 0;
    while (stock.take("c", now).is_open())
        count++;
    EXPECT_EQ(count, SharedStock::limit_per_key);
}

// ---- the upstream's own limit
// -----------------------------------------------------------------------

TEST(Pool, retires_connections_before_the_upstream_does) {
    SharedStock stock;
    Rig rig(stock);
    const auto close_after = [&rig](std::chrono::milliseconds idle) {
        rig.give();
        rig.manual.pass_time(idle);
        rig.peers.back().close();
        rig.manual.settle();
        EXPECT_EQ(rig.pool.size(), 0u);
    };
    close_after(3100ms);
    close_after(500ms);  // a restart
    close_after(3000ms);
    rig.give();
    rig.manual.pass_time(4999ms);
    EXPECT_EQ(rig.pool.size(), 1u) << "no two of them agree";
    rig.manual.pass_time(1ms);
    close_after(3050ms);
    rig.give();
    rig.manual.pass_time(2699ms);
    EXPECT_EQ(rig.pool.size(), 1u);
    rig.manual.pass_time(1ms);
    EXPECT_EQ(rig.pool.size(), 0u) << "a tenth earlier than 3 s";
    rig.manual.pass_time(10min);
    rig.give();
    rig.manual.pass_time(4999ms);
    EXPECT_EQ(rig.pool.size(), 1u) << "it may have been raised since";
}

TEST(Pool, learns_for_each_upstream_alone) {
    SharedStock stock;
    Rig rig(stock);
    Endpoint other;
    other.key = "other:80";
    for (int i = 0; i < 2; i++) {
        rig.give(other);
        rig.manual.pass_time(2s);
        rig.peers.back().close();
        rig.manual.settle();
    }
    rig.give();
    rig.give(other);
    rig.manual.pass_time(1999ms);
    EXPECT_EQ(rig.pool.size(), 1u);
    EXPECT_NE(rig.take(), -1);
}

TEST(Pool, keeps_what_is_private_to_itself) {
    SharedStock stock;
    Rig rig(stock);
    rig.endpoint.is_private = true;
    for (std::size_t i = 0; i < Pool::own_limit_per_key + 1; i++)
        rig.give();
    EXPECT_EQ(rig.pool.size(), Pool::own_limit_per_key);
    EXPECT_FALSE(stock.take("origin:80", {}).is_open());
    rig.send(0);
    rig.pool.forget("origin:80");
    EXPECT_EQ(rig.pool.size(), 0u);
    rig.manual.settle();
    EXPECT_EQ(rig.take(), -1);
    rig.pool.forget("nothing");
}

}  // namespace
}  // namespace headgate::upstream
