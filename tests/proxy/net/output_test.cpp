// Output: gathered writes, partial ones, what is kept of them, and draining.
#include "proxy/net/output.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "mpm/loop/scope.h"
#include "proxy/net/phase.h"
#include "tests/support/scripted_transport.h"

namespace headgate::net {
namespace {

using namespace std::chrono_literals;
using support::FailPlan;
using support::ManualLoop;
using support::Record;
using support::Round;
using support::ScriptedTransport;
using support::Step;

using Steps = std::deque<Step>;

struct Rig {
    explicit Rig(Steps writes) : transport(manual.loop, {}, std::move(writes), record) {}
    ManualLoop manual;
    Record record;
    ScriptedTransport transport;
    Output output{transport, Side::client};
};

TEST(Output, gathers_everything_in_one_call) {
    Rig rig({});
    rig.output.hold("head ");
    EXPECT_TRUE(rig.record.writes.empty());
    EXPECT_EQ(rig.output.size(), 5u);
    EXPECT_TRUE(rig.output.push({"a", "", "bc", "d"}));
    ASSERT_EQ(rig.record.writes.size(), 1u);
    EXPECT_EQ(rig.record.writes[0].octets, "head abcd");
    EXPECT_EQ(rig.record.writes[0].pieces, 4u) << "empty pieces are left out";
    EXPECT_TRUE(rig.output.is_empty());
    EXPECT_EQ(rig.output.written(), 9u);
}

TEST(Output, pushes_nothing_without_a_call) {
    Rig rig({});
    EXPECT_TRUE(rig.output.push({}));
    EXPECT_TRUE(rig.output.push({"", ""}));
    EXPECT_TRUE(rig.output.flush());
    EXPECT_TRUE(rig.record.writes.empty());
}

TEST(Output, keeps_the_rest_wherever_the_write_stops) {
    const std::string whole = "heldfirstsecondthird";
    for (std::size_t first = 0; first <= whole.size(); first++) {
        for (std::size_t second : {0u, 1u, 3u, 30u}) {
            Rig rig({first == 0 ? Step::block() : Step::take(first),
                     second == 0 ? Step::block() : Step::take(second)});
            rig.output.hold("held");
            EXPECT_TRUE(rig.output.push({"first", "second", "third"}));
            EXPECT_EQ(rig.output.size(), whole.size() - first);
            EXPECT_EQ(rig.output.is_empty(), first == whole.size());
            EXPECT_TRUE(rig.output.flush());
            EXPECT_TRUE(rig.output.push({"!"}));
            EXPECT_TRUE(rig.output.flush());
            EXPECT_EQ(rig.record.written(), whole + "!") << first << " " << second;
            EXPECT_EQ(rig.output.written(), whole.size() + 1);
            EXPECT_TRUE(rig.output.is_empty());
        }
    }
}

TEST(Output, holds_more_than_once) {
    Rig rig({Step::take(1)});
    rig.output.hold("ab");
    rig.output.hold("cd");
    EXPECT_TRUE(rig.output.flush());
    rig.output.hold("ef");
    EXPECT_EQ(rig.output.size(), 5u);
    EXPECT_TRUE(rig.output.flush());
    EXPECT_EQ(rig.record.written(), "abcdef");
}

TEST(Output, names_its_side_in_a_failure) {
    Rig rig({Step::fail(EPIPE)});
    const Result<void> pushed = rig.output.push({"x"});
    ASSERT_FALSE(pushed);
    EXPECT_EQ(pushed.error().side, Side::client);
    EXPECT_EQ(pushed.error().kind, FailureKind::reset);
    EXPECT_EQ(pushed.error().error, EPIPE);
}

loop::Task<void> drain(Output& output, std::optional<Result<void>>& result) {
    result = co_await output.drain(phase::client_write, loop::Deadline::after(1s));
}

TEST(Output, drains_as_room_comes) {
    Rig rig({Step::take(2), Step::block(), Step::take(1), Step::block(), Step::take(1)});
    loop::Scope scope(rig.manual.loop);
    std::optional<Result<void>> result;
    EXPECT_TRUE(rig.output.push({"abcdef"}));
    EXPECT_EQ(rig.output.size(), 4u);
    scope.spawn(drain(rig.output, result));
    EXPECT_FALSE(result);
    rig.manual.settle();
    rig.manual.settle();
    ASSERT_TRUE(result);
    EXPECT_TRUE(*result);
    EXPECT_EQ(rig.record.written(), "abcdef");
}

/// What fails at once has not waited, but is named like what would have.
TEST(Output, fails_in_the_phase_of_its_side) {
    for (const Side side : {Side::client, Side::upstream}) {
        Rig rig({Step::fail(EPIPE)});
        Output output(rig.transport, side);
        const Result<void> result = output.push({"abc"});
        ASSERT_FALSE(result);
        EXPECT_EQ(full_name(result.error()), side == Side::client ? "client/client-write/reset"
                                                                  : "upstream/send-request/reset");
    }
}

TEST(Output, drain_gives_up_at_its_deadline) {
    Rig rig({Step::stall()});
    loop::Scope scope(rig.manual.loop);
    std::optional<Result<void>> result;
    rig.output.hold("abc");
    scope.spawn(drain(rig.output, result));
    rig.manual.pass_time(999ms);
    EXPECT_FALSE(result);
    rig.manual.pass_time(1ms);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->error().kind, FailureKind::client_silent);
    EXPECT_EQ(result->error().phase, phase::client_write);
}

TEST(Output, each_progress_renews_the_deadline) {
    Rig rig({Step::stall()});
    Steps slow;
    Record record;
    ManualLoop manual;
    for (int i = 0; i < 5; i++) {
        slow.push_back(Step::take(1));
        slow.push_back(Step::block());
    }
    ScriptedTransport transport(manual.loop, {}, slow, record);
    Output output(transport, Side::client);
    loop::Scope scope(manual.loop);
    std::optional<Result<void>> result;
    output.hold("abcdef");
    scope.spawn(drain(output, result));
    for (int i = 0; i < 10 && !result; i++) {
        manual.clock.advance(900ms);
        manual.loop.run_pass();
    }
    ASSERT_TRUE(result);
    EXPECT_TRUE(*result);
}

loop::Task<void> write_some(Round& round) {
    Record record;
    ScriptedTransport transport(round.loop(), {}, {Step::take(3), Step::block(), Step::take(2)},
                                record, &round.plan);
    Output output(transport, Side::upstream);
    output.hold("head");
    Result<void> done = output.push({"content", "more"});
    if (done) done = co_await output.drain(phase::send_request, loop::Deadline::after(10s));
    if (round.is_untouched()) {
        EXPECT_TRUE(done);
        EXPECT_EQ(record.written(), "headcontentmore");
    } else {
        EXPECT_FALSE(done);
    }
}

TEST(Output, survives_every_failure) {
    EXPECT_GE(support::fail_nth(write_some), 3);
}

// ---- pipes

using Splice = ScriptedTransport::Splice;

PipeLoan pipe_of(PipeStock& stock, std::string_view octets) {
    PipeLoan pipe = stock.lend();
    support::fill(*pipe, octets);
    return pipe;
}

TEST(Output, what_surrounds_a_pipe_keeps_its_place_wherever_a_write_stops) {
    const std::string whole = "head before pipe behind";
    for (const Splice splice : {Splice::works, Splice::refused}) {
        for (std::size_t first = 0; first <= whole.size(); first++) {
            for (std::size_t second : {0u, 1u, 5u, 30u}) {
                PipeStock stock;
                Rig rig({first == 0 ? Step::block() : Step::take(first),
                         second == 0 ? Step::block() : Step::take(second)});
                rig.transport.splice = splice;
                rig.output.hold("head ");
                EXPECT_TRUE(rig.output.push("before ", pipe_of(stock, "pipe "), "behind"));
                EXPECT_EQ(rig.output.size(), whole.size() - rig.output.written());
                EXPECT_EQ(stock.lent(), rig.output.is_empty() ? 0u : stock.lent());
                std::optional<Result<void>> result;
                loop::Scope scope(rig.manual.loop);
                scope.spawn(drain(rig.output, result));
                rig.manual.settle();
                ASSERT_TRUE(result);
                EXPECT_TRUE(*result);
                EXPECT_EQ(rig.record.written(), whole);
                EXPECT_EQ(rig.output.written(), whole.size());
                EXPECT_EQ(stock.lent(), 0u);
                EXPECT_EQ(rig.output.may_splice(), splice == Splice::works);
            }
        }
    }
}

TEST(Output, a_pipe_of_few_octets_is_not_kept_for_a_slow_peer) {
    PipeStock stock;
    Rig rig({Step::take(4), Step::stall()});
    rig.transport.splice = Splice::works;
    loop::Scope scope(rig.manual.loop);
    std::optional<Result<void>> result;
    EXPECT_TRUE(rig.output.push("", pipe_of(stock, std::string(5000, 'x')), ""));
    scope.spawn(drain(rig.output, result));
    rig.manual.settle();
    EXPECT_EQ(stock.lent(), 1u) << "it may go on at once";
    rig.manual.pass_time(60ms);
    EXPECT_EQ(stock.lent(), 0u);
    EXPECT_EQ(rig.output.size(), 4996u);
    EXPECT_FALSE(result) << "the patience for a pipe is not the deadline";
    rig.manual.pass_time(1s);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->error().kind, FailureKind::client_silent);
}

TEST(Output, a_pipe_of_many_octets_stays_where_it_is) {
    PipeStock stock;
    Rig rig({Step::stall()});
    rig.transport.splice = Splice::works;
    loop::Scope scope(rig.manual.loop);
    std::optional<Result<void>> result;
    EXPECT_TRUE(rig.output.push("", pipe_of(stock, std::string(200'000, 'x')), ""));
    scope.spawn(drain(rig.output, result));
    rig.manual.pass_time(60ms);
    EXPECT_EQ(stock.lent(), 1u) << "too much to be kept in memory";
    rig.manual.pass_time(1s);
    ASSERT_TRUE(result);
    EXPECT_FALSE(*result);
    rig.output.discard();
    EXPECT_EQ(stock.lent(), 0u);
}

TEST(Output, a_broken_connection_is_the_peers_failure) {
    PipeStock stock;
    Rig rig({Step::fail(EPIPE)});
    rig.transport.splice = Splice::works;
    const Result<void> wrote = rig.output.push("", pipe_of(stock, "abc"), "");
    ASSERT_FALSE(wrote);
    EXPECT_EQ(wrote.error().side, Side::client);
    EXPECT_EQ(wrote.error().kind, FailureKind::reset);
    EXPECT_EQ(wrote.error().error, EPIPE);
}

}  // namespace
}  // namespace headgate::net
