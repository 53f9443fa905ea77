// Whole exchanges inside one thread: a client connection that follows a script, the proxy's engine
// on a manual clock, and an origin on the loopback interface that is stepped by hand. What the
// client gets, octet by octet, and what the access log says of it; then the same with every step of
// the client's connection failing once.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>

#include "tests/support/exchange_rig.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using support::configuration;
using support::LoadedSites;
using support::once;
using support::Record;
using support::Round;
using support::ScriptedTransport;
using support::silent;
using support::Step;
using support::StepOrigin;
using support::Steps;
using Rig = support::ExchangeRig;

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string hello = "HTTP/1.1 200 OK\r\nServer: o\r\nContent-Length: 5\r\n\r\nhello";
const std::string page_404 =
    "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head>\n"
    "<body><h1>404 Not Found</h1></body></html>\n";

/// Answers when the input ends with `end`; the content of the answer is the whole input, escaped.
StepOrigin::Script echo(std::string end) {
    return [end](std::string_view input, int) {
        if (input.size() < end.size() || input.substr(input.size() - end.size()) != end) {
            return StepOrigin::Reply{};
        }
        const std::string content(input);
        return StepOrigin::Reply{input.size(),
                                 "HTTP/1.1 200 OK\r\nContent-Length: " +
                                     std::to_string(content.size()) + "\r\n\r\n" + content,
                                 false, false};
    };
}

const std::string switched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// Answers when the input ends with `end`.
StepOrigin::Script after(std::string end, std::string response) {
    return [end, response](std::string_view input, int) {
        if (!input.ends_with(end)) return StepOrigin::Reply{};
        return StepOrigin::Reply{input.size(), response, false, false};
    };
}

struct Case {
    const char* name;
    StepOrigin::Script script;
    std::string request;
    std::string response;
    std::string log;
    bool closes = false;
    const char* more = "";
};

std::vector<Case> cases() {
    const auto all = [](const std::string& text) { return StepOrigin::answer_all(text); };
    const std::string head = "HTTP/1.1 200 OK\r\nServer: o\r\n";
    return {
        {"length", all(hello), get, head + "Content-Length: 5\r\n\r\nhello",
         "GET 200 length ok 1 5\n"},
        {"two in a pipeline", all(hello), get + get,
         head + "Content-Length: 5\r\n\r\nhello" + head + "Content-Length: 5\r\n\r\nhello",
         "GET 200 length ok 1 5\nGET 200 length ok 1 5\n"},
        {"chunked", all(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), get,
         head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
         "GET 200 chunked ok 1 3\n"},
        {"chunked for HTTP/1.0",
         all(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
         "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", head + "Connection: close\r\n\r\nabc",
         "GET 200 chunked ok 1 3\n", true},
        {"length for HTTP/1.0 that stays", all(hello),
         "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         head + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
         "GET 200 length ok 1 5\n"},
        {"until close", once(head + "\r\nall", false), get,
         head + "Transfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n",
         "GET 200 close ok 1 3\n"},
        {"HEAD", all(head + "Content-Length: 9\r\n\r\n"), "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n",
         head + "Content-Length: 9\r\n\r\n", "HEAD 200 none ok 1 0\n"},
        {"304", all("HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"), get,
         "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", "GET 304 none ok 1 0\n"},
        {"204", all("HTTP/1.1 204 No Content\r\n\r\n"), get, "HTTP/1.1 204 No Content\r\n\r\n",
         "GET 204 none ok 1 0\n"},
        {"client asks for close", all(hello),
         "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
         head + "Content-Length: 5\r\nConnection: close\r\n\r\nhello", "GET 200 length ok 1 5\n",
         true},
        {"content with a length", echo("hello"),
         "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
         "HTTP/1.1 200 OK\r\nContent-Length: 53\r\n\r\nPOST /a HTTP/1.1\r\nHost: h\r\n"
         "Content-Length: 5\r\n\r\nhello",
         "POST 200 length ok 1 53\n", false, "ProxyPreserveHost On"},
        {"interim", all("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + hello), get,
         "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + head + "Content-Length: 5\r\n\r\nhello",
         "GET 200 length ok 1 5\n"},
        {"trailers",
         all(head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n"),
         "GET /a HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
         head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n",
         "GET 200 chunked ok 1 3\n"},
        {"content with trailers", after("0\r\nX-Sum: 7\r\n\r\n", hello),
         "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n",
         head + "Content-Length: 5\r\n\r\nhello", "POST 200 length ok 1 5\n"},
        {"100 of our own", after("\r\n\r\nhello", hello),
         "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
         "HTTP/1.1 100 Continue\r\n\r\n" + head + "Content-Length: 5\r\n\r\nhello",
         "POST 200 length ok 1 5\n", false, "Proxy100Continue Off"},
        {"answered before its end", all(hello),
         "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
         head + "Content-Length: 5\r\n\r\nhello", "POST 200 length ok 1 5\n"},
        {"tunnel", once(switched + "hi", false),
         "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
         switched + "hi", "", true},
        {"no route", all(hello), "GET /none HTTP/1.1\r\nHost: h\r\n\r\n",
         "HTTP/1.1 404 Not Found\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " +
             std::to_string(page_404.size()) + "\r\n\r\n" + page_404,
         "GET 404 length client/request-head/refused 0 " + std::to_string(page_404.size()) + "\n"},
        {"closed without an answer", once("", false), get, "HTTP/1.1 502 ",
         "GET 502 length upstream/upstream-wait/closed 1 "},
        {"reset", once("", true), get, "HTTP/1.1 502 ",
         "GET 502 length upstream/upstream-wait/reset 1 "},
        {"malformed", all("SMTP\r\n\r\n"), get, "HTTP/1.1 502 ",
         "GET 502 length upstream/upstream-wait/malformed 1 "},
        {"malformed request", all(hello), "GET  /a\r\n\r\n", "HTTP/1.1 400 ",
         "- 400 length client/request-head/malformed 0 ", true},
        {"too much content", all(hello),
         "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n", "HTTP/1.1 413 ",
         "POST 413 length client/request-head/too-large 0 ", true, "LimitRequestBody 10"},
        {"too many chunks", silent(),
         "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n",
         "HTTP/1.1 413 ", "POST 413 length client/request-content/too-large 1 ", true,
         "LimitRequestBody 10"},
    };
}

/// Whole texts are compared where they end in the case; answers of our own by their beginning.
void expect(const Case& each, Rig& rig) {
    const bool is_answer = each.response.ends_with(" ");
    const std::string written = rig.written();
    EXPECT_EQ(is_answer ? written.substr(0, each.response.size()) : written, each.response);
    const std::string log = rig.log();
    EXPECT_EQ(is_answer ? log.substr(0, each.log.size()) : log, each.log);
    EXPECT_EQ(rig.record.has_finished_writing, each.closes);
}

TEST(Exchange, table) {
    for (const Case& each : cases()) {
        SCOPED_TRACE(each.name);
        Rig rig(each.script, {Step::data(each.request)}, {}, each.more);
        expect(each, rig);
    }
}

TEST(Exchange, table_octet_by_octet) {
    for (const Case& each : cases()) {
        SCOPED_TRACE(each.name);
        Rig rig(each.script, support::octet_by_octet(each.request, true), {}, each.more);
        expect(each, rig);
    }
}

TEST(Exchange, table_with_a_slow_client) {
    for (const Case& each : cases()) {
        SCOPED_TRACE(each.name);
        Steps slow;
        for (int i = 0; i < 2000; i++) {
            if (i % 3 == 0) slow.push_back(Step::block());
            slow.push_back(Step::take(1));
        }
        Rig rig(each.script, {Step::data(each.request)}, slow, each.more);
        expect(each, rig);
    }
}

/// The body for fail_nth: one case on a fresh engine, the client's connection under the plan.
class Serve {
public:
    Serve(const Case& which, const LoadedSites& loaded) : which_(which), loaded_(loaded) {}
    loop::Task<void> operator()(Round& round) const { return run(round, which_, loaded_); }

private:
    static loop::Task<void> run(Round& round, const Case& which, const LoadedSites& loaded) {
        Record record;
        const auto stock = std::make_unique<upstream::SharedStock>();
        support::OneThread thread;
        const auto state =
            std::make_unique<LoopState>(round.loop(), loaded.sites(), *stock, thread.surroundings);
        ConnectionFacts facts;
        facts.client = *loop::Address::from_literal("192.0.2.7", 4000);
        facts.local = *loop::Address::from_literal("127.0.0.1", 80);
        facts.candidates = &loaded.sites()->at(facts.local);
        Steps reads{Step::data(which.request), Step::block(), Step::end()};
        auto transport = std::make_unique<ScriptedTransport>(round.loop(), std::move(reads),
                                                             Steps{}, record, &round.plan);
        auto client = std::make_unique<H1Client>(*state, std::move(transport), facts);
        co_await H1Client::serve(std::move(client));
        EXPECT_TRUE(record.is_closed);
        EXPECT_LE(state->upstreams.pool().size(), 2u);
        judge(round, which, record);
    }

    /// A beginning of the right octets, or of them up to an answer of ours: never a wrong one, and
    /// nothing behind the answer.
    static void judge(const Round& round, const Case& which, const Record& record) {
        const std::string written = support::without_date(record.written());
        const std::string& right = which.response;
        if (round.is_untouched()) {
            EXPECT_TRUE(written.starts_with(right)) << written;
            return;
        }
        const std::size_t same =
            std::mismatch(written.begin(), written.end(), right.begin(), right.end()).first -
            written.begin();
        if (same == written.size() || same == right.size()) return;
        const std::size_t head = written.rfind("HTTP/1.1 ", same);
        ASSERT_NE(head, written.npos) << written;
        EXPECT_GE(written.substr(head + 9, 3), "400") << written;
        EXPECT_EQ(written.find("HTTP/1.1 ", head + 1), written.npos) << written;
        EXPECT_TRUE(right.substr(0, head).empty() || right.compare(head, 5, "HTTP/") == 0)
            << written;
    }

    const Case& which_;
    const LoadedSites& loaded_;
};

TEST(Exchange, survives_every_failure_of_the_client) {
    for (const Case& each : cases()) {
        SCOPED_TRACE(each.name);
        StepOrigin origin(each.script);
        const LoadedSites loaded(configuration(origin.url(), each.more));
        const int steps =
            support::fail_nth(Serve(each, loaded), [&origin] { return origin.step(); });
        EXPECT_GE(steps, 2);
        if (HasFailure()) return;
    }
}

// ---- time

TEST(Exchange, a_silent_origin_is_given_up) {
    Rig rig(silent(), {Step::data(get)}, {}, "ProxyTimeout 7");
    rig.pass_time(6999ms);
    EXPECT_EQ(rig.written(), "");
    rig.pass_time(1ms);
    EXPECT_EQ(rig.written().substr(0, 13), "HTTP/1.1 504 ");
    EXPECT_TRUE(rig.log().starts_with("GET 504 length timeout/upstream-wait/upstream-silent"))
        << rig.log();
}

TEST(Exchange, a_slow_head_is_answered) {
    Rig rig(silent(), {Step::data("GET /a HT")}, {}, "RequestReadTimeout header=9");
    rig.pass_time(8s);
    rig.transport->arrive(Step::data("TP/1."));
    rig.settle();
    EXPECT_EQ(rig.written(), "");
    rig.pass_time(1s);
    EXPECT_EQ(rig.written().substr(0, 13), "HTTP/1.1 408 ");
    EXPECT_TRUE(rig.record.has_finished_writing);
}

TEST(Exchange, idle_connections_end_quietly) {
    Rig fresh(silent(), {}, {}, "Timeout 9\nKeepAliveTimeout 3");
    fresh.pass_time(8999ms);
    EXPECT_FALSE(fresh.is_over());
    fresh.pass_time(1ms);
    EXPECT_TRUE(fresh.is_over());
    EXPECT_EQ(fresh.written(), "");

    Rig used(StepOrigin::answer_all(hello), {Step::data(get)}, {}, "Timeout 9\nKeepAliveTimeout 3");
    const std::string response = used.written();
    used.pass_time(2999ms);
    EXPECT_FALSE(used.is_over());
    used.pass_time(1ms);
    EXPECT_TRUE(used.is_over());
    EXPECT_EQ(used.written(), response);
}

TEST(Exchange, a_stuck_client_is_given_up) {
    Rig rig(StepOrigin::answer_all(hello), {Step::data(get)}, {Step::take(3), Step::stall()},
            "Timeout 9");
    EXPECT_FALSE(rig.is_over());
    rig.pass_time(9s);
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "GET 200 length timeout/client-write/client-silent 1 5\n");
}

TEST(Exchange, draining_hastens_idle_connections) {
    Rig rig(StepOrigin::answer_all(hello), {Step::data(get)});
    rig.state.is_draining = true;
    rig.client->drain();
    rig.pass_time(500ms);
    EXPECT_FALSE(rig.is_over());
    rig.transport->arrive(Step::data(get));  // a request that was on its way
    rig.settle();
    EXPECT_NE(rig.written().find("Connection: close"), std::string::npos);
    EXPECT_TRUE(rig.record.has_finished_writing);
}

// ---- connections

TEST(Exchange, connections_to_the_origin_are_used_again) {
    Rig rig(StepOrigin::answer_all(hello), {Step::data(get + get + get)});
    EXPECT_EQ(rig.origin.accepted(), 1);
    EXPECT_EQ(rig.state.upstreams.pool().size(), 1u);
}

TEST(Exchange, a_dead_pooled_connection_is_replaced) {
    // Each connection answers once and is closed with the next request.
    auto served = std::make_shared<std::map<int, int>>();
    Rig rig(
        [served](std::string_view input, int connection) {
            const std::size_t end = input.find("\r\n\r\n");
            if (end == std::string_view::npos) return StepOrigin::Reply{};
            const bool is_first = (*served)[connection]++ == 0;
            return StepOrigin::Reply{end + 4, is_first ? hello : "", !is_first, false};
        },
        {Step::data(get), Step::block(), Step::data(get)});
    EXPECT_EQ(rig.origin.accepted(), 2);
    EXPECT_EQ(rig.log(), "GET 200 length ok 1 5\nGET 200 length ok 2 5\n");
}

TEST(Exchange, a_request_with_content_is_not_sent_twice) {
    auto served = std::make_shared<int>(0);
    const std::string post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx";
    Rig rig(
        [served](std::string_view input, int) {
            const std::size_t end = input.find("\r\n\r\n");
            if (end == std::string_view::npos) return StepOrigin::Reply{};
            const bool is_first = (*served)++ == 0;
            return StepOrigin::Reply{input.size(), is_first ? hello : "", !is_first, false};
        },
        {Step::data(get), Step::block(), Step::data(post)});
    EXPECT_EQ(rig.origin.accepted(), 1);
    EXPECT_NE(rig.log().find("\nPOST 502 length upstream/"), std::string::npos) << rig.log();
}

TEST(Exchange, an_incomplete_response_is_cut) {
    Rig rig(once("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", false), {Step::data(get)});
    EXPECT_EQ(rig.written(), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "GET 200 length upstream/response-content/incomplete 1 3\n");

    Rig open(once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhel", false),
             {Step::data("GET /a HTTP/1.0\r\n\r\n")});
    EXPECT_TRUE(open.is_over());
    EXPECT_TRUE(open.record.resets_on_close) << "a bare end would look complete";
}

TEST(Exchange, a_refused_connection_is_503) {
    Rig rig(silent(), {}, {}, "ProxyPass /refused http://127.0.0.1:1/");
    rig.transport->arrive(Step::data("GET /refused HTTP/1.1\r\nHost: h\r\n\r\n"));
    rig.settle();
    EXPECT_EQ(rig.written().substr(0, 13), "HTTP/1.1 503 ");
    EXPECT_EQ(rig.log().substr(0, 44), "GET 503 length upstream/connect/unreachable ");
}

TEST(Exchange, continue_is_passed_to_who_waits_for_it) {
    const std::string post =
        "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    auto told = std::make_shared<bool>(false);
    Rig rig(
        [told](std::string_view input, int) {
            if (input.ends_with("xy")) return StepOrigin::Reply{input.size(), hello, false, false};
            if (input.find("\r\n\r\n") == std::string_view::npos || *told) {
                return StepOrigin::Reply{};
            }
            *told = true;
            return StepOrigin::Reply{0, "HTTP/1.1 100 Continue\r\n\r\n", false, false};
        },
        {Step::data(post)});
    EXPECT_EQ(rig.written(), "HTTP/1.1 100 Continue\r\n\r\n");
    rig.transport->arrive(Step::data("xy"));
    rig.settle();
    EXPECT_EQ(rig.log(), "POST 200 length ok 1 5\n");
}

TEST(Exchange, the_upstream_is_free_before_a_slow_client_has_all) {
    Rig rig(StepOrigin::answer_all(hello), {Step::data(get)}, {Step::take(3), Step::stall()});
    EXPECT_FALSE(rig.is_over());
    EXPECT_EQ(rig.state.upstreams.pool().size(), 1u);
}

/// Another rule of the same endpoint may keep connections: one of this rule's must not be lent to
/// it, not even in the pass that it came back in.
TEST(Exchange, what_must_not_be_used_again_never_enters_the_pool) {
    Rig rig(StepOrigin::answer_all("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"),
            {Step::data("GET /once HTTP/1.1\r\nHost: h\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n"
                        "GET /once HTTP/1.1\r\nHost: h\r\n\r\n")},
            {}, "ProxyPass /once ORIGIN/once disablereuse=On");
    EXPECT_EQ(rig.log(), "GET 200 length ok 1 1\nGET 200 length ok 1 1\nGET 200 length ok 1 1\n");
    EXPECT_EQ(rig.origin.accepted(), 3);
    EXPECT_EQ(rig.origin.open(), 1u);
    EXPECT_EQ(rig.state.upstreams.pool().size(), 1u) << "that of the rule that keeps them";
}

}  // namespace
}  // namespace headgate::proxy
