// Turns: one of many processes has it, once in a while.
#include "mpm/loop/take_turn.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace headgate::loop {
namespace {

using namespace std::chrono_literals;

TEST(TakeTurn, is_once_in_the_time_between) {
    std::atomic<std::int64_t> next{0};
    const TimePoint start = TimePoint() + 5s;
    EXPECT_TRUE(take_turn(next, start, 1s));
    EXPECT_FALSE(take_turn(next, start, 1s));
    EXPECT_FALSE(take_turn(next, start + 999ms, 1s));
    EXPECT_TRUE(take_turn(next, start + 1s, 1s));
    EXPECT_FALSE(take_turn(next, start + 1999ms, 1s));
    EXPECT_TRUE(take_turn(next, start + 5s, 1s)) << "the ones that nobody took are gone";
    EXPECT_FALSE(take_turn(next, start + 5s, 1s));
}

TEST(TakeTurn, is_one_processs_only) {
    void* const memory = ::mmap(nullptr, sizeof(std::atomic<std::int64_t>), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    auto& next = *static_cast<std::atomic<std::int64_t>*>(memory);  // 0, as fresh pages are
    const TimePoint now = TimePoint() + 5s;
    int took_it = 0;
    pid_t children[8];
    for (pid_t& child : children) {
        child = ::fork();
        if (child != 0) continue;
        int turns = 0;
        for (int i = 0; i < 1000; i++)
            turns += take_turn(next, now + i * 1ms, 1s);
        ::_exit(turns);
    }
    for (const pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        took_it += WEXITSTATUS(status);
    }
    EXPECT_EQ(took_it, 1);
}

}  // namespace
}  // namespace headgate::loop
