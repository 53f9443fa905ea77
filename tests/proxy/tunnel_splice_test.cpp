// The tunnel between plain ends: large runs are moved through pipes, small ones and what cannot be
// moved are copied; to the octet, for slow readers, and with every step failing.
#include <gtest/gtest.h>

#include <cerrno>

#include "mpm/loop/scope.h"
#include "proxy/net/phase.h"
#include "proxy/tunnel.h"
#include "tests/support/content_pattern.h"
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
using Splice = ScriptedTransport::Splice;
using Steps = std::deque<Step>;

constexpr std::size_t kib = 1024;

std::string pattern(std::size_t octets) {
    std::string text;
    support::append_pattern(text, 0, octets);
    return text;
}

loop::Task<void> run(ScriptedTransport& client, ScriptedTransport& upstream, TunnelCounts& counts,
                     net::PipeStock& stock, std::optional<Result<void>>& outcome) {
    const TunnelTerms terms{10s, &stock};
    outcome.emplace(co_await tunnel(client, upstream, terms, counts));
}

/// Octets go from the upstream to the client; the client has nothing to say.
struct Rig {
    explicit Rig(Steps upstream_reads, Steps client_writes = {}, Splice from = Splice::works,
                 Splice to = Splice::works)
        : client(manual.loop, {Step::end()}, std::move(client_writes), client_record),
          upstream(manual.loop, std::move(upstream_reads), {}, upstream_record) {
        upstream.splice = from;
        client.splice = to;
        scope.spawn(run(client, upstream, counts, stock, outcome));
        EXPECT_TRUE(manual.settle());
    }
    ~Rig() {
        scope.cancel();
        manual.settle();
        EXPECT_EQ(stock.lent(), 0u);
    }

    ManualLoop manual;
    net::PipeStock stock;
    Record client_record, upstream_record;
    ScriptedTransport client, upstream;
    TunnelCounts counts;
    std::optional<Result<void>> outcome;
    loop::Scope scope{manual.loop};
};

TEST(TunnelSplice, moves_large_runs_to_the_octet) {
    for (const std::size_t size : {700 * kib, 700 * kib + 1, std::size_t{300'001}}) {
        const std::string octets = pattern(size);
        Rig rig({Step::data(octets), Step::end()});
        ASSERT_TRUE(rig.outcome && *rig.outcome);
        EXPECT_TRUE(rig.client_record.written() == octets);
        EXPECT_EQ(rig.counts.to_client, size);
        EXPECT_GT(rig.client_record.spliced_out, 5u);
        EXPECT_TRUE(rig.client_record.has_finished_writing);
    }
}

TEST(TunnelSplice, copies_small_runs_and_what_was_read_already) {
    const std::string octets = pattern(60 * kib);
    Rig small({Step::data(octets), Step::end()});
    EXPECT_EQ(small.client_record.written(), octets);
    EXPECT_EQ(small.upstream_record.spliced_in, 0u);

    Steps talk;
    for (int i = 0; i < 300; i++) {
        talk.push_back(Step::data(std::string(1000, 'x')));
        talk.push_back(Step::block());
    }
    Rig chat(talk);
    EXPECT_EQ(chat.counts.to_client, 300'000u);
    EXPECT_EQ(chat.upstream_record.spliced_in, 0u) << "there is never plenty";
}

TEST(TunnelSplice, what_cannot_be_moved_is_copied) {
    const std::string octets = pattern(700 * kib);
    const std::pair<Splice, Splice> cases[] = {{Splice::refused, Splice::works},
                                               {Splice::works, Splice::refused},
                                               {Splice::none, Splice::works},
                                               {Splice::works, Splice::none}};
    for (const auto& [from, to] : cases) {
        Rig rig({Step::data(octets), Step::end()}, {}, from, to);
        ASSERT_TRUE(rig.outcome && *rig.outcome);
        EXPECT_TRUE(rig.client_record.written() == octets);
        EXPECT_LE(rig.upstream_record.spliced_in, 1u) << "tried once";
        EXPECT_EQ(rig.client_record.spliced_out, 0u);
    }
}

TEST(TunnelSplice, a_slow_reader_keeps_little_and_times_out) {
    Rig rig({Step::data(pattern(4 << 20))},
            {Step::take(16 * kib), Step::take(16 * kib), Step::take(16 * kib), Step::take(16 * kib),
             Step::take(3000), Step::stall()});
    rig.manual.pass_time(100ms);
    EXPECT_EQ(rig.stock.lent(), 0u) << "few octets are read out of their pipe";
    EXPECT_FALSE(rig.outcome);
    rig.manual.pass_time(10s);
    ASSERT_TRUE(rig.outcome);
    EXPECT_EQ(rig.outcome->error().side, Side::timeout);
    EXPECT_EQ(rig.outcome->error().kind, FailureKind::client_silent);
    EXPECT_EQ(rig.outcome->error().phase, net::phase::tunnel);
}

TEST(TunnelSplice, holds_no_pipe_while_it_waits) {
    Rig rig({Step::data(pattern(300 * kib))});
    EXPECT_GT(rig.client_record.spliced_out, 0u);
    EXPECT_EQ(rig.counts.to_client, 300 * kib);
    EXPECT_EQ(rig.stock.lent(), 0u);
    EXPECT_FALSE(rig.outcome);
    rig.upstream.arrive(Step::data("tick"));
    rig.upstream.arrive(Step::end());
    rig.manual.settle();
    ASSERT_TRUE(rig.outcome && *rig.outcome);
    EXPECT_TRUE(rig.client_record.written().ends_with("tick"));
}

TEST(TunnelSplice, a_broken_end_resets_the_other) {
    Rig lost({Step::data(pattern(300 * kib)), Step::fail(ECONNRESET)});
    ASSERT_TRUE(lost.outcome);
    EXPECT_EQ(lost.outcome->error().side, Side::upstream);
    EXPECT_EQ(lost.outcome->error().kind, FailureKind::reset);
    EXPECT_EQ(lost.counts.to_client, 300 * kib);
    EXPECT_TRUE(lost.client_record.resets_on_close);

    Steps writes(8, Step::take(16 * kib));
    writes.push_back(Step::fail(EPIPE));
    Rig gone({Step::data(pattern(300 * kib))}, writes);
    ASSERT_TRUE(gone.outcome);
    EXPECT_EQ(gone.outcome->error().side, Side::client);
    EXPECT_EQ(gone.outcome->error().phase, net::phase::tunnel);
    EXPECT_TRUE(gone.upstream_record.resets_on_close);
}

loop::Task<void> pass_some(Round& round) {
    const std::string octets = pattern(120 * kib);
    net::PipeStock stock;
    {
        Record client_record, upstream_record;
        ScriptedTransport client(round.loop(), {Step::end()},
                                 {Step::take(16 * kib), Step::take(9000), Step::block(),
                                  Step::take(16 * kib), Step::take(100)},
                                 client_record, &round.plan);
        ScriptedTransport upstream(round.loop(), {Step::data(octets), Step::block(), Step::end()},
                                   {}, upstream_record, &round.plan);
        client.splice = upstream.splice = Splice::works;
        TunnelCounts counts;
        const TunnelTerms terms{10s, &stock};
        const Result<void> outcome = co_await tunnel(client, upstream, terms, counts);
        EXPECT_EQ(outcome.has_value(), round.is_untouched());
        if (round.is_untouched()) {
            EXPECT_TRUE(client_record.written() == octets);
            EXPECT_GT(client_record.spliced_out, 0u);
        }
    }
    EXPECT_EQ(stock.lent(), 0u);
}

TEST(TunnelSplice, survives_every_failure) {
    EXPECT_GE(support::fail_nth(pass_some), 10);
}

}  // namespace
}  // namespace headgate::proxy
