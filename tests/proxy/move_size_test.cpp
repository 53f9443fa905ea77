// How much is passed on at a time, and may wait in the kernel: in proportion to what was taken.
#include "proxy/move_size.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

TEST(MoveSize, what_may_wait_in_the_kernel_grows_with_what_was_taken) {
    constexpr std::size_t mebibyte = 1024 * 1024;
    MoveSize size;
    EXPECT_EQ(size.unsent(), 16 * 1024);
    size.kept_up(mebibyte / 4 - 1, true);
    EXPECT_EQ(size.unsent(), 16 * 1024);
    size.kept_up(1, true);
    EXPECT_EQ(size.unsent(), 64 * 1024);
    size.kept_up(mebibyte, true);
    EXPECT_EQ(size.unsent(), 256 * 1024);
    size.kept_up(1000 * mebibyte, true);
    EXPECT_EQ(size.unsent(), 512 * 1024);
}

TEST(MoveSize, who_was_slow_begins_anew) {
    MoveSize size;
    size.kept_up(100 * 1024 * 1024, true);
    size.was_slow();
    EXPECT_EQ(size.unsent(), 16 * 1024);
    EXPECT_FALSE(size.is_worth_it());
}

}  // namespace
}  // namespace headgate::proxy
