// TLS as a transport: two of them over a pair of sockets, stepped by hand: handshakes, records,
// ends with and without close_notify, and what is put back.
#include "proxy/net/tls_transport.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "mpm/loop/scope.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_peer.h"
#include "proxy/net/tls_sessions.h"
#include "proxy/net/tls_tickets.h"
#include "tests/support/certificates.h"
#include "tests/support/manual_clock.h"

namespace headgate::net {
namespace {

using namespace std::chrono_literals;
using State = Tried::State;
using Context = std::shared_ptr<TlsContext>;

support::Authority& authority() {
    static support::Authority made;
    return made;
}

Context server_context(const char* kind = "EC") {
    auto context = std::make_shared<TlsContext>(TlsContext::Role::server);
    const support::Issued issued = authority().issue("server.test", kind);
    const auto problem = context->add_credential({issued.certificate, issued.key, ""});
    EXPECT_EQ(problem.text, "");
    context->set_identity("test");
    return context;
}

Context client_context() {
    return std::make_shared<TlsContext>(TlsContext::Role::client);
}

/// A client and a server over a pair of sockets.
struct Rig {
    explicit Rig(Context server = server_context(), Context client = client_context()) {
        int ends[2];
        HEADGATE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        auto plain = [&](int end) {
            return std::make_unique<PlainTransport>(manual.loop, loop::Socket(end));
        };
        raw_server = ends[0];
        this->server = std::make_unique<TlsTransport>(plain(ends[0]), std::move(server));
        this->client = std::make_unique<TlsTransport>(plain(ends[1]), std::move(client));
        manual.settle();
    }
    /// Both handshakes, as far as they go.
    bool shake() {
        for (int i = 0; i < 20; i++) {
            manual.settle();
            last_client = client->try_handshake();
            manual.settle();
            last_server = server->try_handshake();
            if (last_client.is_done() && last_server.is_done()) return true;
        }
        return false;
    }
    std::string read(TlsTransport& from, std::size_t room = 65536) {
        manual.settle();
        std::string octets(room, 0);
        last = from.try_read(octets);
        octets.resize(last.bytes);
        return octets;
    }
    Tried write(TlsTransport& to, std::string_view text) {
        const iovec piece{const_cast<char*>(text.data()), text.size()};
        return to.try_write({&piece, 1});
    }
    support::ManualLoop manual;
    TlsSessions sessions;
    int raw_server = -1;
    std::unique_ptr<TlsTransport> server;
    std::unique_ptr<TlsTransport> client;
    Tried last, last_client, last_server;
};

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
    EXPECT_EQ(client.error().phase, phase::tls);
}

/// Ticket keys are what two contexts have in common; the identity decides who may resume where.
TEST(TlsTransport, resumes_with_shared_tickets) {
    TlsTickets tickets;
    TlsSessions sessions;
    const Context client = client_context();
    const auto visit = [&](const char* identity) {
        const Context server = server_context();
        server->use_tickets(&tickets, 300, {});
        server->set_identity(identity);
        Rig rig(server, client);
        rig.client->resume_from(sessions, "key");
        EXPECT_TRUE(rig.shake());
        rig.write(*rig.server, "x");
        EXPECT_EQ(rig.read(*rig.client), "x");
        return tls_fact(*rig.server, "SSL_SESSION_RESUMED");
    };
    EXPECT_EQ(visit("one"), "Initial");
    EXPECT_EQ(visit("one"), "Resumed");
    tickets.rotate();
    tickets.rotate();
    EXPECT_EQ(visit("one"), "Resumed") << "two keys back";
    EXPECT_EQ(visit("other"), "Initial");
    for (int i = 0; i < 3; i++)
        tickets.rotate();
    EXPECT_EQ(visit("other"), "Initial") << "its key is gone";
}

/// A virtual host with keys of its own has nothing to do with the others' turns.
TEST(TlsTransport, resumes_by_keys_of_its_own) {
    EXPECT_FALSE(TlsTicketKey::read(std::string(47, 'x')));
    EXPECT_FALSE(TlsTicketKey::read(""));
    const TlsTicketKey first = *TlsTicketKey::read(std::string(48, '1'));
    const TlsTicketKey second = *TlsTicketKey::read(std::string(80, '2'));
    TlsTickets tickets;
    TlsSessions sessions;
    const Context client = client_context();
    const auto visit = [&](std::vector<TlsTicketKey> own) {
        const Context server = server_context();
        server->use_tickets(&tickets, 300, std::move(own));
        server->set_identity("one");
        Rig rig(server, client);
        rig.client->resume_from(sessions, "key");
        EXPECT_TRUE(rig.shake());
        rig.write(*rig.server, "x");
        EXPECT_EQ(rig.read(*rig.client), "x");
        return tls_fact(*rig.server, "SSL_SESSION_RESUMED");
    };
    EXPECT_EQ(visit({}), "Initial");
    EXPECT_EQ(visit({first}), "Resumed") << "sealed before there was a file";
    for (int i = 0; i < 9; i++)
        tickets.rotate();
    EXPECT_EQ(visit({first}), "Resumed");
    EXPECT_EQ(visit({second, first}), "Resumed");
    EXPECT_EQ(visit({first}), "Initial") << "the second one has sealed it";
}

/// A reload, or a program that takes over, goes on with the same age: else often enough reloaded
/// keys would never rotate.
TEST(TlsTransport, tickets_keep_the_age_of_their_key) {
    const std::time_t begun = std::time(nullptr);
    TlsTickets tickets;
    EXPECT_GE(tickets.sealing_since(), begun);
    EXPECT_LE(tickets.sealing_since(), std::time(nullptr));
    const auto adopted = TlsTickets::adopt(::dup(tickets.descriptor()));
    ASSERT_NE(adopted, nullptr);
    EXPECT_EQ(adopted->sealing_since(), tickets.sealing_since());
    tickets.rotate();
    EXPECT_EQ(adopted->sealing_since(), tickets.sealing_since());
}

TEST(TlsTransport, verifies_clients) {
    using Verify = TlsContext::Verify;
    const support::Issued known = authority().issue("client.test");
    support::Authority stranger("Stranger");
    const support::Issued unknown = stranger.issue("client.test");
    const struct {
        Verify mode;
        const support::Issued* shown;
        bool is_taken;
        const char* verified;
    } cases[] = {
        {Verify::require, &known, true, "SUCCESS"},
        {Verify::require, &unknown, false, ""},
        {Verify::require, nullptr, false, ""},
        {Verify::optional, nullptr, true, "NONE"},
        {Verify::optional, &unknown, false, ""},
        {Verify::optional_no_ca, &unknown, true, "GENEROUS"},
    };
    for (const auto& each : cases) {
        const Context server = server_context();
        server->verify_peer(each.mode, 1);
        EXPECT_EQ(server->add_authorities(authority().certificate()), "");
        const Context client = client_context();
        if (each.shown != nullptr) {
            client->add_credential({each.shown->certificate, each.shown->key, ""});
        }
        Rig rig(server, client);
        EXPECT_EQ(rig.shake(), each.is_taken);
        if (each.is_taken) {
            EXPECT_EQ(tls_fact(*rig.server, "SSL_CLIENT_VERIFY"), each.verified);
        } else {
            EXPECT_EQ(rig.last_server.state, State::error);
        }
    }
}

/// And none besides, of those that it judges clients by.
TEST(TlsTransport, shows_the_certificates_it_was_given) {
    const support::Issued issued = authority().issue("server.test");
    for (const std::string& more : {std::string(), authority().certificate()}) {
        auto server = std::make_shared<TlsContext>(TlsContext::Role::server);
        EXPECT_EQ(server->add_credential({issued.certificate + more, issued.key, ""}).text, "");
        EXPECT_EQ(server->add_authorities(authority().certificate()), "");
        Rig rig(server);
        ASSERT_TRUE(rig.shake());
        EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(rig.client->ssl())), more.empty() ? 1 : 2);
    }
}

TEST(TlsTransport, refuses_the_revoked) {
    for (const bool is_revoked : {false, true}) {
        const support::Issued shown = authority().issue("client.test");
        const Context server = server_context();
        authority().issue("another");
        const support::Issued last = authority().issue("last.test");
        server->verify_peer(TlsContext::Verify::require, 1);
        server->add_authorities(authority().certificate());
        EXPECT_EQ(server->add_revocations(authority().revoke(is_revoked)), "");
        server->check_revocation(TlsContext::Revocation::leaf, false);
        const Context client = client_context();
        client->add_credential({last.certificate, last.key, ""});
        Rig rig(server, client);
        EXPECT_EQ(rig.shake(), !is_revoked);
        if (is_revoked) {
            EXPECT_STREQ(rig.server->fault(), "certificate revoked");
        }
    }
}

TEST(TlsTransport, checks_upstreams) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    EXPECT_EQ(fault_of_peer(*rig.client, "server.test", {}), nullptr);
    EXPECT_EQ(fault_of_peer(*rig.client, "127.0.0.1", {}), nullptr);
    EXPECT_STREQ(fault_of_peer(*rig.client, "other.test", {}),
                 "the upstream's certificate is for another name");
    using Name = PeerChecks::Name;
    EXPECT_EQ(fault_of_peer(*rig.client, "other.test", {Name::unchecked, true}), nullptr);
    EXPECT_EQ(fault_of_peer(*rig.client, "Server.Test", {Name::common, true}), nullptr);
    EXPECT_STREQ(fault_of_peer(*rig.client, "127.0.0.1", {Name::common, true}),
                 "the upstream's certificate has another common name");
    const auto old = std::make_shared<TlsContext>(TlsContext::Role::server);
    const support::Issued expired = authority().issue("server.test", "EC", -1);
    old->add_credential({expired.certificate, expired.key, ""});
    Rig late(old);
    ASSERT_TRUE(late.shake());
    EXPECT_STREQ(fault_of_peer(*late.client, "server.test", {}),
                 "the upstream's certificate is not valid now");
}

TEST(TlsContext, says_what_is_wrong_with_a_credential) {
    using Where = TlsCredentialProblem::Where;
    TlsContext context(TlsContext::Role::server);
    const support::Issued one = authority().issue("one");
    const support::Issued two = authority().issue("two");
    EXPECT_EQ(context.add_credential({"nothing", one.key, ""}).where, Where::certificate);
    EXPECT_EQ(context.add_credential({one.certificate, "nothing", ""}).where, Where::key);
    EXPECT_EQ(context.add_credential({one.certificate, two.key, ""}).text,
              "the key does not belong to the certificate");
    EXPECT_NE(context.set_ciphers("NONSENSE"), "");
    EXPECT_EQ(context.set_ciphers("HIGH:!aNULL"), "");
    EXPECT_NE(context.command("Nonsense", "x"), "");
    EXPECT_EQ(context.command("Curves", "X25519:P-256"), "");
    EXPECT_TRUE(context.shown().empty());
    EXPECT_EQ(context.add_credential({one.certificate, one.key, ""}).text, "");
    ASSERT_EQ(context.shown().size(), 1u);
    EXPECT_EQ(context.shown()[0].name, "one");
    EXPECT_EQ(context.shown()[0].kind, "EC");
    EXPECT_GT(context.shown()[0].expiry, std::time(nullptr) + 80 * 86400);
}

}  // namespace
}  // namespace headgate::net
