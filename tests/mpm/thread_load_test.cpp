// Which threads count as busy: by what their slot says where they serve one connection at a time,
// by how long they ran where they serve many.
#include "mpm/thread_load.h"

#include <gtest/gtest.h>

namespace headgate::mpm {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

struct Asked {
    bool is_busy(bool serves_many, milliseconds after) {
        now += after;
        return load.is_busy(board, 1, 2, serves_many, now);
    }
    void runs(milliseconds time) {
        board.slot(1, 2).ran_ns.add(static_cast<std::uint64_t>(nanoseconds(time).count()));
    }

    Scoreboard board{2, 3, 1};
    ThreadLoad load;
    ThreadLoad::Clock::time_point now{milliseconds(5000)};
};

TEST(ThreadLoad, believes_a_slot_that_serves_one_at_a_time) {
    Asked asked;
    EXPECT_FALSE(asked.is_busy(false, milliseconds(1000)));
    asked.board.slot(1, 2).state = SlotState::busy;
    EXPECT_TRUE(asked.is_busy(false, milliseconds(1000)));
    asked.board.slot(1, 2).state = SlotState::starting;
    EXPECT_FALSE(asked.is_busy(false, milliseconds(1000))) << "as Apache counts it";
}

TEST(ThreadLoad, is_more_than_four_fifths_of_the_time_where_many_are_served) {
    Asked asked;
    asked.board.slot(1, 2).state = SlotState::busy;
    asked.runs(milliseconds(3000));
    EXPECT_FALSE(asked.is_busy(true, milliseconds(1000))) << "since when, is not known";
    asked.runs(milliseconds(810));
    EXPECT_TRUE(asked.is_busy(true, milliseconds(1000)));
    asked.runs(milliseconds(800));
    EXPECT_FALSE(asked.is_busy(true, milliseconds(1000)));
    asked.runs(milliseconds(1700));
    EXPECT_TRUE(asked.is_busy(true, milliseconds(2000))) << "of whatever time has passed";
    EXPECT_FALSE(asked.is_busy(true, milliseconds(1000)));
}

TEST(ThreadLoad, forgets_the_child_that_had_the_row_before) {
    Asked asked;
    asked.runs(milliseconds(5000));
    asked.is_busy(true, milliseconds(1000));
    asked.board.slot(1, 2).ran_ns.set(0);
    asked.runs(milliseconds(1));
    EXPECT_FALSE(asked.is_busy(true, milliseconds(1000)));
    asked.runs(milliseconds(900));
    EXPECT_TRUE(asked.is_busy(true, milliseconds(1000)));
}

}  // namespace
}  // namespace headgate::mpm
