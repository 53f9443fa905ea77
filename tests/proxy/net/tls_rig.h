// Two TLS transports over a pair of sockets, stepped by hand, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>

#include "proxy/net/tls_context.h"
#include "proxy/net/tls_sessions.h"
#include "proxy/net/tls_transport.h"
#include "tests/support/certificates.h"
#include "tests/support/manual_clock.h"

namespace headgate::net::tls_rig {

using Context = std::shared_ptr<TlsContext>;

inline support::Authority& authority() {
    static support::Authority made;
    return made;
}

inline Context server_context(const char* kind = "EC") {
    auto context = std::make_shared<TlsContext>(TlsContext::Role::server);
    const support::Issued issued = authority().issue("server.test", kind);
    const auto problem = context->add_credential({issued.certificate, issued.key, ""});
    EXPECT_EQ(problem.text, "");
    context->set_identity("test");
    return context;
}

inline Context client_context() {
    return std::make_shared<TlsContext>(TlsContext::Role::client);
}

using Ends = std::pair<loop::Socket, loop::Socket>;  // the server's, the client's

inline Ends socket_pair() {
    int ends[2];
    HEADGATE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    return {loop::Socket(ends[0]), loop::Socket(ends[1])};
}

inline Ends tcp_connection() {
    auto listening = loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {});
    HEADGATE_ASSERT(listening.error == 0);
    auto connecting = loop::start_connect(loop::Address::of_socket(listening.socket.descriptor()));
    auto accepted = loop::accept_one(listening.socket.descriptor());
    HEADGATE_ASSERT(accepted.socket.is_open());
    accepted.socket.tune_for_relay(1024 * 1024);
    connecting.socket.tune_for_relay(1024 * 1024);
    return {std::move(accepted.socket), std::move(connecting.socket)};
}

/// A client and a server over a pair of sockets.
struct Rig {
    explicit Rig(Context server = server_context(), Context client = client_context(),
                 Ends ends = socket_pair()) {
        auto plain = [&](loop::Socket end) {
            return std::make_unique<PlainTransport>(manual.loop, std::move(end));
        };
        raw_server = ends.first.descriptor();
        this->server =
            std::make_unique<TlsTransport>(plain(std::move(ends.first)), std::move(server));
        this->client =
            std::make_unique<TlsTransport>(plain(std::move(ends.second)), std::move(client));
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

}  // namespace headgate::net::tls_rig
