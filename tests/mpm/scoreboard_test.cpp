// The scoreboard: rows and slots that processes share, and sums that never go back.
#include "mpm/scoreboard.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace headgate::mpm {
namespace {

TEST(Scoreboard, is_shared_with_children) {
    Scoreboard board(2, 3, 4);
    const pid_t child = ::fork();
    if (child == 0) {
        board.row(1).has_accepted = true;
        board.slot(1, 2).exchanges.add(5);
        board.slot(1, 2).state = SlotState::busy;
        board.connection(1, 3).phase = 9;
        ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(board.row(1).has_accepted);
    EXPECT_EQ(board.slot(1, 2).exchanges.get(), 5u);
    EXPECT_EQ(board.slot(1, 2).state, SlotState::busy);
    EXPECT_EQ(board.connection(1, 3).phase, 9u);
    EXPECT_EQ(board.slot(1, 1).exchanges.get(), 0u) << "slots lie apart";
    EXPECT_EQ(board.connection(0, 3).phase, 0u);
}

TEST(Scoreboard, finds_free_rows) {
    Scoreboard board(3, 1, 1);
    EXPECT_EQ(board.free_row(), 0u);
    board.row(0).pid = 100;
    board.row(1).pid = 101;
    EXPECT_EQ(board.free_row(), 2u);
    board.row(2).pid = 102;
    EXPECT_EQ(board.free_row(), board.rows()) << "there is none";
    board.clear(1);
    EXPECT_EQ(board.free_row(), 1u);
}

TEST(Scoreboard, keeps_the_sums_of_children_that_have_ended) {
    Scoreboard board(2, 2, 2);
    for (int life = 1; life <= 3; life++) {
        board.row(1).pid = 100 + life;
        board.row(1).is_draining = true;
        board.row(1).has_accepted = true;
        board.row(1).threads = 2;
        for (unsigned thread = 0; thread < 2; thread++) {
            ThreadSlot& slot = board.slot(1, thread);
            slot.state = SlotState::busy;
            slot.accepted.add(1);
            slot.connections.add(1);
            slot.exchanges.add(10);
            slot.octets.add(1000);
            slot.duration_ns.add(7);
            slot.held_ns.add(3);
            slot.parked[2].add(1);
            slot.parked_ns[2].add(4);
            slot.releases[2].add(6);
        }
        const std::uint32_t moves = board.moves();
        board.clear(1);
        EXPECT_EQ(board.moves() % 2, 0u);
        EXPECT_GT(board.moves(), moves) << "who was reading begins again";
        const unsigned lives = static_cast<unsigned>(life);
        EXPECT_EQ(board.ended().accepted.get(), 2u * lives);
        EXPECT_EQ(board.ended().exchanges.get(), 20u * lives);
        EXPECT_EQ(board.ended().octets.get(), 2000u * lives);
        EXPECT_EQ(board.ended().duration_ns.get(), 14u * lives);
        EXPECT_EQ(board.ended().held_ns.get(), 6u * lives);
        EXPECT_EQ(board.ended().parked_ns[2].get(), 8u * lives);
        EXPECT_EQ(board.ended().releases[2].get(), 12u * lives);
        EXPECT_EQ(board.ended().parked[2].get(), 0u) << "nobody is parked any more";
        EXPECT_EQ(board.ended().connections.get(), 0u);
        EXPECT_EQ(board.row(1).pid, 0);
        EXPECT_FALSE(board.row(1).is_draining);
        EXPECT_FALSE(board.row(1).has_accepted);
        EXPECT_EQ(board.slot(1, 0).state, SlotState::open);
        EXPECT_EQ(board.slot(1, 0).exchanges.get(), 0u);
        EXPECT_EQ(board.slot(1, 0).parked[2].get(), 0u);
        EXPECT_EQ(board.slot(1, 0).connections.get(), 0u);
    }
}

TEST(Scoreboard, forgets_the_connections_of_a_child_that_crashed) {
    Scoreboard board(1, 2, 8);
    board.row(0).threads = 2;
    for (unsigned thread = 0; thread < 2; thread++) {
        board.slot(0, thread).state = SlotState::busy;
        board.slot(0, thread).first_record.set(thread * 4);
        board.slot(0, thread).records_used.set(3);
        board.connection(0, thread * 4).is_used = true;
        board.connection(0, thread * 4 + 2).is_used = true;
    }
    board.clear(0);
    for (unsigned i = 0; i < 8; i++)
        EXPECT_FALSE(board.connection(0, i).is_used) << i;
    EXPECT_EQ(board.slot(0, 1).records_used.get(), 0u);
}

TEST(Scoreboard, is_taken_over_by_its_descriptor) {
    int memory = -1;
    {
        Scoreboard earlier(2, 2, 2);
        earlier.ended().exchanges.add(42);
        earlier.row(1).pid = 77;
        memory = ::dup(earlier.descriptor());
    }
    const Scoreboard later(2, 2, 2, memory);
    EXPECT_EQ(later.ended().exchanges.get(), 42u);
    EXPECT_EQ(later.row(1).pid, 77);
    EXPECT_EQ(later.free_row(), 0u);
}

}  // namespace
}  // namespace headgate::mpm
