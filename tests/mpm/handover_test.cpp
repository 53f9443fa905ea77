// Handover: what one program leaves in its environment is what the next one takes, once.
#include "mpm/handover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "mpm/control.h"
#include "mpm/scoreboard.h"

namespace headgate::mpm {
namespace {

constexpr const char* variable = "HEADGATE_HANDOVER";

bool closes_on_exec(int descriptor) {
    return (::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0;
}

/// Descriptors of its own, to be left.
struct Left {
    Scoreboard board{2, 3, 4};
    loop::Listening first = loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {});
    loop::Listening second = loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {});
    std::pair<loop::Socket, loop::Socket> control = make_control_pair();
    Handover handover;

    Left() {
        handover.started = 1'700'000'000;
        handover.generation = 7;
        handover.rows = board.rows();
        handover.threads = board.threads();
        handover.connections = board.connections();
        handover.scoreboard = board.descriptor();
        handover.listeners = {first.socket.descriptor(), second.socket.descriptor()};
        handover.children = {{4321, 1, 0, 6, control.first.descriptor()},
                             {4322, 0, 1, 7, control.second.descriptor()}};
        handover.generations = {{6, true, 123'456'789'000}, {7, false, 0}};
        leave(handover);
    }
    ~Left() { ::unsetenv(variable); }
};

TEST(Handover, is_taken_as_it_was_left) {
    const Left left;
    EXPECT_FALSE(closes_on_exec(left.board.descriptor()));
    EXPECT_FALSE(closes_on_exec(left.first.socket.descriptor()));
    EXPECT_FALSE(closes_on_exec(left.control.first.descriptor()));
    const auto taken = take_handover();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->started, left.handover.started);
    EXPECT_EQ(taken->generation, 7u);
    EXPECT_EQ(taken->rows, 2u);
    EXPECT_EQ(taken->threads, 3u);
    EXPECT_EQ(taken->connections, 4u);
    EXPECT_EQ(taken->scoreboard, left.board.descriptor());
    EXPECT_EQ(taken->listeners, left.handover.listeners);
    ASSERT_EQ(taken->children.size(), 2u);
    for (std::size_t i = 0; i < 2; i++) {
        const Handover::Child& child = taken->children[i];
        const Handover::Child& expected = left.handover.children[i];
        EXPECT_EQ(child.pid, expected.pid);
        EXPECT_EQ(child.row, expected.row);
        EXPECT_EQ(child.ordinal, expected.ordinal);
        EXPECT_EQ(child.generation, expected.generation);
        EXPECT_EQ(child.control, expected.control);
        EXPECT_TRUE(closes_on_exec(child.control)) << "what the program starts does not get it";
    }
    ASSERT_EQ(taken->generations.size(), 2u);
    EXPECT_EQ(taken->generations[0].number, 6u);
    EXPECT_TRUE(taken->generations[0].is_draining);
    EXPECT_EQ(taken->generations[0].cut_at_ns, 123'456'789'000);
    EXPECT_EQ(taken->generations[1].number, 7u);
    EXPECT_FALSE(taken->generations[1].is_draining);
    EXPECT_TRUE(closes_on_exec(left.board.descriptor()));
    EXPECT_TRUE(closes_on_exec(left.second.socket.descriptor()));
}

TEST(Handover, is_taken_once) {
    const Left left;
    EXPECT_TRUE(take_handover());
    EXPECT_EQ(std::getenv(variable), nullptr);
    EXPECT_FALSE(take_handover());
}

TEST(Handover, of_another_form_leaves_the_scoreboard_behind) {
    const Left left;
    const std::string text = std::getenv(variable);
    // The first word is the form; the scoreboard's memory goes with it.
    const int board = ::dup(left.board.descriptor());
    const std::string old = " " + std::to_string(left.board.descriptor()) + " 2 ";
    std::string changed = "0.1.2.3" + text.substr(text.find(' '));
    changed.replace(changed.find(old), old.size(), " " + std::to_string(board) + " 2 ");
    ::setenv(variable, changed.c_str(), 1);
    const auto taken = take_handover();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->scoreboard, -1);
    EXPECT_EQ(::fcntl(board, F_GETFD), -1) << "it is closed";
    EXPECT_EQ(taken->listeners, left.handover.listeners) << "sockets are sockets";
    EXPECT_EQ(taken->children.size(), 2u);
}

TEST(Handover, that_is_cut_short_is_nothing) {
    const Left left;
    const std::string text = std::getenv(variable);
    for (const std::string& broken :
         {text.substr(0, text.rfind(' ')), std::string("nonsense"), std::string()}) {
        ::setenv(variable, broken.c_str(), 1);
        EXPECT_FALSE(take_handover()) << broken;
        EXPECT_EQ(std::getenv(variable), nullptr);
    }
}

TEST(SystemdSockets, are_for_the_process_they_name) {
    ::setenv("LISTEN_PID", std::to_string(::getpid() + 1).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    EXPECT_TRUE(take_systemd_sockets().empty());
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "0", 1);
    EXPECT_TRUE(take_systemd_sockets().empty());
    EXPECT_EQ(std::getenv("LISTEN_PID"), nullptr) << "they are taken once";
}

}  // namespace
}  // namespace headgate::mpm
