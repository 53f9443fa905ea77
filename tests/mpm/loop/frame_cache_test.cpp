// The frame cache: what is released is used again, within its ceiling, and the counts are right.
#include "mpm/loop/frame_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace headgate::loop::frame_cache {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool recycles = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool recycles = false;
#else
constexpr bool recycles = true;
#endif
#else
constexpr bool recycles = true;
#endif

TEST(FrameCache, uses_memory_of_one_class_again) {
    if (!recycles) GTEST_SKIP() << "bypassed under AddressSanitizer";
    void* first = allocate(200);
    release(first, 200);
    void* same_class = allocate(195);
    EXPECT_EQ(first, same_class);
    void* other_class = allocate(300);
    EXPECT_NE(first, other_class);
    release(same_class, 195);
    release(other_class, 300);
    trim();
}

TEST(FrameCache, counts_frames_in_use) {
    const std::ptrdiff_t before = frames_in_use();
    std::vector<void*> frames;
    for (std::size_t size : {1, 64, 65, 2048, 2049, 100'000}) {
        for (int i = 0; i < 100; i++)
            frames.push_back(allocate(size));
        EXPECT_EQ(frames_in_use(), before + 100);
        for (void* frame : frames)
            release(frame, size);
        frames.clear();
        EXPECT_EQ(frames_in_use(), before);
    }
    trim();
}

TEST(FrameCache, remembers_the_largest) {
    const std::size_t size = largest_frame() + 1000;
    release(allocate(size), size);
    EXPECT_EQ(largest_frame(), size);
    release(allocate(10), 10);
    EXPECT_EQ(largest_frame(), size);
}

TEST(FrameCache, a_frame_may_be_released_on_another_thread) {
    void* frame = allocate(500);
    std::thread other([frame] { release(frame, 500); });
    other.join();
    void* fresh = allocate(500);
    release(fresh, 500);
    trim();
}

}  // namespace
}  // namespace headgate::loop::frame_cache
