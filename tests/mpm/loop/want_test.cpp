// Ends for want of something, in processes of their own: what is said, to whom, and the exit
// status.
#include "mpm/loop/want.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <new>
#include <thread>

namespace headgate::loop {
namespace {

TEST(WantDeathTest, says_what_is_lacking_and_ends) {
    const testing::ExitedWithCode ends(want_status);
    EXPECT_EXIT((errno = EMFILE, end_for_want_of("epoll set")), ends,
                "headgate: no epoll set: Too many open files: process [0-9]+ ends\n");
    EXPECT_EXIT((errno = 0, end_for_want_of("luck")), ends, "headgate: no luck: process");
}

TEST(WantDeathTest, of_memory_is_told) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "sanitizers end by themselves";
#endif
    const testing::ExitedWithCode ends(want_status);
    const auto ask = [] {
        // More than any machine has.
        volatile std::size_t much = std::size_t{1} << 46;
        ::operator delete(::operator new(much));
    };
    const auto told = [](const char* line) { return std::fprintf(stderr, "told: %s\n", line) > 0; };
    EXPECT_EXIT((end_where_memory_ends(), ask()), ends, "headgate: no memory: Cannot allocate");
    EXPECT_EXIT((end_where_memory_ends(told), ask()), ends, "^told: no memory: Cannot allocate");
    EXPECT_EXIT((end_where_memory_ends([](const char*) { return false; }), ask()), ends,
                "headgate: no memory");
    const auto in_vain = [&](const char*) {
        ask();  // to say it takes memory, too
        return true;
    };
    EXPECT_EXIT((end_where_memory_ends(in_vain), ask()), ends, "");
    EXPECT_EXIT((end_where_memory_ends(told), std::thread(ask).join()), ends, "^told: no memory");
}

}  // namespace
}  // namespace headgate::loop
