// Tasks: values, nesting, and above all the stack: children that are ready at once must use none of
// it, in any build. The depth is measured, not inferred from the absence of a crash.
#include "mpm/loop/task.h"
#include "mpm/loop/park.h"
#include "mpm/loop/scope.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>

#include "tests/support/manual_clock.h"

namespace headgate::loop {
namespace {

using support::ManualLoop;

/// The stack's position in a function called from here: coroutine locals live elsewhere.
[[gnu::noinline]] std::uintptr_t stack_position() {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

struct Depth {
    std::uintptr_t highest = 0;
    std::uintptr_t lowest = UINTPTR_MAX;
    void look() {
        const std::uintptr_t here = stack_position();
        highest = std::max(highest, here);
        lowest = std::min(lowest, here);
    }
    std::size_t octets() const { return highest - lowest; }
};

constexpr int million = 1'000'000;
constexpr std::size_t bound = 16 * 1024;  // a few frames of a sanitized build, whatever the count

Task<int> ready(Depth& depth, int value) {
    depth.look();
    co_return value;
}

Task<void> await_many(Depth& depth, std::int64_t& sum) {
    for (int i = 0; i < million; i++)
        sum += co_await ready(depth, i);
}

TEST(Task, a_million_ready_children_use_no_stack) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Depth depth;
    std::int64_t sum = 0;
    scope.spawn(await_many(depth, sum));
    EXPECT_EQ(scope.size(), 0u);
    EXPECT_EQ(sum, std::int64_t{million} * (million - 1) / 2);
    EXPECT_LE(depth.octets(), bound);
}

Task<int> through(Depth& depth, int value) {
    const int inner = co_await ready(depth, value);
    depth.look();
    co_return inner + 1;
}

Task<void> await_nested(Depth& depth, std::int64_t& sum) {
    for (int i = 0; i < million / 4; i++)
        sum += co_await through(depth, 0);
}

TEST(Task, ready_children_with_ready_children_use_no_stack) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Depth depth;
    std::int64_t sum = 0;
    scope.spawn(await_nested(depth, sum));
    EXPECT_EQ(sum, million / 4);
    EXPECT_LE(depth.octets(), bound);
}

Task<int> sometimes_parks(Loop& loop, Depth& depth, int turn) {
    depth.look();
    if (turn % 100 == 0) {
        const Wake wake = co_await yield(loop, Phase{1});
        if (wake != Wake::deadline) co_return 0;
        depth.look();
    }
    co_return 1;
}

Task<void> await_mixed(Loop& loop, Depth& depth, int& sum) {
    for (int i = 0; i < million / 4; i++)
        sum += co_await sometimes_parks(loop, depth, i);
}

TEST(Task, children_that_park_now_and_then_use_no_stack) {
    ManualLoop manual;
    Scope scope(manual.loop);
    Depth inside;  // the first stretch runs from here, the others from the loop
    int sum = 0;
    scope.spawn(await_mixed(manual.loop, inside, sum));
    EXPECT_EQ(scope.size(), 1u);
    inside = Depth{};
    EXPECT_TRUE(manual.settle());
    EXPECT_EQ(scope.size(), 0u);
    EXPECT_EQ(sum, million / 4);
    EXPECT_LE(inside.octets(), bound);
}

Task<std::unique_ptr<std::string>> made(Loop& loop) {
    co_await yield(loop, Phase{1});
    co_return std::make_unique<std::string>("moved");
}

Task<void> take(Loop& loop, std::string& result) {
    const auto text = co_await made(loop);
    result = *text;
}

TEST(Task, moves_its_value_out) {
    ManualLoop manual;
    Scope scope(manual.loop);
    std::string result;
    scope.spawn(take(manual.loop, result));
    EXPECT_TRUE(manual.settle());
    EXPECT_EQ(result, "moved");
}

TEST(Task, dropped_before_it_started_frees_its_frame) {
    const auto before = frame_cache::frames_in_use();
    {
        Depth depth;
        // On the heap, or a compiler may see through it and make no frame at all.
        const auto never = std::make_unique<Task<int>>(ready(depth, 1));
        EXPECT_EQ(frame_cache::frames_in_use(), before + 1);
        const auto moved = std::make_unique<Task<int>>(std::move(*never));
        EXPECT_EQ(depth.highest, 0u) << "it has run";
    }
    EXPECT_EQ(frame_cache::frames_in_use(), before);
}

}  // namespace
}  // namespace headgate::loop
