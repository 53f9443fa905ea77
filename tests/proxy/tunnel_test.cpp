// The tunnel between two ends that follow scripts: octets both ways, ends passed on one by one, the
// idle time that both directions share, and what a broken end does to the other one.
#include "proxy/tunnel.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "mpm/loop/scope.h"
#include "proxy/net/phase.h"
#include "tests/support/scripted_transport.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using net::FailureKind;
using net::Result;
using net::Side;
using support::ManualLoop;
using support::Record;
using support::Round;
using support::ScriptedTransport;
using support::Step;
using Steps = std::deque<Step>;

loop::Task<void> run(ScriptedTransport& client, ScriptedTransport& upstream, TunnelCounts& counts,
                     net::PipeStock* pipes, ProxyHeaderGuard* guard,
                     std::optional<Result<void>>& outcome) {
    const TunnelTerms terms{10s, pipes, guard};
    outcome.emplace(co_await tunnel(client, upstream, terms, counts));
}

struct Rig {
    Rig(Steps client_reads, Steps upstream_reads, Steps client_writes = {},
        Steps upstream_writes = {})
        : client(manual.loop, std::move(client_reads), std::move(client_writes), client_record),
          upstream(manual.loop, std::move(upstream_reads), std::move(upstream_writes),
                   upstream_record) {}
    void start() {
        scope.spawn(run(client, upstream, counts, &stock, guard, outcome));
        EXPECT_TRUE(manual.settle());
    }
    ~Rig() {
        scope.cancel();
        manual.settle();
    }

    ManualLoop manual;
    Record client_record, upstream_record;
    ScriptedTransport client, upstream;
    TunnelCounts counts;
    net::PipeStock stock;
    ProxyHeaderGuard* guard = nullptr;
    std::optional<Result<void>> outcome;
    loop::Scope scope{manual.loop};
};

TEST(Tunnel, relays_both_ways_until_both_have_ended) {
    Rig rig({Step::data("abc"), Step::block(), Step::data("de"), Step::end()},
            {Step::block(), Step::data("xyz"), Step::end()});
    rig.client.unread("before ");
    rig.upstream.unread("hi ");
    rig.start();
    ASSERT_TRUE(rig.outcome);
    EXPECT_TRUE(*rig.outcome);
    EXPECT_EQ(rig.upstream_record.written(), "before abcde");
    EXPECT_EQ(rig.client_record.written(), "hi xyz");
    EXPECT_TRUE(rig.client_record.has_finished_writing);
    EXPECT_TRUE(rig.upstream_record.has_finished_writing);
    EXPECT_EQ(rig.counts.to_upstream, 12u);
    EXPECT_EQ(rig.counts.to_client, 6u);
}

/// What the upstream gets of the client, octet by octet and at once, and whether it gets all of it.
void expect_guarded(const std::string& sent, const std::string& slowly, const std::string& at_once,
                    bool passes) {
    SCOPED_TRACE(sent);
    Steps one_by_one;
    for (const char octet : sent)
        one_by_one.push_back(Step::data(std::string(1, octet)));
    one_by_one.push_back(Step::end());
    for (const bool is_slow : {true, false}) {
        ProxyHeaderGuard guard;
        Rig rig(is_slow ? one_by_one : Steps{Step::data(sent), Step::end()},
                {Step::data("220 hello"), Step::end()});
        rig.guard = &guard;
        rig.start();
        ASSERT_TRUE(rig.outcome);
        EXPECT_EQ(rig.outcome->has_value(), passes);
        EXPECT_EQ(rig.upstream_record.written(), is_slow ? slowly : at_once);
        if (passes) {
            EXPECT_EQ(rig.client_record.written(), "220 hello");
            continue;
        }
        EXPECT_EQ(rig.outcome->error().kind, FailureKind::malformed);
        EXPECT_EQ(rig.outcome->error().phase, net::phase::proxy_header);
        EXPECT_TRUE(rig.upstream_record.resets_on_close);
    }
}

TEST(Tunnel, lets_no_header_pass_where_it_is_guarded) {
    const std::string v2("\r\n\r\n\0\r\nQUIT\n", 12);
    expect_guarded("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\nEHLO", "PROXY", "", false);
    expect_guarded(v2 + "!", v2.substr(0, 11), "", false);
    for (const std::string& sent :
         {std::string("EHLO a\r\nPROXY TCP4 "), std::string("PROX"), std::string("PROXIES\r\n"),
          std::string("\r\n"), std::string("\r\n\r\nPROXY "), v2.substr(0, 11) + "?",
          " PROXY " + v2}) {
        expect_guarded(sent, sent, sent, true);
    }
}

TEST(Tunnel, passes_an_end_on_and_the_other_direction_goes_on) {
    Rig rig({Step::data("last words"), Step::end()}, {});
    rig.start();
    EXPECT_FALSE(rig.outcome);
    EXPECT_TRUE(rig.upstream_record.has_finished_writing);
    EXPECT_FALSE(rig.client_record.has_finished_writing);
    rig.upstream.arrive(Step::data("an answer"));
    rig.manual.settle();
    EXPECT_EQ(rig.client_record.written(), "an answer");
    rig.upstream.arrive(Step::end());
    rig.manual.settle();
    ASSERT_TRUE(rig.outcome);
    EXPECT_TRUE(*rig.outcome);
}

TEST(Tunnel, an_end_waits_for_what_came_before_it) {
    Rig rig({Step::data("octets"), Step::end()}, {}, {}, {Step::take(1), Step::stall()});
    rig.start();
    EXPECT_EQ(rig.upstream_record.written(), "o");
    EXPECT_FALSE(rig.upstream_record.has_finished_writing);
    rig.manual.pass_time(10s);
    ASSERT_TRUE(rig.outcome);
    EXPECT_EQ(rig.outcome->error().side, Side::timeout);
    EXPECT_EQ(rig.outcome->error().kind, FailureKind::upstream_silent);
}

TEST(Tunnel, is_idle_only_when_both_ends_are_silent) {
    Rig rig({}, {});
    rig.start();
    for (int i = 0; i < 5; i++) {
        rig.manual.pass_time(9s);
        ASSERT_FALSE(rig.outcome);
        rig.upstream.arrive(Step::data("tick"));
        rig.manual.settle();
    }
    rig.manual.pass_time(9999ms);
    EXPECT_FALSE(rig.outcome);
    rig.manual.pass_time(1ms);
    ASSERT_TRUE(rig.outcome);
    EXPECT_EQ(rig.outcome->error().side, Side::timeout);
    EXPECT_EQ(rig.outcome->error().kind, FailureKind::both_silent);
    EXPECT_EQ(rig.outcome->error().phase, net::phase::tunnel);
    EXPECT_FALSE(rig.client_record.resets_on_close);
}

TEST(Tunnel, a_broken_end_resets_the_other) {
    Rig from_client({Step::fail(ECONNRESET)}, {});
    from_client.start();
    ASSERT_TRUE(from_client.outcome);
    EXPECT_EQ(from_client.outcome->error().side, Side::client);
    EXPECT_TRUE(from_client.upstream_record.resets_on_close);

    Rig from_upstream({}, {Step::data("half a fra"), Step::fail(ECONNRESET)});
    from_upstream.start();
    ASSERT_TRUE(from_upstream.outcome);
    EXPECT_EQ(from_upstream.outcome->error().side, Side::upstream);
    EXPECT_EQ(from_upstream.outcome->error().kind, FailureKind::reset);
    EXPECT_EQ(from_upstream.client_record.written(), "half a fra");
    EXPECT_TRUE(from_upstream.client_record.resets_on_close);
}

TEST(Tunnel, lets_others_have_their_turn) {
    Rig rig({Step::data(std::string(10 << 20, 'x')), Step::end()}, {Step::end()});
    int passes = 0;
    rig.scope.spawn(run(rig.client, rig.upstream, rig.counts, nullptr, nullptr, rig.outcome));
    while (!rig.outcome && passes < 10'000) {
        rig.manual.loop.run_pass();
        passes++;
    }
    EXPECT_EQ(rig.counts.to_upstream, 10u << 20);
    EXPECT_GE(passes, 40) << "at most 256 KiB in one pass";
}

// ---- every step fails once

loop::Task<void> both_fail(Round& round) {
    Record client_record, upstream_record;
    auto client = std::make_unique<ScriptedTransport>(
        round.loop(), Steps{Step::data("abc"), Step::block(), Step::data("d"), Step::end()},
        Steps{Step::take(1), Step::block()}, client_record, &round.plan);
    auto upstream = std::make_unique<ScriptedTransport>(
        round.loop(), Steps{Step::block(), Step::data("xyz"), Step::block(), Step::end()},
        Steps{Step::block(), Step::take(2)}, upstream_record, &round.plan);
    TunnelCounts counts;
    const TunnelTerms terms{10s};
    const Result<void> outcome = co_await tunnel(*client, *upstream, terms, counts);
    EXPECT_EQ(outcome.has_value(), round.is_untouched());
    if (round.is_untouched()) {
        EXPECT_EQ(upstream_record.written(), "abcd");
        EXPECT_EQ(client_record.written(), "xyz");
    }
}

TEST(Tunnel, survives_every_failure) {
    EXPECT_GE(support::fail_nth(both_fail), 10);
}

}  // namespace
}  // namespace headgate::proxy
