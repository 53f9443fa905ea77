// Account: time run and time parked, exact to the tick of a manual clock, also where two branches
// share one account and where one task starts another.
#include "mpm/loop/account.h"
#include "mpm/loop/join.h"
#include "mpm/loop/park.h"
#include "mpm/loop/scope.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace headgate::loop {
namespace {

using namespace std::chrono_literals;
using support::ManualClock;
using support::ManualLoop;

constexpr Phase thinking{3};
constexpr Phase writing{9};

TEST(Account, sums_by_phase) {
    const TimePoint start{};
    Account account;
    account.open(start);
    account.park(start + 1ms);
    account.unpark(start + 11ms, thinking);
    account.park(start + 13ms);
    account.unpark(start + 14ms, writing);
    account.close(start + 18ms);
    account.close(start + 50ms);  // closed already: no effect
    EXPECT_EQ(account.ran(), 7ms);
    EXPECT_EQ(account.parked(thinking), 10ms);
    EXPECT_EQ(account.parked(writing), 1ms);
    EXPECT_EQ(account.parked(), 11ms);
    EXPECT_EQ(account.releases(), 2u);
    EXPECT_EQ(account.releases(thinking), 1u);
    EXPECT_FALSE(account.is_running());
}

Task<void> work(ManualLoop& manual, Account& account) {
    manual.clock.advance(2ms);  // nobody's
    manual.loop.charge(&account);
    manual.clock.advance(3ms);
    co_await sleep(manual.loop, thinking, 10ms);
    manual.clock.advance(4ms);
    co_await sleep(manual.loop, writing, 20ms);
    manual.clock.advance(5ms);
    manual.loop.charge(nullptr);
    manual.clock.advance(6ms);  // nobody's
    co_await sleep(manual.loop, writing, 1ms);
}

TEST(Account, of_one_task_is_exact) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Account account;
    scope.spawn(work(manual, account));
    manual.pass_time(10ms);
    EXPECT_EQ(account.parked(thinking), 10ms);
    // The deadline counts from the beginning of the pass, the books from the end of the run.
    manual.pass_time(30ms);
    EXPECT_EQ(account.ran(), 12ms);
    EXPECT_EQ(account.parked(writing), 30ms);
    EXPECT_EQ(account.releases(), 2u);
    manual.pass_time(1s);
    EXPECT_EQ(scope.size(), 0u);
    EXPECT_EQ(account.ran() + account.parked(), 52ms);
}

using Outcome = std::optional<int>;

Task<Outcome> side(ManualLoop& manual, Phase phase, Milliseconds parked, Milliseconds runs) {
    manual.clock.advance(runs);
    co_await sleep(manual.loop, phase, parked);
    manual.clock.advance(runs);
    co_return 1;
}

Task<void> fork(ManualLoop& manual, Account& account) {
    manual.loop.charge(&account);
    auto first = side(manual, thinking, 10ms, 1ms);
    auto second = side(manual, writing, 30ms, 1ms);
    auto sides = both(manual.loop, std::move(first), std::move(second));
    co_await std::move(sides);
    manual.loop.charge(nullptr);
}

TEST(Account, two_branches_share_one) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Account account;
    scope.spawn(fork(manual, account));
    EXPECT_EQ(account.ran(), 2ms) << "parked since spawn returned";
    for (int i = 0; i < 40; i++)
        manual.pass_time(1ms);
    EXPECT_EQ(scope.size(), 0u);
    EXPECT_FALSE(account.is_running());
    EXPECT_EQ(account.ran(), 4ms) << "one at a time: nothing is counted twice";
    EXPECT_EQ(account.releases(thinking), 1u);
    EXPECT_EQ(account.releases(writing), 1u);
    // A park is charged to the phase of the task that ends it, never to both.
    EXPECT_LE(account.parked(), 40ms);
    EXPECT_GT(account.parked(thinking), 0ms);
    EXPECT_GT(account.parked(writing), 0ms);
}

Task<void> charged(ManualLoop& manual, Account& account) {
    manual.loop.charge(&account);
    manual.clock.advance(3ms);
    co_await sleep(manual.loop, thinking, 10ms);
    manual.loop.charge(nullptr);
}

Task<void> starts_another(ManualLoop& manual, Scope& others, Account& own, Account& theirs) {
    manual.loop.charge(&own);
    manual.clock.advance(1ms);
    others.spawn(charged(manual, theirs));
    manual.clock.advance(1ms);
    EXPECT_TRUE(own.is_running());
    EXPECT_FALSE(theirs.is_running()) << "it is parked, whoever started it";
    co_await sleep(manual.loop, writing, 5ms);
    manual.loop.charge(nullptr);
}

TEST(Account, a_started_task_has_books_of_its_own) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Scope others(manual.loop);
    Account own;
    Account theirs;
    scope.spawn(starts_another(manual, others, own, theirs));
    EXPECT_EQ(theirs.ran(), 3ms);
    for (int i = 0; i < 20; i++)
        manual.pass_time(1ms);
    EXPECT_EQ(scope.size() + others.size(), 0u);
    EXPECT_EQ(theirs.ran(), 3ms);
    EXPECT_EQ(theirs.releases(), 1u);
    EXPECT_EQ(own.releases(), 1u);
    EXPECT_EQ(own.releases(writing), 1u);
    EXPECT_EQ(own.releases(thinking), 0u);
}

}  // namespace
}  // namespace headgate::loop
