// Output: gathered writes, partial ones, what is kept of them, and draining.
#include "proxy/net/output.h"

#include <gtest/gtest.h>

#include <cerrno>

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
    EXPECT_EQ(result->error().kind, FailureKind::timed_out);
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

}  // namespace
}  // namespace headgate::net
