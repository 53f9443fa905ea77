// What is said of something that fails again and again.
#include "mpm/trouble.h"

#include <gtest/gtest.h>

namespace headgate::mpm {
namespace {

using namespace std::chrono_literals;

TEST(Trouble, is_said_when_it_begins_and_then_once_a_minute) {
    Trouble trouble;
    Trouble::Clock::time_point now{1h};
    EXPECT_FALSE(trouble.worked());
    EXPECT_EQ(trouble.failed("no", now), "no");
    for (int second = 1; second < 60; second++)
        EXPECT_EQ(trouble.failed(second % 2 == 0 ? "no" : "not so", now + second * 1s), "");
    EXPECT_EQ(trouble.failed("no", now + 60s), "no, 61 times by now");
    EXPECT_EQ(trouble.failed("no", now + 119s), "");
    EXPECT_EQ(trouble.failed("not so", now + 120s), "not so, 63 times by now");
    EXPECT_TRUE(trouble.worked());
    EXPECT_FALSE(trouble.worked());
    EXPECT_EQ(trouble.failed("no", now + 121s), "no") << "begins again";
}

}  // namespace
}  // namespace headgate::mpm
