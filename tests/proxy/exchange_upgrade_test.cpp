// Upgrades as an exchange sees them: asked for where the route says so, decided by the origin, and
// a tunnel in the books.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "tests/support/exchange_rig.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using support::silent;
using support::Step;
using support::StepOrigin;
using Rig = support::ExchangeRig;

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string by_length = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world";

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

const std::string upgrade =
    "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const std::string switched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// Switches as asked, with octets behind the head; then it says back what it hears. Keeps the head.
StepOrigin::Script switching(std::shared_ptr<std::string> head) {
    return [head](std::string_view input, int) {
        if (!head->empty())
            return StepOrigin::Reply{input.size(), std::string(input), false, false};
        const std::size_t end = input.find("\r\n\r\n");
        if (end == std::string_view::npos) return StepOrigin::Reply{};
        *head = input.substr(0, end + 4);
        return StepOrigin::Reply{end + 4, switched + "hi ", false, false};
    };
}

TEST(ExchangeUpgrade, becomes_a_tunnel) {
    auto head = std::make_shared<std::string>();
    Rig rig(switching(head), {Step::data(upgrade + "early "), Step::block(), Step::data("late")});
    EXPECT_TRUE(says(*head, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")) << *head;
    EXPECT_EQ(rig.written(), switched + "hi early late");
    EXPECT_EQ(rig.log(), "") << "the books are open";
    rig.transport->arrive(Step::end());
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "GET 101 tunnel ok 1 13\n");
    EXPECT_EQ(rig.state.upstreams.pool().size(), 0u);
}

TEST(ExchangeUpgrade, an_idle_tunnel_ends) {
    auto head = std::make_shared<std::string>();
    Rig rig(switching(head), {Step::data(upgrade)}, {}, "ProxyWebsocketIdleTimeout 9");
    rig.pass_time(8999ms);
    EXPECT_FALSE(rig.is_over());
    rig.pass_time(1ms);
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "GET 101 tunnel timeout/tunnel/both-silent 1 3\n");
}

TEST(ExchangeUpgrade, a_process_that_drains_waits_for_tunnels_but_not_for_ever) {
    auto head = std::make_shared<std::string>();
    Rig rig(switching(head), {Step::data(upgrade)}, {},
            "ProxyAsyncIdleTimeout 3600\nProxyTunnelDrainTimeout 20");
    rig.pass_time(100s);
    rig.state.is_draining = true;
    rig.client->drain();
    rig.pass_time(10s);
    rig.client->drain();  // told again: no new time
    rig.transport->arrive(Step::data("still"));
    rig.pass_time(9999ms);
    EXPECT_FALSE(rig.is_over());
    rig.pass_time(1ms);
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "GET 101 tunnel admin/tunnel/drained 1 8\n");

    Rig late(silent(), {}, {}, "ProxyAsyncIdleTimeout 3600\nProxyTunnelDrainTimeout 20");
    late.client->drain();
    EXPECT_FALSE(late.is_over()) << "nothing to hasten";
}

TEST(ExchangeUpgrade, is_asked_for_only_where_the_route_says_so) {
    struct Ask {
        const char* parameter;
        const char* protocols;
        const char* forwarded;
    };
    const Ask asks[] = {
        {"", "websocket", "Upgrade: websocket\r\n"},
        {"", "WebSocket/13, chat", "Upgrade: WebSocket/13\r\n"},
        {"", "chat", ""},
        {"upgrade=chat", "websocket, Chat", "Upgrade: Chat\r\n"},
        {"upgrade=ANY", "chat, websocket", "Upgrade: chat, websocket\r\n"},
        {"upgrade=ANY", "h2c", ""},
        {"upgrade=NONE", "websocket", ""},
    };
    for (const Ask& ask : asks) {
        SCOPED_TRACE(std::string(ask.parameter) + " " + ask.protocols);
        auto seen = std::make_shared<std::string>();
        StepOrigin other([seen](std::string_view input, int) {
            *seen += input;
            return StepOrigin::Reply{input.size(), input.empty() ? "" : by_length, false, false};
        });
        Rig rig(silent(), {}, {},
                "ProxyPass /chat " + other.url() + "/chat " + std::string(ask.parameter));
        rig.transport->arrive(
            Step::data("GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: " + std::string(ask.protocols) +
                       "\r\nConnection: upgrade\r\n\r\n"));
        for (int i = 0; i < 5; i++) {
            rig.settle();
            other.step();
        }
        const std::string asked = ask.forwarded;
        EXPECT_EQ(says(*seen, "Upgrade"), !asked.empty()) << *seen;
        EXPECT_TRUE(asked.empty() || says(*seen, "Connection: Upgrade\r\n" + asked)) << *seen;
        EXPECT_EQ(rig.log(), "GET 200 length ok 1 11\n") << "a refused upgrade is a response";
        EXPECT_FALSE(rig.is_over());
    }
}

TEST(ExchangeUpgrade, a_switch_that_was_not_asked_for_is_refused) {
    const std::string other = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\n\r\n";
    const std::pair<std::string, std::string> wrong[] = {
        {get, switched}, {upgrade, other}, {upgrade, "HTTP/1.1 101 Switching Protocols\r\n\r\n"}};
    for (const auto& [request, response] : wrong) {
        Rig rig(StepOrigin::answer_all(response), {Step::data(request)});
        EXPECT_EQ(rig.written().substr(0, 13), "HTTP/1.1 502 ");
        EXPECT_TRUE(says(rig.log(), "upstream/upstream-wait/malformed")) << rig.log();
        EXPECT_FALSE(rig.is_over());
    }
}

}  // namespace
}  // namespace headgate::proxy
