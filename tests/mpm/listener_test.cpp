// Listeners: buckets that share an address, and an address that somebody else holds.
#include "mpm/listener.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace headgate::mpm {
namespace {

loop::Address local(std::uint16_t port) {
    return *loop::Address::from_literal("127.0.0.1", port);
}

/// A port that was free a moment ago.
std::uint16_t free_port() {
    const auto listening = loop::open_listener(local(0), {});
    return loop::Address::of_socket(listening.socket.descriptor()).port();
}

TEST(Listeners, open_every_address_in_every_bucket) {
    const std::vector<loop::Address> addresses{local(free_port()), local(free_port())};
    Listeners listeners;
    const auto failure = Listeners::open(addresses, Settings{}, 3, listeners);
    ASSERT_FALSE(failure) << failure->text;
    ASSERT_EQ(listeners.buckets(), 3u);
    for (unsigned i = 0; i < 3; i++) {
        ASSERT_EQ(listeners.bucket(i).size(), 2u);
        for (std::size_t j = 0; j < 2; j++) {
            const int descriptor = listeners.bucket(i)[j].descriptor();
            EXPECT_TRUE(loop::Address::of_socket(descriptor) == addresses[j]);
        }
    }
    auto connecting = loop::start_connect(addresses[1]);
    EXPECT_TRUE(connecting.error == 0 || connecting.error == EINPROGRESS);
    listeners.close();
    EXPECT_EQ(listeners.buckets(), 0u);
}

TEST(Listeners, name_who_holds_a_busy_address) {
    loop::ListenOptions alone;
    alone.share_port = false;
    const auto holder = loop::open_listener(local(0), alone);
    const loop::Address busy = loop::Address::of_socket(holder.socket.descriptor());
    Listeners listeners;
    const auto failure = Listeners::open({busy}, Settings{}, 1, listeners);
    ASSERT_TRUE(failure);
    std::string command;
    std::getline(std::ifstream("/proc/self/comm"), command);
    EXPECT_EQ(failure->text, "cannot listen on " + busy.text() +
                                 ": Address already in use, held by process " +
                                 std::to_string(::getpid()) + " (" + command + ")");
    EXPECT_EQ(listeners.buckets(), 0u) << "it fails as a whole";
}

TEST(Listeners, do_not_share_an_address_silently) {
    const auto holder = loop::open_listener(local(0), {});  // shares its port
    const loop::Address busy = loop::Address::of_socket(holder.socket.descriptor());
    Listeners listeners;
    EXPECT_TRUE(Listeners::open({busy}, Settings{}, 1, listeners));
}

TEST(Listeners, say_why_an_address_cannot_be_had) {
    Listeners listeners;
    const auto failure = Listeners::open({*loop::Address::from_literal("192.0.2.1", 8080)},
                                         Settings{}, 1, listeners);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->text, "cannot listen on 192.0.2.1:8080: Cannot assign requested address");
}

}  // namespace
}  // namespace headgate::mpm
