// Joining: both(), Scope, Wakeup. Children end before the parent goes on; the failure of one side
// ends the wait of the other.
#include "mpm/loop/join.h"
#include "mpm/loop/park.h"
#include "mpm/loop/scope.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace headgate::loop {
namespace {

using namespace std::chrono_literals;
using support::ManualLoop;

/// What a side gives: a number, or nothing when it failed.
using Outcome = std::optional<int>;

struct Log {
    std::vector<std::string> lines;
    void add(std::string line) { lines.push_back(std::move(line)); }
};

Task<Outcome> side(Loop& loop, Milliseconds time, Outcome outcome, std::string name, Log& log) {
    Wake wake = Wake::deadline;
    if (time > 0ms) wake = co_await sleep(loop, Phase{2}, time);
    if (wake == Wake::cancelled) {
        log.add(name + " cancelled");
        co_return std::nullopt;
    }
    log.add(name + " ended");
    co_return outcome;
}

struct Terms {
    Milliseconds first_time;
    Outcome first;
    Milliseconds second_time;
    Outcome second;
    Until until = Until::both_end;
};

Task<void> join(Loop& loop, Terms terms, Log& log) {
    auto first = side(loop, terms.first_time, terms.first, "a", log);
    auto second = side(loop, terms.second_time, terms.second, "b", log);
    auto sides = both(loop, std::move(first), std::move(second), terms.until);
    const auto ended = co_await std::move(sides);
    log.add("joined " + (ended.first ? std::to_string(*ended.first) : "-") + " " +
            (ended.second ? std::to_string(*ended.second) : "-"));
}

using Lines = std::vector<std::string>;

struct Case {
    const char* name;
    Terms terms;
    Lines expected;
};

TEST(Both, outcomes) {
    const Case cases[] = {
        {"both at once", {0ms, 1, 0ms, 2}, {"a ended", "b ended", "joined 1 2"}},
        {"first parks", {5ms, 1, 0ms, 2}, {"b ended", "a ended", "joined 1 2"}},
        {"second parks", {0ms, 1, 5ms, 2}, {"a ended", "b ended", "joined 1 2"}},
        {"both park", {9ms, 1, 5ms, 2}, {"b ended", "a ended", "joined 1 2"}},
        {"first fails at once", {0ms, {}, 5ms, 2}, {"a ended", "b cancelled", "joined - -"}},
        {"first fails later", {3ms, {}, 5ms, 2}, {"a ended", "b cancelled", "joined - -"}},
        {"second fails at once", {5ms, 1, 0ms, {}}, {"b ended", "a cancelled", "joined - -"}},
        {"failure after the sibling", {3ms, 1, 5ms, {}}, {"a ended", "b ended", "joined 1 -"}},
        {"second ends",
         {9ms, 1, 5ms, 2, Until::second_ends},
         {"b ended", "a cancelled", "joined - 2"}},
        {"second ends at once",
         {9ms, 1, 0ms, 2, Until::second_ends},
         {"b ended", "a cancelled", "joined - 2"}},
        {"first ends, second decides",
         {3ms, 1, 5ms, 2, Until::second_ends},
         {"a ended", "b ended", "joined 1 2"}},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        const auto frames = frame_cache::frames_in_use();
        ManualLoop manual;
        Scope scope(manual.loop);
        Log log;
        scope.spawn(join(manual.loop, each.terms, log));
        for (int i = 0; i < 10; i++)
            EXPECT_TRUE(manual.pass_time(1ms));
        EXPECT_EQ(scope.size(), 0u);
        EXPECT_EQ(log.lines, each.expected);
        EXPECT_EQ(frame_cache::frames_in_use(), frames);
    }
}

TEST(Both, cancelled_from_outside_ends_both_sides) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Log log;
    scope.spawn(join(manual.loop, {5ms, 1, 5ms, 2}, log));
    scope.cancel();
    EXPECT_TRUE(manual.settle());
    EXPECT_EQ(scope.size(), 0u);
    EXPECT_EQ(log.lines, (Lines{"a cancelled", "b cancelled", "joined - -"}));
}

Task<Outcome> nested(Loop& loop, Terms terms, Log& log) {
    auto first = side(loop, terms.first_time, terms.first, "c", log);
    auto second = side(loop, terms.second_time, terms.second, "d", log);
    auto sides = both(loop, std::move(first), std::move(second));
    const auto ended = co_await std::move(sides);
    const bool is_good = ended.first && ended.second;
    // On the branch that it began on: a wait here belongs to the outer side.
    const Wake wake = co_await sleep(loop, Phase{2}, 1ms);
    log.add(wake == Wake::cancelled ? "inner cancelled" : "inner joined");
    co_return is_good ? Outcome(7) : Outcome();
}

Task<void> nest(Loop& loop, Terms inner, Milliseconds outer_time, Outcome outer, Log& log) {
    auto first = nested(loop, inner, log);
    auto second = side(loop, outer_time, outer, "b", log);
    auto sides = both(loop, std::move(first), std::move(second));
    const auto ended = co_await std::move(sides);
    log.add(std::string("joined ") + (ended.first ? "7" : "-") + (ended.second ? "2" : "-"));
}

TEST(Both, nested_both_end_well) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Log log;
    scope.spawn(nest(manual.loop, {3ms, 1, 2ms, 1}, 8ms, 2, log));
    for (int i = 0; i < 10; i++)
        manual.pass_time(1ms);
    EXPECT_EQ(log.lines, (Lines{"d ended", "c ended", "inner joined", "b ended", "joined 72"}));
    EXPECT_EQ(scope.size(), 0u);
}

TEST(Both, failure_outside_cancels_every_nested_wait) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Log log;
    scope.spawn(nest(manual.loop, {9ms, 1, 9ms, 1}, 2ms, {}, log));
    for (int i = 0; i < 10; i++)
        manual.pass_time(1ms);
    EXPECT_EQ(log.lines,
              (Lines{"b ended", "c cancelled", "d cancelled", "inner cancelled", "joined --"}));
    EXPECT_EQ(scope.size(), 0u);
}

TEST(Both, failure_inside_reaches_the_outer_sibling) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Log log;
    scope.spawn(nest(manual.loop, {1ms, {}, 9ms, 1}, 9ms, 2, log));
    for (int i = 0; i < 10; i++)
        manual.pass_time(1ms);
    EXPECT_EQ(log.lines,
              (Lines{"c ended", "d cancelled", "inner joined", "b cancelled", "joined --"}));
    EXPECT_EQ(scope.size(), 0u);
}

Task<void> join_twice(Loop& loop, Log& log) {
    for (int i = 0; i < 2; i++) {
        auto first = side(loop, 1ms, 1, "a", log);
        auto second = side(loop, 2ms, std::nullopt, "b", log);
        auto sides = both(loop, std::move(first), std::move(second));
        co_await std::move(sides);
    }
    const Wake wake = co_await sleep(loop, Phase{2}, 1ms);
    log.add(wake == Wake::cancelled ? "cancelled" : "goes on");
}

TEST(Both, a_failed_join_does_not_cancel_the_parent) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Log log;
    scope.spawn(join_twice(manual.loop, log));
    for (int i = 0; i < 10; i++)
        manual.pass_time(1ms);
    EXPECT_EQ(log.lines, (Lines{"a ended", "b ended", "a ended", "b ended", "goes on"}));
    EXPECT_EQ(scope.size(), 0u);
}

// ---- Scope
// ----------------------------------------------------------------------------------------

Task<void> nap(Loop& loop, Milliseconds time, Wake& wake) {
    wake = co_await sleep(loop, Phase{1}, time);
    if (wake == Wake::cancelled) {
        // A cancelled task waits no more: every later wait ends at once.
        const Wake again = co_await sleep(loop, Phase{1}, time);
        EXPECT_EQ(again, Wake::cancelled);
    }
}

Task<void> wait_for(Loop& loop, Scope& others, std::size_t count, std::size_t& left) {
    const Wake wake = co_await others.fewer_than(count, Phase{1}, Deadline::after(1s));
    left = wake == Wake::ready ? others.size() : 99;
    co_await yield(loop, Phase{1});
}

TEST(Scope, counts_cancels_and_is_waited_for) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Scope watching(manual.loop);
    Wake wakes[3] = {};
    for (int i = 0; i < 3; i++)
        scope.spawn(nap(manual.loop, Milliseconds(10 * (i + 1)), wakes[i]));
    EXPECT_EQ(scope.size(), 3u);
    std::size_t left_of_two = 99;
    std::size_t left_of_all = 99;
    watching.spawn(wait_for(manual.loop, scope, 3, left_of_two));
    watching.spawn(wait_for(manual.loop, scope, 1, left_of_all));
    manual.pass_time(10ms);
    EXPECT_EQ(scope.size(), 2u);
    EXPECT_EQ(left_of_two, 2u);
    EXPECT_EQ(left_of_all, 99u);
    scope.cancel();
    EXPECT_EQ(scope.size(), 2u) << "cancelling queues, it does not run";
    manual.settle();
    EXPECT_EQ(scope.size(), 0u);
    EXPECT_EQ(left_of_all, 0u);
    EXPECT_EQ(wakes[0], Wake::deadline);
    EXPECT_EQ(wakes[1], Wake::cancelled);
    EXPECT_EQ(wakes[2], Wake::cancelled);
    EXPECT_EQ(watching.size(), 0u);
}

Task<void> spawner(Loop& loop, Scope& scope, Wake& wake, bool& branch_is_kept) {
    Branch* const own = loop.branch();
    scope.spawn(nap(loop, 5ms, wake));
    branch_is_kept = loop.branch() == own;
    co_await yield(loop, Phase{1});
    branch_is_kept = branch_is_kept && loop.branch() == own;
}

TEST(Scope, spawning_from_a_task_keeps_the_branch) {
    ManualLoop manual;
    Scope outer(manual.loop);
    Scope inner(manual.loop);
    Wake wake{};
    bool branch_is_kept = false;
    outer.spawn(spawner(manual.loop, inner, wake, branch_is_kept));
    manual.settle();
    EXPECT_TRUE(branch_is_kept);
    EXPECT_EQ(outer.size(), 0u);
    EXPECT_EQ(inner.size(), 1u);
    manual.pass_time(5ms);
    EXPECT_EQ(inner.size(), 0u);
}

Task<void> hand_over(Loop& loop, bool waits_first, Branch*& line, Wake& wake) {
    if (waits_first) co_await sleep(loop, Phase{1}, 5ms);
    line = loop.branch();
    loop.go_on_with(nap(loop, 5ms, wake));
}

TEST(Scope, a_task_may_have_another_go_on_in_its_place) {
    for (const bool waits_first : {false, true}) {
        ManualLoop manual;
        int ends = 0;
        Scope scope(manual.loop, [&] { ends++; });
        const auto frames = frame_cache::frames_in_use();
        Wake wakes[2] = {};
        Branch* line = nullptr;
        scope.spawn(hand_over(manual.loop, waits_first, line, wakes[0]));
        if (waits_first) manual.pass_time(5ms);
        EXPECT_EQ(scope.size(), 1u);
        EXPECT_EQ(ends, 0);
        EXPECT_EQ(frame_cache::frames_in_use() - frames, 2) << "the scope's own, and the second";
        ASSERT_NE(line, nullptr);
        EXPECT_NE(line->parked, nullptr) << "it waits on the same line";
        manual.pass_time(5ms);
        EXPECT_EQ(wakes[0], Wake::deadline);
        EXPECT_EQ(scope.size(), 0u);
        EXPECT_EQ(ends, 1);
        scope.spawn(hand_over(manual.loop, false, line, wakes[1]));
        scope.cancel();
        manual.settle();
        EXPECT_EQ(wakes[1], Wake::cancelled);
        EXPECT_EQ(ends, 2);
    }
}

// ---- Wakeup
// ---------------------------------------------------------------------------------------

Task<void> await_wakeup(Loop& loop, Wakeup& wakeup, std::string name, Log& log) {
    const Wake wake = co_await wakeup.wait(loop, Phase{1}, Deadline::after(10ms));
    log.add(name + (wake == Wake::ready ? " ready" : wake == Wake::deadline ? " late" : " off"));
}

TEST(Wakeup, first_come_first_served_then_all) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Wakeup wakeup;
    Log log;
    for (const char* name : {"a", "b", "c", "d"}) {
        scope.spawn(await_wakeup(manual.loop, wakeup, name, log));
    }
    EXPECT_TRUE(wakeup.has_waiters());
    wakeup.notify_one(manual.loop);
    manual.settle();
    EXPECT_EQ(log.lines, (Lines{"a ready"}));
    wakeup.notify_all(manual.loop);
    EXPECT_FALSE(wakeup.has_waiters());
    manual.settle();
    EXPECT_EQ(log.lines, (Lines{"a ready", "b ready", "c ready", "d ready"}));
    wakeup.notify_one(manual.loop);  // nobody waits: no effect
    scope.spawn(await_wakeup(manual.loop, wakeup, "e", log));
    manual.pass_time(10ms);
    EXPECT_EQ(log.lines.back(), "e late");
    EXPECT_EQ(scope.size(), 0u);
}

TEST(Wakeup, the_first_cause_counts) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Wakeup wakeup;
    Log log;
    scope.spawn(await_wakeup(manual.loop, wakeup, "a", log));
    wakeup.notify_all(manual.loop);
    scope.cancel();
    manual.pass_time(1s);
    EXPECT_EQ(log.lines, (Lines{"a ready"}));
}

}  // namespace
}  // namespace headgate::loop
