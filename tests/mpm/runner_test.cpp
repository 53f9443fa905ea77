// The many-runner on a thread of its own: connections side by side up to its slots, draining,
// stopping. Clients block on their sockets: an octet from the handler is the barrier.
#include "mpm/runner.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>

namespace headgate::mpm {
namespace {

constexpr loop::Phase waiting{0};

/// Greets a connection with one octet, echoes octets, and ends with it. Draining is told to nobody.
class Echo final : public ConnectionHandler {
public:
    Echo(loop::Loop& loop, int& drains) : loop_(loop), drains_(drains) {}

    loop::Task<void> serve(Accepted accepted) override {
        const int descriptor = accepted.socket.descriptor();
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
    void drain() override { drains_++; }
    void apply(const ControlMessage&) override {}

private:
    loop::Loop& loop_;
    int& drains_;
};

class EchoFactory final : public HandlerFactory {
public:
    std::unique_ptr<ConnectionHandler> make(loop::Loop& loop) override {
        return std::make_unique<Echo>(loop, drains);
    }
    int drains = 0;
};

/// A runner on a thread, with a listener of its own.
struct Running {
    explicit Running(std::size_t slots)
        : listening(loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {})),
          runner(handlers, {{listening.socket.descriptor()}, slots, false}),
          thread([this] { runner.run(); }) {}
    ~Running() {
        runner.stop();
        if (thread.joinable()) thread.join();
    }
    loop::Socket connect() {
        const auto address = loop::Address::of_socket(listening.socket.descriptor());
        loop::Socket socket(::socket(AF_INET, SOCK_STREAM, 0));
        EXPECT_EQ(::connect(socket.descriptor(), address.data(), address.size()), 0);
        return socket;
    }
    EchoFactory handlers;
    loop::Listening listening;
    ManyRunner runner;
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

TEST(ManyRunner, serves_connections_side_by_side) {
    Running running(1000);
    std::vector<loop::Socket> clients;
    for (int i = 0; i < 100; i++)
        clients.push_back(running.connect());
    for (const auto& client : clients)
        EXPECT_EQ(receive(client), 'g');
    EXPECT_EQ(running.runner.connections(), 100u);
    for (const auto& client : clients)
        send(client, 'x');
    for (const auto& client : clients)
        EXPECT_EQ(receive(client), 'x');
}

TEST(ManyRunner, takes_no_more_than_its_slots) {
    Running running(2);
    loop::Socket first = running.connect();
    const loop::Socket second = running.connect();
    EXPECT_EQ(receive(first), 'g');
    EXPECT_EQ(receive(second), 'g');
    const loop::Socket third = running.connect();
    send(second, 'x');
    EXPECT_EQ(receive(second), 'x');
    EXPECT_FALSE(has_octet(third));
    EXPECT_EQ(running.runner.connections(), 2u);
    first.close();
    EXPECT_EQ(receive(third), 'g') << "a slot became free";
}

TEST(ManyRunner, draining_waits_for_what_is_open) {
    Running running(10);
    loop::Socket client = running.connect();
    EXPECT_EQ(receive(client), 'g');
    running.runner.drain();
    running.runner.drain();
    send(client, 'x');
    EXPECT_EQ(receive(client), 'x') << "it is still served";
    client.close();
    running.thread.join();
    EXPECT_EQ(running.handlers.drains, 1);
    EXPECT_EQ(running.runner.connections(), 0u);
}

TEST(ManyRunner, stopping_cuts_what_is_open) {
    Running running(10);
    const loop::Socket client = running.connect();
    EXPECT_EQ(receive(client), 'g');
    running.runner.stop();
    running.thread.join();
    EXPECT_EQ(receive(client), '\0');
}

}  // namespace
}  // namespace headgate::mpm
