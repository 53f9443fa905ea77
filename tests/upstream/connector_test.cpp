// Connecting and resolving without a network: literals, the hosts file, refused ports, unix
// sockets.
#include "upstream/connector.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "mpm/loop/scope.h"
#include "tests/support/manual_clock.h"

namespace headgate::upstream {
namespace {

using namespace std::chrono_literals;
using net::FailureKind;
using support::ManualLoop;
using Connected = net::Result<std::unique_ptr<net::PlainTransport>>;
using Addresses = net::Result<std::vector<loop::Address>>;

loop::Task<void> run_connect(loop::Loop& loop, Resolver& resolver, const Endpoint& endpoint,
                             std::optional<Connected>& result) {
    ConnectOptions options;
    options.timeout = 2s;
    result = co_await connect(loop, resolver, endpoint, options);
}

loop::Task<void> run_resolve(Resolver& resolver, const std::string& host,
                             std::optional<Addresses>& result) {
    result = co_await resolver.resolve(host, 8080, loop::Deadline::after(2s));
}

struct Rig {
    const Connected& connect(const Endpoint& endpoint) {
        scope.spawn(run_connect(manual.loop, resolver, endpoint, connected));
        finish();
        return *connected;
    }
    const Addresses& resolve(const std::string& host) {
        scope.spawn(run_resolve(resolver, host, resolved));
        finish();
        return *resolved;
    }
    /// The clock moves only when nothing else does.
    void finish() {
        for (int i = 0; i < 200 && scope.size() > 0; i++) {
            manual.settle();
            manual.clock.advance(50ms);
        }
        HEADGATE_ASSERT(scope.size() == 0);
    }
    ManualLoop manual;
    Resolver resolver{manual.loop};
    loop::Scope scope{manual.loop};
    std::optional<Connected> connected;
    std::optional<Addresses> resolved;
};

TEST(Resolver, a_literal_is_its_own_address) {
    const struct {
        const char* host;
        const char* text;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1:8080"},
        {"192.0.2.7", "192.0.2.7:8080"},
        {"::1", "[::1]:8080"},
        {"2001:db8::1", "[2001:db8::1]:8080"},
    };
    for (const auto& each : cases) {
        Rig rig;
        const Addresses& addresses = rig.resolve(each.host);
        ASSERT_TRUE(addresses);
        ASSERT_EQ(addresses->size(), 1u);
        EXPECT_EQ(addresses->front().text(), each.text);
    }
}

TEST(Resolver, knows_the_hosts_file) {
    Rig rig;
    const Addresses& addresses = rig.resolve("localhost");
    ASSERT_TRUE(addresses);
    for (const loop::Address& address : *addresses) {
        EXPECT_TRUE(address.host_text() == "127.0.0.1" || address.host_text() == "::1")
            << address.text();
        EXPECT_EQ(address.port(), 8080);
    }
    const std::size_t count = addresses->size();
    ASSERT_TRUE(rig.resolve("localhost"));
    EXPECT_EQ(rig.resolved->operator*().size(), count) << "the second answer comes from memory";
}

struct Listener {
    Listener() : listening(loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {})) {
        HEADGATE_ASSERT(listening.error == 0);
        endpoint.host = "127.0.0.1";
        endpoint.port = loop::Address::of_socket(listening.socket.descriptor()).port();
    }
    loop::Listening listening;
    Endpoint endpoint;
};

TEST(Connect, to_a_literal_and_by_name) {
    for (const char* host : {"127.0.0.1", "localhost"}) {
        Listener listener;
        listener.endpoint.host = host;
        Rig rig;
        const Connected& connected = rig.connect(listener.endpoint);
        ASSERT_TRUE(connected) << host;
        loop::AcceptResult accepted = loop::accept_one(listener.listening.socket.descriptor());
        ASSERT_TRUE(accepted.socket.is_open());
        const iovec piece{const_cast<char*>("x"), 1};
        EXPECT_TRUE((*connected)->try_write({&piece, 1}).is_done());
        char octet = 0;
        EXPECT_EQ(::recv(accepted.socket.descriptor(), &octet, 1, 0), 1);
    }
}

TEST(Connect, a_refused_port_is_unreachable) {
    Listener listener;
    listener.listening.socket.close();
    Rig rig;
    const Connected& connected = rig.connect(listener.endpoint);
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, FailureKind::unreachable);
    EXPECT_EQ(connected.error().error, ECONNREFUSED);
    EXPECT_EQ(connected.error().side, net::Side::upstream);
    EXPECT_EQ(connected.error().phase, net::phase::connect);
}

/// A unix socket in a folder of its own.
struct UnixListener {
    UnixListener() {
        char name[] = "/tmp/headgate-unix-XXXXXX";
        folder = ::mkdtemp(name);
        endpoint.unix_path = folder + "/socket";
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, endpoint.unix_path.c_str());
        socket = loop::Socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
        HEADGATE_ASSERT(::bind(socket.descriptor(), reinterpret_cast<sockaddr*>(&address),
                               sizeof address) == 0);
        HEADGATE_ASSERT(::listen(socket.descriptor(), 5) == 0);
    }
    ~UnixListener() {
        ::unlink(endpoint.unix_path.c_str());
        ::rmdir(folder.c_str());
    }
    std::string folder;
    Endpoint endpoint;
    loop::Socket socket;
};

TEST(Connect, to_a_unix_socket) {
    UnixListener listener;
    Rig rig;
    EXPECT_TRUE(rig.connect(listener.endpoint));
    EXPECT_TRUE(loop::accept_one(listener.socket.descriptor()).socket.is_open());
}

TEST(Connect, says_why_a_unix_socket_fails) {
    UnixListener listener;
    listener.endpoint.unix_path += "-not-there";
    Rig rig;
    ASSERT_FALSE(rig.connect(listener.endpoint));
    EXPECT_EQ(rig.connected->error().error, ENOENT);
    EXPECT_EQ(rig.connected->error().kind, FailureKind::unreachable);
    listener.endpoint.unix_path = listener.folder + "/socket";

    Endpoint too_long;
    too_long.unix_path = "/" + std::string(200, 'x');
    Rig other;
    ASSERT_FALSE(other.connect(too_long));
    EXPECT_EQ(other.connected->error().error, ENAMETOOLONG);
}

TEST(Connect, can_be_cancelled) {
    // Nobody answers there: TEST-NET-1 is routed nowhere. Where there is no route at all, the
    // failure comes at once, and there is nothing to cancel.
    Endpoint endpoint;
    endpoint.host = "192.0.2.1";
    endpoint.port = 81;
    const auto frames = loop::frame_cache::frames_in_use();
    {
        Rig rig;
        rig.scope.spawn(run_connect(rig.manual.loop, rig.resolver, endpoint, rig.connected));
        rig.scope.cancel();
        rig.manual.settle();
        ASSERT_EQ(rig.scope.size(), 0u);
        ASSERT_TRUE(rig.connected);
        ASSERT_FALSE(*rig.connected);
        const FailureKind kind = rig.connected->error().kind;
        EXPECT_TRUE(kind == FailureKind::cancelled || kind == FailureKind::unreachable);
    }
    EXPECT_EQ(loop::frame_cache::frames_in_use(), frames);
}

TEST(Connect, times_out) {
    Endpoint endpoint;
    endpoint.host = "192.0.2.1";
    endpoint.port = 81;
    Rig rig;
    ASSERT_FALSE(rig.connect(endpoint));
    const FailureKind kind = rig.connected->error().kind;
    EXPECT_TRUE(kind == FailureKind::upstream_silent || kind == FailureKind::unreachable)
        << net::name(kind);
}

}  // namespace
}  // namespace headgate::upstream
