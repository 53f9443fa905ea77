// Plain sockets as transports: short reads, ends, resets, and what is put back.
#include "proxy/net/plain_transport.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "mpm/loop/scope.h"
#include "proxy/net/phase.h"
#include "tests/support/manual_clock.h"

namespace headgate::net {
namespace {

using namespace std::chrono_literals;
using support::ManualLoop;

/// A transport over one end of a connection; the test holds the other. TCP where `is_tcp`, for a
/// socket pair knows no RST.
struct Rig {
    explicit Rig(bool is_tcp = false) {
        is_tcp ? connect() : pair();
        manual.settle();
    }
    void pair() {
        int ends[2];
        HEADGATE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        peer = loop::Socket(ends[1]);
        transport = std::make_unique<PlainTransport>(manual.loop, loop::Socket(ends[0]));
    }
    void connect() {
        auto listening = loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {});
        HEADGATE_ASSERT(listening.error == 0);
        auto connecting =
            loop::start_connect(loop::Address::of_socket(listening.socket.descriptor()));
        auto accepted = loop::accept_one(listening.socket.descriptor());
        HEADGATE_ASSERT(accepted.socket.is_open());
        peer = std::move(connecting.socket);
        transport = std::make_unique<PlainTransport>(manual.loop, std::move(accepted.socket));
    }
    void send(std::string_view text) {
        HEADGATE_ASSERT(::send(peer.descriptor(), text.data(), text.size(), MSG_NOSIGNAL) ==
                        static_cast<ssize_t>(text.size()));
    }
    std::string read(std::size_t room) {
        std::string octets(room, 0);
        last = transport->try_read(octets);
        octets.resize(last.bytes);
        return octets;
    }
    Tried write(std::string_view text) {
        const iovec piece{const_cast<char*>(text.data()), text.size()};
        return transport->try_write({&piece, 1});
    }
    ManualLoop manual;
    loop::Socket peer;
    std::unique_ptr<PlainTransport> transport;
    Tried last;
};

using State = Tried::State;

TEST(PlainTransport, a_short_read_means_drained) {
    Rig rig;
    rig.send("abc");
    EXPECT_EQ(rig.read(16), "abc");
    EXPECT_FALSE(rig.transport->readiness().readable);
    EXPECT_EQ(rig.read(16), "");
    EXPECT_EQ(rig.last.state, State::want_read);
    rig.send("d");
    EXPECT_EQ(rig.read(16), "") << "not told yet: the kernel is not asked";
    rig.manual.settle();
    EXPECT_EQ(rig.read(16), "d");
}

TEST(PlainTransport, a_full_read_means_that_there_may_be_more) {
    Rig rig;
    rig.send("abcd");
    rig.manual.settle();
    EXPECT_EQ(rig.read(2), "ab");
    EXPECT_EQ(rig.read(2), "cd");
    EXPECT_TRUE(rig.transport->readiness().readable);
    EXPECT_EQ(rig.read(2), "");
    EXPECT_EQ(rig.last.state, State::want_read);
    EXPECT_FALSE(rig.transport->readiness().readable);
}

TEST(PlainTransport, the_end_behind_the_last_octets_is_seen) {
    Rig rig;
    rig.send("abc");
    ::shutdown(rig.peer.descriptor(), SHUT_WR);
    rig.manual.settle();
    EXPECT_EQ(rig.read(16), "abc");
    EXPECT_EQ(rig.read(16), "");
    EXPECT_EQ(rig.last.state, State::end);
    EXPECT_TRUE(rig.write("still").is_done());
}

TEST(PlainTransport, the_end_after_a_short_read_is_seen) {
    Rig rig;
    rig.send("abc");
    rig.manual.settle();
    EXPECT_EQ(rig.read(16), "abc");
    ::shutdown(rig.peer.descriptor(), SHUT_WR);
    rig.manual.settle();
    EXPECT_EQ(rig.read(16), "");
    EXPECT_EQ(rig.last.state, State::end);
}

TEST(PlainTransport, a_reset_is_an_error_not_an_end) {
    Rig rig(true);
    rig.peer.reset_on_close();
    rig.peer.close();
    rig.manual.settle();
    EXPECT_TRUE(rig.transport->readiness().failed);
    EXPECT_EQ(rig.read(16), "");
    EXPECT_EQ(rig.last.state, State::error);
    EXPECT_EQ(rig.last.error, ECONNRESET);
    EXPECT_EQ(rig.write("x").state, State::error);
}

TEST(PlainTransport, writing_to_a_closed_peer_raises_no_signal) {
    Rig rig;
    rig.peer.close();
    rig.manual.settle();
    EXPECT_EQ(rig.write("x").state, State::error);
    EXPECT_EQ(rig.write("x").error, EPIPE);
}

TEST(PlainTransport, unread_octets_come_first_and_in_order) {
    Rig rig;
    rig.send("kernel");
    rig.manual.settle();
    rig.transport->unread("second");
    rig.transport->unread("first");
    EXPECT_TRUE(rig.transport->has_unread());
    EXPECT_TRUE(rig.transport->has_news(false));
    EXPECT_EQ(rig.read(3), "fir");
    EXPECT_EQ(rig.read(30), "stsecond");
    EXPECT_FALSE(rig.transport->has_unread());
    EXPECT_EQ(rig.read(30), "kernel");
    rig.transport->unread("");
    EXPECT_FALSE(rig.transport->has_unread());
}

TEST(PlainTransport, writes_until_there_is_no_room) {
    Rig rig;
    const std::string piece(64 * 1024, 'x');
    std::size_t written = 0;
    Tried tried;
    while ((tried = rig.write(piece)).is_done())
        written += tried.bytes;
    EXPECT_EQ(tried.state, State::want_write);
    EXPECT_FALSE(rig.transport->readiness().writable);
    std::string sink(1 << 20, 0);
    std::size_t read = 0;
    while (read < written) {
        const ssize_t count = ::recv(rig.peer.descriptor(), sink.data(), sink.size(), 0);
        ASSERT_GT(count, 0);
        read += count;
    }
    rig.manual.settle();
    EXPECT_TRUE(rig.write("again").is_done());
}

TEST(PlainTransport, has_news_of_octets_end_and_error) {
    Rig quiet;
    EXPECT_FALSE(quiet.transport->has_news(true));
    EXPECT_FALSE(quiet.transport->has_news(false));
    quiet.send("x");
    EXPECT_TRUE(quiet.transport->has_news(true)) << "asked of the kernel, the loop has not looked";
    EXPECT_EQ(quiet.read(16), "x") << "looking takes nothing away";

    Rig ended;
    ended.read(16);
    EXPECT_FALSE(ended.transport->has_news(false));
    ::shutdown(ended.peer.descriptor(), SHUT_WR);
    EXPECT_FALSE(ended.transport->has_news(false));
    EXPECT_TRUE(ended.transport->has_news(true));
    ended.manual.settle();
    EXPECT_TRUE(ended.transport->has_news(false));

    Rig reset(true);
    reset.peer.reset_on_close();
    reset.peer.close();
    EXPECT_TRUE(reset.transport->has_news(true));
}

TEST(PlainTransport, finishing_half_closes) {
    Rig rig;
    rig.transport->finish_writing();
    char octet;
    EXPECT_EQ(::recv(rig.peer.descriptor(), &octet, 1, 0), 0);
    rig.send("abc");
    rig.manual.settle();
    EXPECT_EQ(rig.read(16), "abc");
}

TEST(PlainTransport, resetting_says_so_to_the_peer) {
    Rig rig(true);
    rig.transport->reset_on_close();
    rig.transport.reset();
    char octet;
    EXPECT_EQ(::recv(rig.peer.descriptor(), &octet, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
}

TEST(PlainTransport, gives_its_socket_up_alive) {
    Rig rig;
    loop::Socket socket = rig.transport->release();
    rig.transport.reset();
    EXPECT_EQ(::send(socket.descriptor(), "x", 1, 0), 1);
    char octet;
    EXPECT_EQ(::recv(rig.peer.descriptor(), &octet, 1, 0), 1);
}

loop::Task<void> await_octet(PlainTransport& transport, loop::Wake& wake) {
    wake = co_await wait(transport, Want::read, phase::keep_alive, loop::Deadline::after(1s));
}

TEST(PlainTransport, wakes_its_reader) {
    Rig rig;
    rig.read(16);
    loop::Scope scope(rig.manual.loop);
    loop::Wake wake{};
    scope.spawn(await_octet(*rig.transport, wake));
    rig.manual.settle();
    EXPECT_EQ(wake, loop::Wake::none);
    rig.send("x");
    rig.manual.settle();
    EXPECT_EQ(wake, loop::Wake::ready);
    EXPECT_EQ(rig.read(16), "x");
}

}  // namespace
}  // namespace headgate::net
