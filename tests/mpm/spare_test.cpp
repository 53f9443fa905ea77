// Spare keeping, pass by pass: 1, 2, 4, ... 32 children while there are too few idle threads, one
// fewer a pass while there are too many.
#include "mpm/spare.h"

#include <gtest/gtest.h>

namespace headgate::mpm {
namespace {

Sizing sizing(unsigned most, unsigned min_spare, unsigned max_spare) {
    Sizing made;
    made.max_children = most;
    made.min_spare = min_spare;
    made.max_spare = max_spare;
    return made;
}

TEST(SpareKeeper, doubles_while_too_few_are_idle) {
    SpareKeeper keeper;
    const Sizing many = sizing(1000, 100, 200);
    for (const unsigned expected : {1u, 2u, 4u, 8u, 16u, 32u, 32u, 32u}) {
        const auto decision = keeper.decide(many, {10, 0, false});
        EXPECT_EQ(decision.add, expected);
        EXPECT_FALSE(decision.end_one);
        EXPECT_FALSE(decision.at_limit);
    }
}

TEST(SpareKeeper, begins_again_after_a_pass_without_need) {
    SpareKeeper keeper;
    const Sizing many = sizing(1000, 5, 10);
    EXPECT_EQ(keeper.decide(many, {5, 0, false}).add, 1u);
    EXPECT_EQ(keeper.decide(many, {6, 0, false}).add, 2u);
    EXPECT_EQ(keeper.decide(many, {8, 7, false}).add, 0u);
    EXPECT_EQ(keeper.decide(many, {8, 0, false}).add, 1u);
}

TEST(SpareKeeper, ends_one_a_pass_while_too_many_are_idle) {
    SpareKeeper keeper;
    const Sizing few = sizing(100, 5, 10);
    for (unsigned idle = 30; idle > 10; idle--) {
        const auto decision = keeper.decide(few, {idle, idle, false});
        EXPECT_TRUE(decision.end_one) << idle;
        EXPECT_EQ(decision.add, 0u);
    }
    EXPECT_FALSE(keeper.decide(few, {10, 10, false}).end_one) << "MaxSpareServers are kept";
    EXPECT_FALSE(keeper.decide(few, {11, 11, true}).end_one) << "one is ending already";
}

TEST(SpareKeeper, never_ends_the_last_child) {
    SpareKeeper keeper;
    EXPECT_FALSE(keeper.decide(sizing(16, 1, 10), {1, 64, false}).end_one);
}

TEST(SpareKeeper, adds_no_more_than_the_limit) {
    SpareKeeper keeper;
    const Sizing six = sizing(6, 5, 10);
    EXPECT_EQ(keeper.decide(six, {3, 0, false}).add, 1u);
    EXPECT_EQ(keeper.decide(six, {4, 0, false}).add, 2u);
    EXPECT_TRUE(keeper.decide(six, {6, 0, false}).at_limit);
    EXPECT_EQ(keeper.decide(six, {6, 0, false}).add, 0u);
    EXPECT_EQ(keeper.decide(six, {5, 0, false}).add, 1u) << "the doubling began again";
}

TEST(SpareKeeper, holds_the_doubling_off_after_a_reload) {
    SpareKeeper keeper;
    keeper.hold_off();
    const Sizing many = sizing(1000, 100, 200);
    for (int i = 0; i < 10; i++)
        EXPECT_EQ(keeper.decide(many, {1, 0, false}).add, 1u);
    EXPECT_EQ(keeper.decide(many, {1, 0, false}).add, 1u);
    EXPECT_EQ(keeper.decide(many, {1, 0, false}).add, 2u);
}

}  // namespace
}  // namespace headgate::mpm
