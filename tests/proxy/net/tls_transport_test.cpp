// TLS as a transport: two of them over a pair of sockets, stepped by hand: handshakes, records,
// ends with and without close_notify, and what is put back.
#include "proxy/net/tls_transport.h"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <string>

#include "mpm/loop/scope.h"
#include "proxy/net/tls_peer.h"
#include "tests/proxy/net/tls_rig.h"

namespace headgate::net {
namespace {

using namespace tls_rig;
using namespace std::chrono_literals;
using State = Tried::State;

TEST(TlsTransport, carries_octets_both_ways) {
    for (const char* kind : {"EC", "RSA"}) {
        Rig rig(server_context(kind));
        ASSERT_TRUE(rig.shake());
        EXPECT_TRUE(rig.write(*rig.client, "hello").is_done());
        EXPECT_EQ(rig.read(*rig.server), "hello");
        EXPECT_EQ(rig.read(*rig.server), "");
        EXPECT_EQ(rig.last.state, State::want_read);
        EXPECT_FALSE(rig.server->is_ready(Want::read));
        EXPECT_TRUE(rig.write(*rig.server, "world").is_done());
        EXPECT_EQ(rig.read(*rig.client), "world");
        EXPECT_EQ(tls_fact(*rig.server, "SSL_PROTOCOL"), "TLSv1.3");
        EXPECT_EQ(tls_fact(*rig.client, "SSL_CLIENT_S_DN"), "CN=server.test");
    }
}

TEST(TlsTransport, gathers_pieces_into_one_record) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    std::string a = "head ", b = "and ", c(20'000, 'c');
    const iovec pieces[] = {{a.data(), a.size()}, {b.data(), b.size()}, {c.data(), c.size()}};
    EXPECT_EQ(rig.client->try_write(pieces).bytes, 20'009u);
    std::string all;
    while (true) {
        const std::string got = rig.read(*rig.server);
        if (got.empty()) break;
        all += got;
    }
    EXPECT_EQ(all, a + b + c);
}

/// Full records that have arrived are read together, and nothing is awaited behind the last.
TEST(TlsTransport, reads_full_records_together) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    const std::string content(3 * 16 * 1024 + 5, 'x');
    EXPECT_EQ(rig.write(*rig.client, content).bytes, content.size());
    EXPECT_EQ(rig.read(*rig.server).size(), content.size());
    EXPECT_EQ(rig.read(*rig.server), "");
    EXPECT_EQ(rig.last.state, State::want_read);
    EXPECT_TRUE(rig.write(*rig.client, content.substr(5)).is_done());  // ends with a full one
    EXPECT_EQ(rig.read(*rig.server).size(), content.size() - 5);
    EXPECT_FALSE(rig.server->is_ready(Want::read));
}

/// The kernel is told that records of one write belong together, but nothing waits there for more
/// when the write is over: neither the last record nor what is written by itself.
TEST(TlsTransport, a_write_leaves_nothing_behind_in_the_kernel) {
    Rig rig(server_context(), client_context(), tcp_connection());
    ASSERT_TRUE(rig.shake());
    const auto unsent = [&] {
        int octets = -1;
        EXPECT_EQ(::ioctl(rig.raw_server, SIOCOUTQNSD, &octets), 0);
        return octets;
    };
    for (const std::size_t size : {2 * 16 * 1024 + 5, 2 * 16 * 1024, 5}) {
        const std::string content(size, 'x');
        EXPECT_EQ(rig.write(*rig.server, content).bytes, size);
        EXPECT_EQ(unsent(), 0) << size;
        EXPECT_EQ(rig.read(*rig.client).size(), size);
    }
}

/// Octets that are decrypted already make it ready: no edge would come for them.
TEST(TlsTransport, is_ready_while_it_holds_octets) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    rig.write(*rig.client, "hello");
    EXPECT_EQ(rig.read(*rig.server, 2), "he");
    EXPECT_TRUE(rig.server->is_ready(Want::read));
    EXPECT_TRUE(rig.server->has_news(false));
    EXPECT_EQ(rig.read(*rig.server, 20), "llo");
    EXPECT_EQ(rig.read(*rig.server), "");
    EXPECT_FALSE(rig.server->is_ready(Want::read));
}

TEST(TlsTransport, unread_octets_come_first) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    rig.write(*rig.client, "later");
    rig.server->unread("first ");
    EXPECT_TRUE(rig.server->has_unread());
    EXPECT_EQ(rig.read(*rig.server), "first ");
    EXPECT_EQ(rig.read(*rig.server), "later");
}

/// What a peer said before it left does not make a failed write an end: nobody would stop trying.
TEST(TlsTransport, a_write_to_who_said_goodbye_and_left_fails) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    rig.client.reset();
    EXPECT_EQ(rig.read(*rig.server), "");
    EXPECT_EQ(rig.last.state, State::end);
    const Tried tried = rig.write(*rig.server, "too late");
    EXPECT_EQ(tried.state, State::error);
    EXPECT_EQ(tried.error, EPIPE);
    EXPECT_EQ(rig.write(*rig.server, "again").state, State::error);
}

TEST(TlsTransport, an_announced_end_is_an_end) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    rig.write(*rig.client, "all");
    rig.client->finish_writing();
    EXPECT_EQ(rig.read(*rig.server, 3), "all");
    EXPECT_EQ(rig.read(*rig.server), "");
    EXPECT_EQ(rig.last.state, State::end);
    EXPECT_TRUE(rig.write(*rig.server, "still").is_done()) << "half closed";
    EXPECT_EQ(rig.read(*rig.client), "still");
}

TEST(TlsTransport, an_end_without_close_notify_is_an_error) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    rig.write(*rig.server, "part");
    ::shutdown(rig.raw_server, SHUT_WR);
    EXPECT_EQ(rig.read(*rig.client, 4), "part");
    EXPECT_EQ(rig.read(*rig.client), "");
    EXPECT_EQ(rig.last.state, State::error);
    EXPECT_EQ(rig.last.error, ended_without_notice);
    EXPECT_EQ(rig.read(*rig.client), "");
    EXPECT_EQ(rig.last.error, ended_without_notice) << "and stays one";
}

TEST(TlsTransport, nonsense_is_an_error) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    ASSERT_EQ(::send(rig.raw_server, "nonsense nonsense", 17, 0), 17);
    EXPECT_EQ(rig.read(*rig.client), "");
    EXPECT_EQ(rig.last.error, broken_tls);
}

/// A record that was begun cannot be taken back: what it holds must come next.
TEST(TlsTransport, a_write_that_blocks_goes_on_with_the_same_octets) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    std::string sent;
    std::string octets;
    for (int i = 0; sent.size() < (4u << 20) && !rig.client->is_committed(); i++) {
        octets = std::string(50'000, static_cast<char>('a' + i % 26));
        const Tried tried = rig.write(*rig.client, octets);
        sent += octets.substr(0, tried.bytes);
        octets.erase(0, tried.bytes);
    }
    ASSERT_TRUE(rig.client->is_committed());
    EXPECT_FALSE(rig.client->is_ready(Want::write));
    const std::string rest = octets + "more";
    std::string got = rig.read(*rig.server, 8 << 20);
    std::size_t at = 0;
    for (int i = 0; i < 1000 && got.size() < sent.size() + rest.size(); i++) {
        rig.manual.settle();
        if (at < rest.size()) {
            at += rig.write(*rig.client, std::string_view(rest).substr(at)).bytes;
        }
        got += rig.read(*rig.server, 8 << 20);
    }
    EXPECT_EQ(got.size(), sent.size() + rest.size());
    EXPECT_TRUE(got == sent + rest);
    EXPECT_FALSE(rig.client->is_committed());
}

TEST(TlsTransport, plain_octets_are_no_handshake) {
    Rig rig;
    rig.server->unread("");
    ASSERT_EQ(::send(rig.raw_server, "x", 1, 0), 1);
    rig.client->try_handshake();
    ASSERT_EQ(::send(rig.raw_server, "HTTP/1.1 400 Bad\r\n\r\n", 20, 0), 20);
    rig.manual.settle();
    EXPECT_EQ(rig.client->try_handshake().state, State::error);
    EXPECT_STRNE(rig.client->fault(), "");
}

/// RFC 8446 section 4.6.3 sets no limit to new keys; whoever reads them does nothing else
/// meanwhile.
TEST(TlsTransport, endless_new_keys_are_not_read) {
    for (const bool is_client : {true, false}) {
        Rig rig;
        ASSERT_TRUE(rig.shake());
        TlsTransport& from = is_client ? *rig.client : *rig.server;
        TlsTransport& to = is_client ? *rig.server : *rig.client;
        for (int i = 0; i < 100; i++) {
            ASSERT_EQ(SSL_key_update(from.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
            rig.write(from, "one for 17 octets");
            EXPECT_EQ(rig.read(to), "one for 17 octets");
        }
        int sent = 0;
        for (; sent < 100 && rig.last.state != State::error; sent++) {
            ASSERT_EQ(SSL_key_update(from.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
            ASSERT_EQ(SSL_do_handshake(from.ssl()), 1);
            rig.read(to);
        }
        EXPECT_EQ(sent, 33);
        EXPECT_EQ(rig.last.error, broken_tls);
        EXPECT_STREQ(to.fault(), "too many messages of TLS without content");
    }
}

/// What only looks whether there is news reads them too.
TEST(TlsTransport, endless_tickets_are_news) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    EXPECT_FALSE(rig.client->has_news(true)) << "a ticket";
    for (int i = 0; i < 32; i++) {
        ASSERT_EQ(SSL_new_session_ticket(rig.server->ssl()), 1);
        ASSERT_EQ(SSL_do_handshake(rig.server->ssl()), 1);
        rig.manual.settle();
        EXPECT_EQ(rig.client->has_news(true), i == 31) << i;
    }
}

loop::Task<void> await_handshake(TlsTransport& transport, Side side, Result<void>& result) {
    const loop::Deadline deadline = loop::Deadline::after(5s);
    result = co_await handshake(transport, side, deadline);
}

TEST(TlsTransport, handshakes_park_and_have_a_deadline) {
    Rig rig;
    loop::Scope scope(rig.manual.loop);
    Result<void> client = Failure{};
    Result<void> server = Failure{};
    scope.spawn(await_handshake(*rig.client, Side::upstream, client));
    rig.manual.settle();
    scope.spawn(await_handshake(*rig.server, Side::client, server));
    rig.manual.settle();
    EXPECT_TRUE(client);
    EXPECT_TRUE(server);

    Rig silent;
    loop::Scope other(silent.manual.loop);
    other.spawn(await_handshake(*silent.client, Side::upstream, client));
    silent.manual.settle();
    silent.manual.pass_time(6s);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().side, Side::timeout);
    EXPECT_EQ(client.error().kind, FailureKind::upstream_silent);
    EXPECT_EQ(client.error().phase, phase::upstream_tls);
}

}  // namespace
}  // namespace headgate::net
