// Deadlines: the order in which waits expire, whatever kind they are, and that one which ended for
// another reason expires no more.
#include "mpm/loop/deadlines.h"
#include "mpm/loop/park.h"
#include "mpm/loop/scope.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace headgate::loop {
namespace {

using namespace std::chrono_literals;
using support::ManualLoop;

const TimePoint start{std::chrono::hours(1)};

TEST(Deadlines, expire_in_order_whatever_their_kind) {
    Deadlines deadlines;
    Waiter waiters[6];
    EXPECT_EQ(deadlines.next(), TimePoint::max());
    deadlines.add(waiters[0], Deadline::after(30ms), start);
    deadlines.add(waiters[1], Deadline::at(start + 20ms), start);
    deadlines.add(waiters[2], Deadline::after(10ms), start);
    deadlines.add(waiters[3], Deadline::at(start + 5ms), start);
    deadlines.add(waiters[4], Deadline::never(), start);
    deadlines.add(waiters[5], Deadline::after(10ms), start + 1ms);
    EXPECT_EQ(deadlines.next(), start + 5ms);
    EXPECT_EQ(deadlines.pop_expired(start + 4ms), nullptr);
    EXPECT_EQ(deadlines.pop_expired(start + 5ms), &waiters[3]);
    EXPECT_EQ(deadlines.next(), start + 10ms);
    EXPECT_EQ(deadlines.pop_expired(start + 10ms), &waiters[2]);
    EXPECT_EQ(deadlines.pop_expired(start + 10ms), nullptr);
    EXPECT_EQ(deadlines.pop_expired(start + 11ms), &waiters[5]);
    EXPECT_EQ(deadlines.pop_expired(start + 20ms), &waiters[1]);
    EXPECT_EQ(deadlines.pop_expired(start + 1h), &waiters[0]);
    EXPECT_EQ(deadlines.next(), TimePoint::max());
}

TEST(Deadlines, an_unlinked_waiter_expires_no_more) {
    Deadlines deadlines;
    Waiter first, second;
    deadlines.add(first, Deadline::after(10ms), start);
    deadlines.add(second, Deadline::after(10ms), start);
    first.deadline_hook.unlink();
    EXPECT_EQ(deadlines.pop_expired(start + 1s), &second);
    EXPECT_EQ(deadlines.pop_expired(start + 1s), nullptr);
}

TEST(Deadlines, computed_ones_are_sorted) {
    std::mt19937 random(7);
    Deadlines deadlines;
    std::vector<Waiter> waiters(200);
    for (Waiter& each : waiters) {
        deadlines.add(each, Deadline::at(start + Milliseconds(random() % 1000)), start);
    }
    TimePoint last = start;
    std::size_t count = 0;
    while (Waiter* waiter = deadlines.pop_expired(start + 1s)) {
        EXPECT_GE(waiter->expires, last);
        last = waiter->expires;
        count++;
    }
    EXPECT_EQ(count, waiters.size());
}

Task<void> wait_until(Loop& loop, Deadline deadline, std::string name,
                      std::vector<std::string>& order) {
    const Wake wake = co_await Park(loop, nullptr, Phase{1}, deadline);
    order.push_back(name + (wake == Wake::deadline ? "" : " cancelled"));
}

TEST(LoopDeadlines, fire_when_the_clock_says_so) {
    ManualLoop manual;
    Loop& loop = manual.loop;
    Scope scope(loop);
    std::vector<std::string> order;
    scope.spawn(wait_until(loop, Deadline::after(30ms), "fixed30", order));
    scope.spawn(wait_until(loop, Deadline::after(10ms), "fixed10", order));
    scope.spawn(wait_until(loop, Deadline::at(loop.now() + 20ms), "at20", order));
    scope.spawn(wait_until(loop, Deadline::at(loop.now() - 1ms), "past", order));
    EXPECT_TRUE(order.empty()) << "a deadline in the past still waits for its turn";
    EXPECT_EQ(loop.next_deadline(), loop.now() + 10ms);
    for (int i = 0; i < 30; i++) {
        manual.pass_time(1ms);
        EXPECT_EQ(order.size() == 1, i < 9);
    }
    EXPECT_EQ(order, (std::vector<std::string>{"past", "fixed10", "at20", "fixed30"}));
    EXPECT_EQ(loop.next_deadline(), TimePoint::max());
}

TEST(LoopDeadlines, can_be_moved_both_ways) {
    ManualLoop manual;
    Loop& loop = manual.loop;
    Scope scope(loop);
    std::vector<std::string> order;
    for (int i = 0; i < 2; i++) {
        scope.spawn(wait_until(loop, Deadline::after(20ms), i == 0 ? "a" : "b", order));
    }
    Waiter sooner, later;
    const auto call = [](Waiter& waiter) {
        static_cast<std::vector<std::string>*>(waiter.context)->push_back("called");
    };
    for (Waiter* waiter : {&sooner, &later}) {
        waiter->call = call;
        waiter->context = &order;
        loop.park(*waiter, nullptr, Deadline::after(20ms));
    }
    loop.set_deadline(sooner, Deadline::after(5ms));
    loop.set_deadline(later, Deadline::at(loop.now() + 50ms));
    manual.pass_time(5ms);
    EXPECT_EQ(order, (std::vector<std::string>{"called"}));
    manual.pass_time(15ms);
    EXPECT_EQ(order, (std::vector<std::string>{"called", "a", "b"}));
    manual.pass_time(30ms);
    EXPECT_EQ(order.size(), 4u);
}

TEST(LoopDeadlines, cancelled_before_expiry) {
    ManualLoop manual;
    Scope scope(manual.loop);
    std::vector<std::string> order;
    scope.spawn(wait_until(manual.loop, Deadline::after(20ms), "a", order));
    manual.pass_time(19ms);
    scope.cancel();
    manual.pass_time(10ms);
    EXPECT_EQ(order, (std::vector<std::string>{"a cancelled"}));
    EXPECT_EQ(manual.loop.next_deadline(), TimePoint::max());
}

}  // namespace
}  // namespace headgate::loop
