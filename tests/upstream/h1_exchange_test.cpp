// One HTTP/1 exchange with an upstream, over a socket pair whose other end the test holds: heads in
// pieces, interim ones, broken ones, and whether the connection may be used again.
#include "upstream/h1_exchange.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mpm/loop/scope.h"
#include "proxy/net/plain_transport.h"
#include "tests/support/manual_clock.h"

namespace headgate::upstream {
namespace {

using namespace std::chrono_literals;
using net::FailureKind;
using support::ManualLoop;

/// What was seen of one response.
struct Seen {
    std::vector<int> statuses;  // interim ones first
    std::string framing;
    std::string server;  // value of Server in the final head
    std::string content;
    std::optional<net::Failure> failure;
    bool is_over = false;
};

loop::Task<void> receive(H1Exchange& exchange, loop::Loop& loop, Seen& seen) {
    bool is_interim = true;
    while (is_interim) {
        auto head = co_await exchange.read_head(loop::Deadline::after(10s));
        if (!head) {
            seen.failure = head.error();
            seen.is_over = true;
            co_return;
        }
        const ReceivedHead& received = **head;
        is_interim = received.framing.is_interim;
        seen.statuses.push_back(received.head.status);
        seen.framing = name(received.framing.kind);
        seen.server =
            received.head.fields.value(http::FieldName::server, received.text).value_or("");
    }
    while (!seen.is_over) {
        const auto run = exchange.try_read_content(loop.scratch());
        if (!run) seen.failure = run.error();
        seen.is_over = !run || run->is_last;
        if (!run) continue;
        seen.content.append(run->octets.data(), run->octets.size());
        if (!run->would_block) continue;
        const loop::Deadline deadline = loop::Deadline::after(10s);
        const loop::Wake wake =
            co_await exchange.content_ready(net::phase::response_content, deadline);
        if (wake != loop::Wake::ready) seen.is_over = true;
    }
}

struct Rig {
    explicit Rig(http::Method method = http::Method::get, std::size_t head_limit = 8192) {
        int ends[2];
        HEADGATE_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        peer = loop::Socket(ends[1]);
        exchange = std::make_unique<H1Exchange>(
            std::make_unique<net::PlainTransport>(manual.loop, loop::Socket(ends[0])), head_limit);
        facts.method = method;
        exchange->send_head("GET / HTTP/1.1\r\n\r\n", RequestContent::none, facts);
        HEADGATE_ASSERT(exchange->write_content({}, true));
    }
    void send(std::string_view text) {
        // A peer that has been closed on is part of some cases.
        [[maybe_unused]] const auto sent =
            ::send(peer.descriptor(), text.data(), text.size(), MSG_NOSIGNAL);
    }
    void start() { scope.spawn(receive(*exchange, manual.loop, seen)); }
    void end() { ::shutdown(peer.descriptor(), SHUT_WR); }

    ManualLoop manual;
    loop::Scope scope{manual.loop};
    loop::Socket peer;
    RequestFacts facts;
    std::unique_ptr<H1Exchange> exchange;
    Seen seen;
};

struct Case {
    const char* name;
    std::string response;
    bool ends;
    std::vector<int> statuses;
    const char* framing;
    std::string content;
    bool is_reusable;
    std::optional<FailureKind> failure;
    http::Method method = http::Method::get;
};

const std::string ok = "HTTP/1.1 200 OK\r\nServer: x\r\n";

const std::vector<Case> cases{
    {"length", ok + "Content-Length: 5\r\n\r\nhello", false, {200}, "length", "hello", true, {}},
    {"length 0", ok + "Content-Length: 0\r\n\r\n", false, {200}, "length", "", true, {}},
    {"chunked",
     ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
     false,
     {200},
     "chunked",
     "abc",
     true,
     {}},
    {"until close", ok + "\r\nall", true, {200}, "close", "all", false, {}},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", false, {204}, "none", "", true, {}},
    {"304 with a length",
     "HTTP/1.1 304 N\r\nContent-Length: 9\r\n\r\n",
     false,
     {304},
     "none",
     "",
     true,
     {}},
    {"HEAD",
     ok + "Content-Length: 9\r\n\r\n",
     false,
     {200},
     "none",
     "",
     true,
     {},
     http::Method::head},
    {"interim",
     "HTTP/1.1 103 E\r\nLink: a\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nx",
     false,
     {103, 200},
     "length",
     "x",
     true,
     {}},
    {"two interims",
     "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 102 P\r\n\r\n" + ok + "Content-Length: 0\r\n\r\n",
     false,
     {100, 102, 200},
     "length",
     "",
     true,
     {}},
    {"close asked for",
     ok + "Connection: close\r\nContent-Length: 1\r\n\r\nx",
     false,
     {200},
     "length",
     "x",
     false,
     {}},
    {"HTTP/1.0",
     "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
     false,
     {200},
     "length",
     "x",
     false,
     {}},
    {"octets behind the message",
     ok + "Content-Length: 1\r\n\r\nxHTTP/1.1 200",
     false,
     {200},
     "length",
     "x",
     false,
     {}},
    {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", false, {200}, "length", "x", false, {}},
    {"incomplete content",
     ok + "Content-Length: 5\r\n\r\nhel",
     true,
     {200},
     "length",
     "hel",
     false,
     FailureKind::incomplete},
    {"closed without an answer", "", true, {}, "", "", false, FailureKind::closed},
    {"end inside the head",
     "HTTP/1.1 200 OK\r\nSer",
     true,
     {},
     "",
     "",
     false,
     FailureKind::incomplete},
    {"closed after an interim",
     "HTTP/1.1 100 C\r\n\r\n",
     true,
     {100},
     "none",
     "",
     false,
     FailureKind::closed},
    {"malformed", "SMTP ready\r\n\r\n", false, {}, "", "", false, FailureKind::malformed},
    {"two lengths",
     ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
     false,
     {},
     "",
     "",
     false,
     FailureKind::malformed},
    {"unknown coding",
     ok + "Transfer-Encoding: gzip\r\n\r\nx",
     false,
     {},
     "",
     "",
     false,
     FailureKind::malformed},
    {"101 not asked for",
     "HTTP/1.1 101 S\r\nUpgrade: a\r\n\r\n",
     false,
     {},
     "",
     "",
     false,
     FailureKind::malformed},
    {"bad chunk",
     ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
     false,
     {200},
     "chunked",
     "",
     false,
     FailureKind::malformed},
};

void expect(const Case& each, Rig& rig) {
    ASSERT_TRUE(rig.seen.is_over);
    EXPECT_EQ(rig.seen.statuses, each.statuses);
    EXPECT_EQ(rig.seen.framing, each.framing);
    EXPECT_EQ(rig.seen.content, each.content);
    ASSERT_EQ(rig.seen.failure.has_value(), each.failure.has_value());
    if (each.failure) {
        EXPECT_EQ(net::name(rig.seen.failure->kind), std::string(net::name(*each.failure)));
        EXPECT_EQ(rig.seen.failure->side, net::Side::upstream);
    }
    EXPECT_EQ(rig.exchange->is_reusable(), each.is_reusable);
    EXPECT_EQ(rig.exchange->has_answered(), !each.response.empty());
}

TEST(H1Exchange, responses_that_are_there_at_once) {
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        Rig rig(each.method);
        rig.send(each.response);
        if (each.ends) rig.end();
        rig.manual.settle();
        rig.start();
        rig.manual.settle();
        expect(each, rig);
        rig.scope.cancel();
        rig.manual.settle();
    }
}

TEST(H1Exchange, responses_octet_by_octet) {
    for (const Case& each : cases) {
        if (each.response.find("xHTTP") != std::string::npos) continue;  // comes after the end
        SCOPED_TRACE(each.name);
        Rig rig(each.method);
        rig.start();
        for (const char octet : each.response) {
            rig.send({&octet, 1});
            rig.manual.settle();
        }
        if (each.ends) rig.end();
        rig.manual.settle();
        expect(each, rig);
        if (!each.failure && each.statuses.back() == 200 && each.response.find("Server") < 99) {
            EXPECT_EQ(rig.seen.server, "x");
        }
        rig.scope.cancel();
        rig.manual.settle();
    }
}

TEST(H1Exchange, responses_cut_in_two_anywhere) {
    const Case& each = cases[7];  // interim, then final
    for (std::size_t cut = 0; cut <= each.response.size(); cut++) {
        Rig rig;
        rig.start();
        rig.send(each.response.substr(0, cut));
        rig.manual.settle();
        rig.send(each.response.substr(cut));
        rig.manual.settle();
        expect(each, rig);
    }
}

TEST(H1Exchange, a_head_has_its_limit) {
    for (const std::size_t room : {300u, 4000u}) {
        Rig rig(http::Method::get, 1024);
        rig.start();
        rig.send(ok + "X: " + std::string(room, 'y') + "\r\nContent-Length: 0\r\n\r\n");
        rig.manual.settle();
        ASSERT_TRUE(rig.seen.is_over);
        EXPECT_EQ(rig.seen.failure.has_value(), room > 1024);
        if (room > 1024) {
            EXPECT_EQ(rig.seen.failure->kind, FailureKind::too_large);
        }
    }
}

TEST(H1Exchange, waits_until_its_deadline) {
    Rig rig;
    rig.start();
    rig.manual.pass_time(9999ms);
    rig.send("HTTP/1.1 100 C\r\n");  // progress does not renew it
    rig.manual.settle();
    EXPECT_FALSE(rig.seen.is_over);
    rig.manual.pass_time(10s);
    ASSERT_TRUE(rig.seen.is_over);
    EXPECT_EQ(rig.seen.failure->kind, FailureKind::upstream_silent);
    EXPECT_EQ(rig.seen.failure->phase, net::phase::upstream_wait);
}

TEST(H1Exchange, sends_head_and_content_together) {
    Rig rig;
    char octets[256];
    ASSERT_EQ(::recv(rig.peer.descriptor(), octets, sizeof octets, 0), 18);
    EXPECT_EQ(rig.exchange->sent(), 18u);
    rig.exchange->send_head("POST\r\n\r\n", RequestContent::chunked, rig.facts);
    EXPECT_TRUE(rig.exchange->has_rest());
    const std::string content = "abc";
    EXPECT_TRUE(rig.exchange->write_content(content, false));
    EXPECT_FALSE(rig.exchange->has_rest());
    EXPECT_FALSE(rig.exchange->is_reusable()) << "the request has not ended";
    const ssize_t size = ::recv(rig.peer.descriptor(), octets, sizeof octets, 0);
    EXPECT_EQ(std::string(octets, size), "POST\r\n\r\n3\r\nabc\r\n");
    EXPECT_TRUE(rig.exchange->write_content({}, true));
    EXPECT_EQ(::recv(rig.peer.descriptor(), octets, sizeof octets, 0), 5);
}

/// The peer may take what came behind its early response for the next request.
TEST(H1Exchange, is_not_reusable_when_the_response_began_before_the_request_had_ended) {
    for (const bool is_early : {true, false}) {
        SCOPED_TRACE(is_early);
        Rig rig;
        rig.exchange->send_head("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
                                RequestContent::length, rig.facts);
        const std::string content = "hello";
        if (!is_early) {
            ASSERT_TRUE(rig.exchange->write_content(content, true));
        }
        rig.start();
        rig.send(ok + "Content-Length: 2\r\n\r\na");
        rig.manual.settle();
        if (is_early) {
            ASSERT_TRUE(rig.exchange->write_content(content, true));
        }
        rig.send("b");
        rig.manual.settle();
        EXPECT_TRUE(rig.seen.is_over);
        EXPECT_EQ(rig.seen.content, "ab");
        EXPECT_EQ(rig.exchange->is_reusable(), !is_early);
    }
}

TEST(H1Exchange, is_not_reusable_before_its_response_has_ended) {
    Rig rig;
    rig.start();
    EXPECT_FALSE(rig.exchange->is_reusable());
    rig.send(ok + "Content-Length: 5\r\n\r\nhel");
    rig.manual.settle();
    EXPECT_FALSE(rig.exchange->is_reusable());
    rig.send("lo");
    rig.manual.settle();
    EXPECT_TRUE(rig.exchange->is_reusable());
}

}  // namespace
}  // namespace headgate::upstream
