// TLS 1.2 over TCP, which the kernel does where it can (tests/kernel_tls runs these on one that
// does): what was not taken at once, and the end behind what still waits. Elsewhere OpenSSL passes.
#include "proxy/net/tls_kernel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "mpm/loop/socket.h"
#include "proxy/net/tls_context.h"
#include "tests/support/certificates.h"
#include "tests/support/content_pattern.h"
#include "tests/support/manual_clock.h"

namespace headgate::net {
namespace {

using State = Tried::State;

constexpr int small_buffer = 4096, unsent = 16 * 1024;

std::shared_ptr<TlsContext> context(TlsContext::Role role) {
    auto made = std::make_shared<TlsContext>(role);
    EXPECT_EQ(made->command("MaxProtocol", "TLSv1.2", "/"), "");
    use_kernel_tls(made->native());
    if (role == TlsContext::Role::client) return made;
    const support::Issued issued = support::Authority().issue("server.test", "EC");
    EXPECT_EQ(made->add_credential({issued.certificate, issued.key, ""}).text, "");
    return made;
}

/// A client and a server with little room between them.
struct Rig {
    Rig() {
        auto listening = loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {});
        HEADGATE_ASSERT(listening.error == 0);
        const int descriptor = listening.socket.descriptor();
        ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small_buffer, sizeof small_buffer);
        auto connecting = loop::start_connect(loop::Address::of_socket(descriptor));
        auto accepted = loop::accept_one(descriptor);
        HEADGATE_ASSERT(accepted.socket.is_open());
        client = transport(std::move(connecting.socket), TlsContext::Role::client);
        server = transport(std::move(accepted.socket), TlsContext::Role::server);
        while (!is_agreed) {
            manual.settle();
            const Tried first = client->try_handshake();
            const Tried second = server->try_handshake();
            HEADGATE_ASSERT(first.state != State::error && second.state != State::error);
            is_agreed = first.is_done() && second.is_done();
        }
    }
    std::unique_ptr<TlsTransport> transport(loop::Socket socket, TlsContext::Role role) {
        socket.tune_for_relay(unsent);
        auto plain = std::make_unique<PlainTransport>(manual.loop, std::move(socket));
        return std::make_unique<TlsTransport>(std::move(plain), context(role));
    }
    /// As much as there is, `most` at most.
    void read(std::size_t most) {
        std::string octets(most, 0);
        manual.settle();
        last = server->try_read(octets);
        got.append(octets, 0, last.bytes);
    }
    /// All of it, in writes of `size` from a place that is used again for the next.
    void write(const std::string& content, std::size_t size) {
        for (std::size_t at = 0; at < content.size();) {
            std::string place(content, at, size);
            const iovec piece{place.data(), place.size()};
            const Tried tried = client->try_write({&piece, 1});
            ASSERT_NE(tried.state, State::error);
            at += tried.bytes;
            place.assign(place.size(), '#');
            if (tried.would_block()) read(2000);
        }
    }
    support::ManualLoop manual;
    std::unique_ptr<TlsTransport> client, server;
    bool is_agreed = false;
    std::string got;
    Tried last;
};

TEST(TlsKernel, is_used_where_it_is_offered) {
    Rig rig;
    EXPECT_EQ(kernel_tls_of(*rig.client).sends, kernel_offers_tls());
    EXPECT_EQ(kernel_tls_of(*rig.server).receives, kernel_offers_tls());
}

/// What did not go at once is written again from another place; and the last octets, which wait for
/// a slow reader when the connection ends, come before its end.
TEST(TlsKernel, sends_everything_to_who_reads_slowly) {
    for (const std::size_t size : {1000u, 16384u, 50'000u}) {
        Rig rig;
        std::string content;
        support::append_pattern(content, 0, 400'000 + size / 3);
        rig.write(content, size);
        rig.client->finish_writing();
        for (int i = 0; i < 100'000 && (rig.last.is_done() || rig.last.would_block()); i++)
            rig.read(2000);
        EXPECT_EQ(rig.last.state, State::end) << size;
        EXPECT_TRUE(rig.got == content) << size << ": " << rig.got.size();
    }
}

}  // namespace
}  // namespace headgate::net
