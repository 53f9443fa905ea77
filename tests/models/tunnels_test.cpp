// Upgrades through the real program: the origin decides, octets pass both ways, an end passes on as
// an end while the other direction goes on, and a silent tunnel is given up.
#include "tests/support/behaviour.h"
#include "tests/support/content_pattern.h"

namespace headgate {
namespace {

using namespace support;

class Tunnels : public Behaviour {};
EVERY_MODEL(Tunnels);

const std::string upgrade =
    get("/chat", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n");
const std::string switched =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

/// Both ends of a tunnel that stands.
struct Ends {
    RawConnection client;
    RawConnection upstream;
};

Ends open_tunnel(const RunningProxy& proxy, ScriptedOrigin& origin) {
    RawConnection client(proxy.port());
    client.send(upgrade);
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    EXPECT_EQ(find_field(head, "Upgrade"), "websocket");
    EXPECT_EQ(find_field(head, "Connection"), "Upgrade");
    upstream.send(switched);
    const std::string response = client.receive_head();
    EXPECT_EQ(response.substr(0, 13), "HTTP/1.1 101 ");
    EXPECT_EQ(find_field(response, "Upgrade"), "websocket");
    EXPECT_EQ(find_field(response, "Connection"), "Upgrade");
    return {std::move(client), std::move(upstream)};
}

TEST_P(Tunnels, PassOctetsAndEndsOneByOne) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    Ends ends = open_tunnel(proxy, origin);
    ends.client.send("up");
    EXPECT_EQ(ends.upstream.receive(2), "up");
    ends.upstream.send("down");
    EXPECT_EQ(ends.client.receive(4), "down");
    ends.client.send("last");
    ends.client.finish_writing();
    EXPECT_EQ(ends.upstream.receive_rest(), "last");
    ends.upstream.send("still here");
    EXPECT_EQ(ends.client.receive(10), "still here");
    ends.upstream.finish_writing();
    EXPECT_EQ(ends.client.receive_end(), RawConnection::End::fin);
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_EQ(line["status"], "101");
    EXPECT_EQ(line["framing"], "tunnel");
    EXPECT_EQ(line["end"], "ok");
    EXPECT_EQ(line["content"], "14");
    EXPECT_GE(line.releases("tunnel"), 1u);
}

TEST_P(Tunnels, TheOriginMayEndFirst) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    Ends ends = open_tunnel(proxy, origin);
    ends.upstream.finish_writing();
    EXPECT_EQ(ends.client.receive_end(), RawConnection::End::fin);
    ends.client.send("heard");
    EXPECT_EQ(ends.upstream.receive(5), "heard");
    ends.client.finish_writing();
    EXPECT_EQ(ends.upstream.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "ok");
}

TEST_P(Tunnels, ABrokenEndBreaksTheOther) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    Ends first = open_tunnel(proxy, origin);
    first.client.reset();
    EXPECT_EQ(first.upstream.receive_end(), RawConnection::End::reset);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "client/tunnel/reset");
    Ends second = open_tunnel(proxy, origin);
    second.upstream.reset();
    EXPECT_EQ(second.client.receive_end(), RawConnection::End::reset);
    EXPECT_EQ(proxy.access_log(2)[1]["end"], "upstream/tunnel/reset");
}

TEST_P(Tunnels, SilentOnesEnd) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "ProxyWebsocketIdleTimeout 200ms\n" + pass_all_to(origin));
    Ends ends = open_tunnel(proxy, origin);
    EXPECT_EQ(ends.client.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(ends.upstream.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "timeout/tunnel/both-silent");
}

TEST_P(Tunnels, MuchBothWaysAtOnce) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    Ends ends = open_tunnel(proxy, origin);
    constexpr std::uint64_t large = 8 << 20;
    std::string text;
    append_pattern(text, 0, large);
    std::size_t up = 0, down = 0;
    std::uint64_t heard_up = 0, heard_down = 0;
    while (heard_up < large || heard_down < large) {
        const std::string_view all = text;
        up += up < large ? ends.client.send_until_blocked(all.substr(up)) : 0;
        down += down < large ? ends.upstream.send_until_blocked(all.substr(down)) : 0;
        for (auto [end, heard] :
             {std::pair{&ends.upstream, &heard_up}, std::pair{&ends.client, &heard_down}}) {
            while (*heard < large && end->has_news()) {
                const std::string run = end->receive_some();
                ASSERT_FALSE(run.empty());
                ASSERT_TRUE(is_pattern(run, *heard)) << "wrong behind " << *heard;
                *heard += run.size();
            }
        }
    }
    ends.client.finish_writing();
    ends.upstream.finish_writing();
    EXPECT_EQ(proxy.access_log(1)[0]["content"], std::to_string(large));
}

TEST_P(Tunnels, AnUpgradeThatIsRefusedIsAnExchange) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(upgrade);
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send(ok("no"));
    EXPECT_EQ(client.receive_response().content, "no");
    client.send(get("/next"));
    EXPECT_NE(upstream.receive_head().find("GET /next "), std::string::npos) << "still pooled";
    upstream.send(ok("yes"));
    EXPECT_EQ(client.receive_response().content, "yes");
}

TEST_P(Tunnels, AReloadLeavesThemAlone) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    Ends ends = open_tunnel(proxy, origin);
    const auto before = proxy.children();
    proxy.signal(SIGUSR1);
    proxy.wait_for_others_than(before);
    ends.client.send("up");
    EXPECT_EQ(ends.upstream.receive(2), "up");
    ends.upstream.send("down");
    EXPECT_EQ(ends.client.receive(4), "down");
}

TEST_P(Tunnels, ButTheOldProcessDoesNotWaitForEver) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "ProxyTunnelDrainTimeout 200ms\n" + pass_all_to(origin));
    Ends ends = open_tunnel(proxy, origin);
    proxy.signal(SIGUSR1);
    EXPECT_EQ(ends.client.receive_end(), RawConnection::End::reset);
    EXPECT_EQ(ends.upstream.receive_end(), RawConnection::End::reset);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "admin/tunnel/drained");
}

}  // namespace
}  // namespace headgate
