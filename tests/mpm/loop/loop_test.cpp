// The loop itself: descriptors and their edges, the mailbox, running and stopping.
#include "mpm/loop/loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "mpm/loop/park.h"
#include "mpm/loop/scope.h"
#include "mpm/loop/socket.h"
#include "tests/support/manual_clock.h"

namespace headgate::loop {
namespace {

using namespace std::chrono_literals;
using support::ManualLoop;

struct Pair {
    Pair() {
        int ends[2];
        HEADGATE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        ours = Socket(ends[0]);
        theirs = Socket(ends[1]);
    }
    Socket ours;
    Socket theirs;
};

Task<void> await_readable(Loop& loop, Readiness& readiness, Wake& wake) {
    wake = co_await Park(loop, &readiness.readers, Phase{1}, Deadline::after(1s));
}

/// What was kept for reuse is gone, and made anew when it is needed.
TEST(Loop, trims_what_it_keeps) {
    ManualLoop manual;
    for (int i = 0; i < 3; i++) {
        Pair pair;
        Readiness& readiness = manual.loop.watch(pair.ours.descriptor());
        Scope scope(manual.loop);
        Wake wake = Wake::none;
        readiness.readable = false;
        scope.spawn(await_readable(manual.loop, readiness, wake));
        ASSERT_EQ(::write(pair.theirs.descriptor(), "x", 1), 1);
        manual.settle();
        EXPECT_EQ(wake, Wake::ready);
        manual.loop.forget(readiness);
        manual.loop.trim();  // an event of this pass may still name it
        manual.settle();
        manual.loop.run_pass();
        manual.loop.trim();
    }
}

TEST(Readiness, tells_each_edge_once) {
    ManualLoop manual;
    Pair pair;
    Readiness& readiness = manual.loop.watch(pair.ours.descriptor());
    EXPECT_TRUE(readiness.readable) << "fresh: whether there is something is found out by trying";
    EXPECT_TRUE(readiness.writable);
    readiness.readable = false;
    Scope scope(manual.loop);
    Wake wake = Wake::none;
    scope.spawn(await_readable(manual.loop, readiness, wake));
    manual.settle();
    EXPECT_EQ(wake, Wake::none);
    ASSERT_EQ(::write(pair.theirs.descriptor(), "x", 1), 1);
    manual.settle();
    EXPECT_EQ(wake, Wake::ready);
    EXPECT_TRUE(readiness.readable);

    // The octet is still there, and no second edge comes for it.
    readiness.readable = false;
    wake = Wake::none;
    scope.spawn(await_readable(manual.loop, readiness, wake));
    manual.settle();
    EXPECT_EQ(wake, Wake::none);
    ASSERT_EQ(::write(pair.theirs.descriptor(), "y", 1), 1);
    manual.settle();
    EXPECT_EQ(wake, Wake::ready);
    manual.loop.forget(readiness);
}

TEST(Readiness, knows_that_the_peer_has_closed) {
    ManualLoop manual;
    Pair pair;
    Readiness& readiness = manual.loop.watch(pair.ours.descriptor());
    manual.settle();
    EXPECT_FALSE(readiness.closed_by_peer);
    readiness.drained_by_short_read();
    EXPECT_FALSE(readiness.readable);
    ::shutdown(pair.theirs.descriptor(), SHUT_WR);
    manual.settle();
    EXPECT_TRUE(readiness.closed_by_peer);
    EXPECT_FALSE(readiness.failed);
    EXPECT_TRUE(readiness.readable);
    readiness.drained_by_short_read();
    EXPECT_TRUE(readiness.readable) << "the end is still to be read, and is told only once";
    pair.theirs.close();
    manual.settle();
    EXPECT_TRUE(readiness.failed);
    manual.loop.forget(readiness);
}

TEST(Readiness, waits_end_by_deadline_and_by_cancellation) {
    ManualLoop manual;
    Pair pair;
    Readiness& readiness = manual.loop.watch(pair.ours.descriptor());
    Scope scope(manual.loop);
    Wake late = Wake::none;
    scope.spawn(await_readable(manual.loop, readiness, late));
    manual.pass_time(1s);
    EXPECT_EQ(late, Wake::deadline);
    Wake off = Wake::none;
    scope.spawn(await_readable(manual.loop, readiness, off));
    scope.cancel();
    manual.settle();
    EXPECT_EQ(off, Wake::cancelled);
    EXPECT_TRUE(readiness.readers.empty());
    manual.loop.forget(readiness);
}

TEST(Readiness, is_used_again_only_after_the_pass) {
    ManualLoop manual;
    Pair pair;
    Readiness& first = manual.loop.watch(pair.ours.descriptor());
    first.closed_by_peer = true;
    manual.loop.forget(first);
    Readiness& second = manual.loop.watch(pair.ours.descriptor());
    EXPECT_NE(&first, &second);
    manual.loop.forget(second);
    manual.settle();
    Readiness& third = manual.loop.watch(pair.ours.descriptor());
    EXPECT_TRUE(&third == &first || &third == &second);
    EXPECT_FALSE(third.closed_by_peer);
    EXPECT_TRUE(third.readable);
    manual.loop.forget(third);
}

TEST(Readiness, of_what_is_closed_hears_nothing_more) {
    ManualLoop manual;
    Pair pair;
    Readiness& first = manual.loop.watch(pair.ours.descriptor());
    const int number = pair.ours.descriptor();
    manual.settle();
    ASSERT_EQ(::write(pair.theirs.descriptor(), "x", 1), 1);
    manual.loop.close(first, std::move(pair.ours));
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
    Pair other;
    Readiness& second = manual.loop.watch(other.ours.descriptor());
    manual.settle();
    second.readable = false;
    manual.loop.run_pass();
    EXPECT_FALSE(second.readable) << "what was written to the closed one is not for it";
    manual.loop.forget(second);
}

TEST(Mailbox, calls_run_on_the_loops_thread_in_order) {
    Loop loop(Loop::Options{});
    std::vector<int> seen;
    const std::thread::id owner = std::this_thread::get_id();
    bool is_owner = true;
    std::thread other([&] {
        for (int i = 0; i < 1000; i++) {
            loop.post([&, i] {
                is_owner = is_owner && std::this_thread::get_id() == owner;
                seen.push_back(i);
            });
        }
        loop.post([&] { loop.stop(); });
    });
    loop.run();
    other.join();
    EXPECT_TRUE(is_owner);
    ASSERT_EQ(seen.size(), 1000u);
    for (int i = 0; i < 1000; i++)
        EXPECT_EQ(seen[i], i);
}

TEST(Mailbox, a_call_may_leave_another) {
    ManualLoop manual;
    int calls = 0;
    manual.loop.post([&] {
        calls++;
        manual.loop.post([&] { calls++; });
    });
    manual.loop.run_pass();
    EXPECT_EQ(calls, 1);
    manual.loop.run_pass();
    EXPECT_EQ(calls, 2);
}

Task<void> count_turns(Loop& loop, int& turns, int limit) {
    while (turns < limit) {
        turns++;
        co_await yield(loop, Phase{1});
    }
    loop.stop();
}

TEST(Loop, runs_and_stops_and_runs_again) {
    Loop loop(Loop::Options{});
    int sleeps = 0;
    loop.before_sleep([&] { sleeps++; });
    for (int round = 0; round < 2; round++) {
        Scope scope(loop);
        int turns = 0;
        scope.spawn(count_turns(loop, turns, 1000));
        loop.run();
        EXPECT_EQ(turns, 1000);
        EXPECT_EQ(scope.size(), 0u);
    }
    EXPECT_EQ(sleeps, 0) << "there was always something to do";
}

Task<void> stop_after(Loop& loop, Milliseconds time) {
    co_await sleep(loop, Phase{1}, time);
    loop.stop();
}

TEST(Loop, sleeps_until_a_deadline_and_calls_before) {
    Loop loop(Loop::Options{});
    int sleeps = 0;
    loop.before_sleep([&] { sleeps++; });
    Scope scope(loop);
    const TimePoint begin = loop.now();
    scope.spawn(stop_after(loop, 20ms));
    loop.run();
    EXPECT_GE(Clock::now() - begin, 20ms);
    EXPECT_GE(sleeps, 1);
    EXPECT_LE(sleeps, 4) << "it spins";
}

Task<void> hog(Loop& loop, std::vector<int>& order, int name) {
    for (int i = 0; i < 3; i++) {
        order.push_back(name);
        co_await yield(loop, Phase{1});
    }
}

TEST(Loop, yielding_gives_everyone_a_turn) {
    ManualLoop manual;
    Scope scope(manual.loop);
    std::vector<int> order;
    scope.spawn(hog(manual.loop, order, 1));
    scope.spawn(hog(manual.loop, order, 2));
    manual.settle();
    EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 1, 2}));
}

/// A waiter with a call that counts, and withdraws another one.
struct Counting {
    Counting(Loop& in, Counting* other) : loop(in), victim(other) {
        waiter.context = this;
        waiter.call = [](Waiter& woken) {
            Counting& self = *static_cast<Counting*>(woken.context);
            self.calls++;
            if (self.victim != nullptr) self.loop.withdraw(self.victim->waiter);
        };
    }
    Loop& loop;
    Counting* victim;
    int calls = 0;
    Waiter waiter;
};

TEST(Withdraw, a_waiter_is_called_no_more) {
    ManualLoop manual;
    Loop& loop = manual.loop;
    Counting parked(loop, nullptr), last(loop, nullptr), middle(loop, nullptr);
    Counting first(loop, &middle);
    loop.park(parked.waiter, nullptr, Deadline::after(1s));
    loop.withdraw(parked.waiter);
    for (Counting* each : {&first, &middle, &last}) {
        loop.park(each->waiter, nullptr, Deadline::never());
        loop.wake(each->waiter, Wake::ready);
    }
    loop.withdraw(last.waiter);  // the end of the queue
    loop.wake(last.waiter, Wake::ready);
    manual.pass_time(2s);
    EXPECT_EQ(parked.calls, 0);
    EXPECT_EQ(first.calls, 1);
    EXPECT_EQ(middle.calls, 0) << "withdrawn while it was about to be called";
    EXPECT_EQ(last.calls, 1);
    loop.withdraw(last.waiter);  // does not wait: nothing happens
}

}  // namespace
}  // namespace headgate::loop
