// Both runners on a thread of their own: what they take, how they drain, how they stop. Clients
// block on their sockets: an octet from the handler is the barrier.
#include "mpm/runner.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <thread>

#include "mpm/loop/park.h"
#include "tests/support/surroundings.h"
#include "tests/support/waiting.h"

namespace headgate::mpm {
namespace {

constexpr loop::Phase waiting{0};

/// Greets a connection with one octet, echoes octets, and ends with it. Draining is told to nobody.
class Echo final : public ConnectionHandler {
public:
    Echo(loop::Loop& loop, std::vector<Drain>& drains, const ThreadSlot& slot)
        : loop_(loop), drains_(drains), slot_(slot) {}

    loop::Task<void> serve(Accepted accepted) override {
        EXPECT_EQ(slot_.state, SlotState::busy) << "a thread that runs is seen to";
        const int descriptor = accepted.socket.descriptor();
        EXPECT_EQ(accepted.local, loop::Address::of_socket(descriptor));
        loop::Readiness& readiness = loop_.watch(descriptor);
        char octet = 'g';
        bool goes_on = true;
        while (goes_on) {
            ::send(descriptor, &octet, 1, MSG_NOSIGNAL);
            ssize_t count = ::recv(descriptor, &octet, 1, MSG_DONTWAIT);
            while (count < 0 && goes_on) {
                const loop::Wake wake = co_await loop::Park(loop_, &readiness.readers, waiting,
                                                            loop::Deadline::never());
                goes_on = wake == loop::Wake::ready;
                count = ::recv(descriptor, &octet, 1, MSG_DONTWAIT);
            }
            goes_on = goes_on && count > 0;
        }
        loop_.forget(readiness);
    }
    void drain(Drain how) override { drains_.push_back(how); }
    void apply(const ControlMessage&) override {}

private:
    loop::Loop& loop_;
    std::vector<Drain>& drains_;
    const ThreadSlot& slot_;
};

class EchoFactory final : public HandlerFactory {
public:
    std::unique_ptr<ConnectionHandler> make(loop::Loop& loop, const Surroundings& around) override {
        return std::make_unique<Echo>(loop, drains, around.slot);
    }
    std::vector<Drain> drains;
};

TEST(Runner, what_is_accepted_is_tuned_for_relaying) {
    const loop::Listening listening =
        loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {});
    loop::tune_accepted_for_relay(listening.socket.descriptor());
    const auto address = loop::Address::of_socket(listening.socket.descriptor());
    const loop::Socket client(::socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(::connect(client.descriptor(), address.data(), address.size()), 0);
    const loop::AcceptResult accepted = loop::accept_one(listening.socket.descriptor());
    const auto option = [&](int name) {
        int value = 0;
        socklen_t size = sizeof value;
        ::getsockopt(accepted.socket.descriptor(), IPPROTO_TCP, name, &value, &size);
        return value;
    };
    EXPECT_EQ(option(TCP_NODELAY), 1);
    EXPECT_EQ(option(TCP_NOTSENT_LOWAT), 16 * 1024);
}

/// A runner on a thread, with a listener of its own.
struct Running {
    Running(bool serves_many, unsigned slots, unsigned budget_of = 0,
            const char* host = "127.0.0.1")
        : board(slots),
          budget(budget_of),
          listening(loop::open_listener(*loop::Address::from_literal(host, 0), {})),
          runner(make_runner(serves_many, handlers, options(slots))),
          thread([this] { runner->run(); }) {}
    ~Running() {
        runner->stop();
        if (thread.joinable()) thread.join();
    }
    RunnerOptions options(unsigned slots) {
        RunnerOptions made;
        made.listeners = {listening.socket.descriptor()};
        made.slots = slots;
        made.slot = &board.slot();
        made.row = &board.scoreboard.row(0);
        made.surroundings = &board.surroundings;
        made.budget = &budget;
        made.on_spent = [this] { runner->drain(Drain::gently); };
        return made;
    }
    loop::Socket connect() {
        const auto port = loop::Address::of_socket(listening.socket.descriptor()).port();
        const auto address = *loop::Address::from_literal("127.0.0.1", port);
        loop::Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
        EXPECT_EQ(::connect(socket.descriptor(), address.data(), address.size()), 0);
        return socket;
    }
    unsigned connections() { return board.slot().connections.get(); }
    bool is_in(SlotState state) { return board.slot().state == state; }

    EchoFactory handlers;
    support::OneThread board;
    AcceptBudget budget;
    loop::Listening listening;
    std::unique_ptr<Runner> runner;
    std::thread thread;
};

/// The next octet; 0 at the end of the input.
char receive(const loop::Socket& socket) {
    char octet = 0;
    return ::recv(socket.descriptor(), &octet, 1, 0) == 1 ? octet : '\0';
}
bool has_octet(const loop::Socket& socket) {
    pollfd entry{socket.descriptor(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}
void send(const loop::Socket& socket, char octet) {
    EXPECT_EQ(::send(socket.descriptor(), &octet, 1, MSG_NOSIGNAL), 1);
}

/// The handler compares what it is told with what the socket says.
TEST(Runner, tells_which_address_was_reached) {
    for (const char* host : {"127.0.0.1", "0.0.0.0", "::"}) {
        Running running(true, 1, 0, host);
        EXPECT_EQ(receive(running.connect()), 'g') << host;
    }
}

TEST(ManyRunner, serves_connections_side_by_side) {
    Running running(true, 1000);
    std::vector<loop::Socket> clients;
    for (int i = 0; i < 100; i++)
        clients.push_back(running.connect());
    for (const auto& client : clients)
        EXPECT_EQ(receive(client), 'g');
    EXPECT_EQ(running.connections(), 100u);
    EXPECT_EQ(running.board.slot().accepted.get(), 100u);
    for (const auto& client : clients)
        send(client, 'x');
    for (const auto& client : clients)
        EXPECT_EQ(receive(client), 'x');
}

/// Parked connections hold no thread.
TEST(ManyRunner, is_busy_only_while_it_runs) {
    Running running(true, 10);
    const loop::Socket client = running.connect();
    EXPECT_EQ(receive(client), 'g');
    support::wait_until("it rests", [&] { return running.is_in(SlotState::ready); });
    const std::uint64_t ran = running.board.slot().ran_ns.get();
    EXPECT_GT(ran, 0u);
    send(client, 'x');
    EXPECT_EQ(receive(client), 'x');
    support::wait_until("that was counted",
                        [&] { return running.board.slot().ran_ns.get() > ran; });
    EXPECT_EQ(running.connections(), 1u);
}

TEST(ManyRunner, takes_no_more_than_its_slots) {
    Running running(true, 2);
    loop::Socket first = running.connect();
    const loop::Socket second = running.connect();
    EXPECT_EQ(receive(first), 'g');
    EXPECT_EQ(receive(second), 'g');
    const loop::Socket third = running.connect();
    send(second, 'x');
    EXPECT_EQ(receive(second), 'x');
    EXPECT_FALSE(has_octet(third));
    EXPECT_EQ(running.connections(), 2u);
    first.close();
    EXPECT_EQ(receive(third), 'g') << "a slot became free";
}

TEST(OneRunner, serves_one_connection_after_the_other) {
    Running running(false, 1);
    loop::Socket first = running.connect();
    EXPECT_EQ(receive(first), 'g');
    EXPECT_TRUE(running.is_in(SlotState::busy));
    const loop::Socket second = running.connect();
    send(first, 'x');
    EXPECT_EQ(receive(first), 'x');
    EXPECT_FALSE(has_octet(second));
    EXPECT_EQ(running.connections(), 1u);
    first.close();
    EXPECT_EQ(receive(second), 'g');
    EXPECT_EQ(running.board.slot().accepted.get(), 2u);
}

class EachRunner : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Serves, EachRunner, testing::Bool(),
                         [](const auto& each) { return each.param ? "many" : "one"; });

TEST_P(EachRunner, draining_waits_for_what_is_open) {
    Running running(GetParam(), 10);
    loop::Socket client = running.connect();
    EXPECT_EQ(receive(client), 'g');
    running.runner->drain(Drain::gently);
    running.runner->drain(Drain::soon);
    send(client, 'x');
    EXPECT_EQ(receive(client), 'x') << "it is still served";
    client.close();
    running.thread.join();
    EXPECT_EQ(running.handlers.drains, (std::vector{Drain::gently, Drain::soon}))
        << "the handler is told each";
    EXPECT_EQ(running.connections(), 0u);
    EXPECT_TRUE(running.is_in(SlotState::open));
}

TEST_P(EachRunner, draining_ends_one_that_waits) {
    Running running(GetParam(), 10);
    support::wait_until("it is ready", [&] { return running.is_in(SlotState::ready); });
    running.runner->drain(Drain::gently);
    running.thread.join();
}

TEST_P(EachRunner, stopping_cuts_what_is_open) {
    Running running(GetParam(), 10);
    const loop::Socket client = running.connect();
    EXPECT_EQ(receive(client), 'g');
    running.runner->stop();
    running.thread.join();
    EXPECT_EQ(receive(client), '\0');
}

TEST_P(EachRunner, accepts_as_many_as_its_budget_and_then_drains) {
    Running running(GetParam(), 10, 3);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(receive(running.connect()), 'g') << i;
    const loop::Socket late = running.connect();
    running.thread.join();
    EXPECT_EQ(running.board.slot().accepted.get(), 3u);
    EXPECT_FALSE(has_octet(late)) << "it waits for another child";
}

TEST_P(EachRunner, obeys_words_of_the_supervisor_and_its_end) {
    for (const bool says_a_word : {true, false}) {
        auto [ours, theirs] = make_control_pair();
        std::vector<ControlWord> words;
        EchoFactory handlers;
        support::OneThread board(10);
        AcceptBudget budget(0);
        RunnerOptions options;
        options.slots = 10;
        options.slot = &board.slot();
        options.row = &board.scoreboard.row(0);
        options.surroundings = &board.surroundings;
        options.budget = &budget;
        const auto runner = make_runner(GetParam(), handlers, options);
        runner->watch_control(theirs, [&](const ReceivedWord& received) {
            words.push_back(*received.word);
            runner->drain(Drain::soon);
        });
        if (says_a_word) {
            EXPECT_TRUE(send_word(ours, ControlWord::drain));
        } else {
            ours.close();
        }
        runner->run();
        const auto expected = says_a_word ? ControlWord::drain : ControlWord::finish;
        EXPECT_EQ(words, std::vector{expected});
    }
}

TEST(AcceptBudget, counts_down_and_takes_back) {
    AcceptBudget none(0);
    for (int i = 0; i < 10; i++)
        EXPECT_TRUE(none.take());
    EXPECT_FALSE(none.is_spent());
    AcceptBudget two(2);
    EXPECT_TRUE(two.take());
    EXPECT_TRUE(two.take());
    EXPECT_TRUE(two.is_spent());
    EXPECT_FALSE(two.take());
    EXPECT_FALSE(two.take()) << "what was refused is not counted";
    two.give_back();
    EXPECT_FALSE(two.is_spent());
    EXPECT_TRUE(two.take());
    EXPECT_TRUE(two.is_spent());
}

}  // namespace
}  // namespace headgate::mpm
