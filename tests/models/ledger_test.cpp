// Release, asserted: each wait of an exchange parks it, and the access log says in which phase and
// how often. The origin and the client send a piece only when the proxy has parked for it, so the
// numbers are exact; nothing here depends on time.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Ledger : public Behaviour {
protected:
    /// Sends each piece when everything before it has been dealt with.
    static void drip(const RunningProxy& proxy, RawConnection& to,
                     const std::vector<std::string>& pieces) {
        for (const std::string& piece : pieces) {
            to.send(piece);
            settle(proxy, to);
        }
    }
};
EVERY_MODEL(Ledger);

TEST_P(Ledger, HalfSentHead) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    drip(proxy, client, {"GET / HT", "TP/1.1\r\nHost", ": proxy.te", "st\r\n\r\n"});
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    settle(proxy, client);
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().content, "x");
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_EQ(line.releases("request-head"), 3u) << line.text();
    EXPECT_EQ(line.releases("upstream-wait"), 1u) << line.text();
    EXPECT_EQ(line.releases("response-content"), 0u) << line.text();
}

TEST_P(Ledger, SlowUpload) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    const std::string start = "POST / HTTP/1.1\r\nHost: proxy.test\r\n";
    const std::vector<std::string> uploads[] = {
        {start + "Content-Length: 3\r\n\r\n", "a", "b", "c"},
        {start + "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", "2\r\nbc\r\n", "0\r\n\r\n"},
    };
    std::size_t lines = 0;
    for (const auto& pieces : uploads) {
        RawConnection client(proxy.port());
        client.send(pieces[0]);
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        settle(proxy, client);
        drip(proxy, client, {pieces.begin() + 1, pieces.end()});
        upstream.send(ok("x", "Connection: close\r\n"));
        EXPECT_EQ(client.receive_response().content, "x");
        const LogLine line = proxy.access_log(++lines).back();
        EXPECT_EQ(line.releases("request-content"), 3u) << line.text();
        EXPECT_EQ(line.releases("upstream-wait"), 1u) << line.text();
        EXPECT_EQ(line.releases("request-head"), 0u) << line.text();
    }
}

TEST_P(Ledger, ThinkingUpstream) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    settle(proxy, client);
    drip(proxy, upstream, {"HTTP/1.1 200 OK\r\n", "Content-", "Length: 1\r\n\r\nx"});
    EXPECT_EQ(client.receive_response().content, "x");
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_EQ(line.releases("upstream-wait"), 3u) << line.text();
    EXPECT_EQ(line["framing"], "length");
}

struct Dripping {
    const char* framing;
    std::string head_end;
    std::vector<std::string> pieces;
    unsigned releases;
};

const Dripping dripping[] = {
    {"length", "Content-Length: 3\r\n\r\n", {"a", "b", "c"}, 3},
    {"chunked",
     "Transfer-Encoding: chunked\r\n\r\n",
     {"1\r\na\r\n", "1\r\nb\r\n", "1\r\nc", "\r\n0\r\n\r\n"},
     4},
    {"close", "\r\n", {"a", "b", "c"}, 4},  // the last is the end itself
    {"none", "Content-Length: 3\r\n\r\n", {}, 0},
};

TEST_P(Ledger, DrippingContentInEveryFraming) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    std::size_t lines = 0;
    for (const Dripping& each : dripping) {
        SCOPED_TRACE(each.framing);
        const bool to_head = each.pieces.empty();
        RawConnection client(proxy.port());
        client.send((to_head ? "HEAD" : "GET") +
                    std::string(" / HTTP/1.1\r\nHost: proxy.test\r\n\r\n"));
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        settle(proxy, client);
        drip(proxy, upstream, {"HTTP/1.1 200 OK\r\n" + each.head_end});
        drip(proxy, upstream, each.pieces);
        upstream.close();
        EXPECT_EQ(client.receive_response(to_head).content, to_head ? "" : "abc");
        const LogLine line = proxy.access_log(++lines).back();
        EXPECT_EQ(line["framing"], each.framing);
        EXPECT_EQ(line.releases("upstream-wait"), 1u) << line.text();
        EXPECT_EQ(line.releases("response-content"), each.releases) << line.text();
        EXPECT_EQ(line.releases("client-write"), 0u) << line.text();
    }
}

/// A client that does not read: the upstream sends until both are blocked, so the proxy is parked
/// for room. Then the client reads, and everything comes.
TEST_P(Ledger, SlowClient) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port(), 4096);
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    const std::string content(32 << 20, 'x');
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()) +
                  "\r\n\r\n");
    std::size_t sent = 0;
    for (std::size_t went = 1; went > 0; sent += went) {
        went = upstream.send_until_blocked(std::string_view(content).substr(sent));
        proxy.wait_until_parked();
    }
    ASSERT_LT(sent, content.size()) << "the proxy took everything from the upstream";
    client.receive_head();
    std::size_t received = 0;
    while (received < content.size()) {
        sent += upstream.send_until_blocked(std::string_view(content).substr(sent));
        const std::size_t run = client.receive_some().size();
        ASSERT_GT(run, 0u);
        received += run;
    }
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_GE(line.releases("client-write"), 1u) << line.text();
    EXPECT_EQ(line["end"], "ok");
    EXPECT_EQ(line["content"], std::to_string(content.size()));
}

/// Time running is held; time parked is what could be, and under some models is, given back.
TEST_P(Ledger, SumsUp) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    settle(proxy, client);
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().content, "x");
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_GE(std::stoul(line["releases"]), line.releases("upstream-wait"));
    const std::uint64_t held = std::stoul(line["held"]);
    const std::uint64_t parked = std::stoul(line["parked"]);
    const std::uint64_t took = std::stoul(line["took"]);
    constexpr std::uint64_t rounding = 2;  // microseconds
    EXPECT_GE(held, 1u) << line.text();
    EXPECT_GE(parked, 1u) << line.text();
    if (keeps_threads(model())) {
        EXPECT_GT(held + rounding, parked) << "parked time is held: " << line.text();
        EXPECT_LE(held, took + rounding) << line.text();
    } else {
        EXPECT_LE(held + parked, took + rounding) << "parked time is not held: " << line.text();
    }
    EXPECT_EQ(line["upstream"], origin.address());
    EXPECT_EQ(line["attempts"], "1");
    EXPECT_EQ(line["in"], std::to_string(get("/").size()));
}

/// The point of it all, under a model that gives its thread back: hundreds of parked exchanges, and
/// no more threads than for one.
TEST_P(Ledger, ParkedExchangesHoldNoThread) {
    if (keeps_threads(model())) GTEST_SKIP() << "each of these exchanges keeps a thread";
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    std::vector<RawConnection> clients;
    std::vector<RawConnection> upstreams;
    unsigned threads_for_one = 0;
    for (int i = 0; i < 200; i++) {
        clients.emplace_back(proxy.port());
        clients.back().send(get("/"));
        upstreams.push_back(origin.accept());
        upstreams.back().receive_head();
        proxy.wait_until_parked();
        if (i == 0) threads_for_one = proxy.threads();
    }
    EXPECT_EQ(proxy.threads(), threads_for_one);
    for (RawConnection& upstream : upstreams)
        upstream.send(ok("x"));
    for (RawConnection& client : clients)
        EXPECT_EQ(client.receive_response().content, "x");
    for (const LogLine& line : proxy.access_log(200)) {
        EXPECT_EQ(line.releases("upstream-wait"), 1u) << line.text();
    }
}

}  // namespace
}  // namespace headgate
