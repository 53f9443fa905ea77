// The reserve, under a limit of memory: in processes of their own, which say how they ended.
#include "mpm/loop/reserve.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "mpm/loop/scope.h"
#include "mpm/loop/want.h"
#include "tests/support/manual_clock.h"

namespace headgate::loop {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

constexpr std::size_t mib = 1 << 20;

/// Octets that RLIMIT_DATA counts, or that are in memory.
rlim_t octets_of(const std::string& key) {
    std::ifstream status("/proc/self/status");
    std::string word;
    rlim_t kib = 0;
    while (status >> word) {
        if (word == key + ":" && status >> kib) break;
    }
    return kib * 1024;
}

/// From here on the process gets no memory of the system.
void end_memory() {
    const rlim_t now = octets_of("VmData");
    const rlimit limit{now, now};
    ::setrlimit(RLIMIT_DATA, &limit);
}

void check(bool holds, int line) {
    if (!holds) ::_exit(line % 200 + 1);
}
#define CHECK(...) check((__VA_ARGS__), __LINE__)

class ReserveDeathTest : public testing::Test {
protected:
    void SetUp() override {
        if (is_sanitized) GTEST_SKIP() << "sanitizers have an allocator of their own";
    }
};

/// Does it in a process of its own; 0 where it ends well.
#define IN_A_PROCESS(...) EXPECT_EXIT((__VA_ARGS__(), ::_exit(0)), testing::ExitedWithCode(0), "")

TEST_F(ReserveDeathTest, counts_against_the_limit_and_costs_no_memory) {
    IN_A_PROCESS([] {
        const rlim_t data = octets_of("VmData"), resident = octets_of("RssAnon");
        CHECK(reserve::keep(64 * mib));
        CHECK(octets_of("VmData") >= data + 64 * mib);
        CHECK(octets_of("RssAnon") < resident + mib);
    });
}

TEST_F(ReserveDeathTest, is_used_when_there_is_no_memory_and_made_anew_when_there_is) {
    IN_A_PROCESS([] {
        CHECK(!reserve::release());  // there is none
        CHECK(reserve::keep(8 * mib));
        end_where_memory_ends();
        end_memory();
        CHECK(!reserve::is_missing() && !reserve::has_news());
        auto some = std::make_unique<std::array<char, 4 * mib>>();
        CHECK(reserve::is_missing());
        CHECK(reserve::take_news() && !reserve::take_news());
        CHECK(!reserve::restore(reserve::all_parts));
        CHECK(reserve::is_missing());
        some.reset();
        CHECK(reserve::restore(reserve::all_parts));
        CHECK(!reserve::is_missing());
        void* other = reserve::allocate(4 * mib);
        CHECK(other != nullptr && reserve::is_missing());
        std::free(other);
    });
}

TEST_F(ReserveDeathTest, a_part_may_be_enough) {
    IN_A_PROCESS([] {
        CHECK(reserve::keep(8 * mib));
        end_memory();
        CHECK(reserve::allocate(4 * mib) != nullptr);
        CHECK(!reserve::restore(20));  // a quarter is left for others, and a quarter had
        CHECK(reserve::is_missing());
        CHECK(reserve::restore(8));
        CHECK(!reserve::is_missing());
        CHECK(reserve::allocate(3 * mib) != nullptr);  // of both
        CHECK(reserve::is_missing());
        CHECK(reserve::allocate(4 * mib) == nullptr);
        reserve::forgo();
        CHECK(!reserve::is_missing());
    });
}

TEST_F(ReserveDeathTest, what_another_thread_gave_back_is_worth_a_try) {
    IN_A_PROCESS([] {
        CHECK(reserve::keep(mib));
        std::thread([] { CHECK(reserve::release() && !reserve::release()); }).join();
        CHECK(reserve::release());
        CHECK(!reserve::release());
    });
}

TEST_F(ReserveDeathTest, when_it_is_used_up_the_process_ends) {
    const auto ask = [] {
        CHECK(reserve::keep(mib));
        end_where_memory_ends();
        end_memory();
        for (std::size_t i = 0; i < 1000; i++)
            static_cast<void>(allocate_or_end(64 * 1024));
    };
    EXPECT_EXIT(ask(), testing::ExitedWithCode(want_status), "no memory: Cannot allocate memory");
}

// ---- what a loop does about it

Task<void> run_out(std::string& order) {
    order += "short ";
    reserve::release();
    co_return;
}

Task<void> give_back(Loop& loop, Wakeup& asked, std::string& order) {
    co_await asked.wait(loop, Phase{1}, Deadline::never());
    order += "given-back ";
}

Task<void> go_on(Loop& loop, Wakeup& both, std::string& order, Task<void> then) {
    co_await both.wait(loop, Phase{1}, Deadline::never());
    order += "ready ";
    co_await std::move(then);
}

Task<void> nothing() {
    co_return;
}

/// Who has been ready for longer would want memory before it is there.
TEST(Reserve, lets_those_run_first_who_give_memory_back) {
    ASSERT_TRUE(reserve::keep(64 * 1024));
    support::ManualLoop manual;
    Wakeup asked, both;
    std::string order;
    manual.loop.on_shortage([&] {
        order += "asked ";
        asked.notify_all(manual.loop);
    });
    Scope scope(manual.loop);
    scope.spawn(give_back(manual.loop, asked, order));
    scope.spawn(go_on(manual.loop, both, order, run_out(order)));
    scope.spawn(go_on(manual.loop, both, order, nothing()));
    both.notify_all(manual.loop);
    manual.settle();
    EXPECT_EQ(order, "ready short asked given-back ready ");
    EXPECT_FALSE(reserve::has_news());
    EXPECT_TRUE(reserve::restore(reserve::all_parts));
}

}  // namespace
}  // namespace headgate::loop
