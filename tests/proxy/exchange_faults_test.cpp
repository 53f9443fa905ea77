// Exchanges that break at every possible place: responses cut at each octet, requests cut at each
// octet, and a cancellation after any number of passes. Nothing may hang, leak, or look complete.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "mpm/loop/frame_cache.h"
#include "tests/support/exchange_rig.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using support::once;
using support::silent;
using support::Step;
using support::StepOrigin;
using Rig = support::ExchangeRig;

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string by_length = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world";
const std::string by_chunks =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(ExchangeFaults, a_response_cut_at_any_octet_is_never_taken_for_whole) {
    for (const std::string* whole : {&by_length, &by_chunks}) {
        const std::size_t head = whole->find("\r\n\r\n") + 4;
        for (std::size_t cut = 0; cut < whole->size(); cut++) {
            for (const bool resets : {false, true}) {
                SCOPED_TRACE(whole->substr(0, cut) + (resets ? " reset" : " closed"));
                Rig rig(once(whole->substr(0, cut), resets), {Step::data(get)});
                const std::string log = rig.log();
                EXPECT_TRUE(says(log, " upstream/")) << log;
                EXPECT_EQ(rig.state.upstreams.pool().size(), 0u);
                // Behind a complete head either is right: the head may not have left yet, and a
                // reset may overtake what was sent before it.
                const bool is_answered = rig.written().substr(0, 13) == "HTTP/1.1 502 ";
                EXPECT_TRUE(is_answered || cut >= head);
                EXPECT_TRUE(cut <= head || resets || !is_answered);
                EXPECT_NE(rig.is_over(), is_answered) << "an answer of ours ends no connection";
                if (!is_answered) {
                    EXPECT_FALSE(rig.written().ends_with("0\r\n\r\n"));
                    EXPECT_FALSE(rig.written().ends_with("hello world"));
                }
            }
        }
    }
}

TEST(ExchangeFaults, a_request_cut_at_any_octet_ends_the_connection) {
    const std::string posts[] = {
        "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"};
    for (const std::string& post : posts) {
        for (std::size_t cut = 0; cut < post.size(); cut++) {
            for (const Step& last : {Step::end(), Step::fail(ECONNRESET)}) {
                SCOPED_TRACE(post.substr(0, cut));
                support::Steps reads{Step::block(), last};
                if (cut > 0) reads.push_front(Step::data(post.substr(0, cut)));
                Rig rig(silent(), std::move(reads));
                rig.settle();
                rig.pass_time(3s);  // lingering
                EXPECT_TRUE(rig.is_over());
                EXPECT_EQ(rig.state.upstreams.pool().size(), 0u);
                EXPECT_EQ(rig.log().empty(), cut == 0);
                EXPECT_FALSE(says(rig.log(), " ok ")) << rig.log();
            }
        }
    }
}

/// An exchange with everything in it: content both ways, an interim response, a slow client.
StepOrigin::Reply busy_reply(std::string_view input, int) {
    if (!input.ends_with("0\r\n\r\n")) return {};
    return {input.size(), "HTTP/1.1 103 Early Hints\r\n\r\n" + by_chunks, false, false};
}

TEST(ExchangeFaults, cancelled_after_any_number_of_passes) {
    const std::string post =
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    bool is_over = false;
    for (int passes = 0; passes < 2000 && !is_over; passes++) {
        SCOPED_TRACE(passes);
        const auto frames = loop::frame_cache::frames_in_use();
        {
            support::Steps reads = support::octet_by_octet(post, true);
            reads.push_back(Step::block());
            reads.push_back(Step::end());
            support::Steps writes;
            for (int i = 0; i < 40; i++) {
                writes.push_back(Step::block());
                writes.push_back(Step::take(3));
            }
            Rig rig(busy_reply, std::move(reads), std::move(writes), "", false);
            for (int i = 0; i < passes; i++)
                rig.pass();
            is_over = rig.is_over();
            rig.scope.cancel();
            rig.settle();
            EXPECT_TRUE(rig.is_over());
            if (HasFailure()) return;
        }
        EXPECT_EQ(loop::frame_cache::frames_in_use(), frames);
    }
    EXPECT_TRUE(is_over) << "the exchange never ends";
}

// ---- responses before the request has ended
// -------------------------------------------------------

StepOrigin::Script answer_at_head(const std::string& response) {
    return [response](std::string_view input, int) {
        if (input.find("\r\n\r\n") == std::string_view::npos) return StepOrigin::Reply{};
        return StepOrigin::Reply{input.size(), response, false, false};
    };
}

TEST(ExchangeFaults, a_response_may_come_before_the_request_has_ended) {
    for (const char* expects : {"", "Expect: 100-continue\r\n"}) {
        const std::string post =
            std::string("POST /a HTTP/1.1\r\nHost: h\r\n") + expects + "Content-Length: 5\r\n\r\n";
        Rig rig(answer_at_head("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"),
                {Step::data(post)});
        EXPECT_EQ(rig.written(),
                  "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        EXPECT_EQ(rig.log(), "POST 413 length ok 1 0\n");
        EXPECT_TRUE(rig.record.has_finished_writing);
        EXPECT_EQ(rig.state.upstreams.pool().size(), 0u) << "it still waits for the content";
        rig.pass_time(3s);
        EXPECT_TRUE(rig.is_over());
    }
}

TEST(ExchangeFaults, a_client_that_stops_sending_is_answered) {
    Rig rig(silent(), {Step::data("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")},
            {}, "Timeout 9\nProxyTimeout 90");
    rig.pass_time(9s);
    EXPECT_EQ(rig.written().substr(0, 13), "HTTP/1.1 408 ");
    EXPECT_TRUE(says(rig.log(), "client/request-content/timed-out")) << rig.log();
}

TEST(ExchangeFaults, eleven_interim_responses_are_too_many) {
    std::string responses;
    for (int i = 0; i < 11; i++)
        responses += "HTTP/1.1 103 Early Hints\r\n\r\n";
    Rig rig(StepOrigin::answer_all(responses + by_length), {Step::data(get)});
    EXPECT_TRUE(says(rig.log(), "upstream/upstream-wait/malformed")) << rig.log();
}

TEST(ExchangeFaults, interim_responses_are_not_for_http_1_0) {
    Rig rig(StepOrigin::answer_all("HTTP/1.1 103 Early Hints\r\n\r\n" + by_length),
            {Step::data("GET /a HTTP/1.0\r\n\r\n")});
    EXPECT_EQ(rig.written(),
              "HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\nhello world");
}

// ---- requests that are not for an origin
// ---------------------------------------------------------

TEST(ExchangeFaults, connect_and_asterisk_do_not_reach_the_origin_as_its_root) {
    for (const char* line : {"CONNECT h:80 HTTP/1.1", "OPTIONS * HTTP/1.1"}) {
        auto seen = std::make_shared<std::string>();
        Rig rig(
            [seen](std::string_view input, int) {
                *seen += input;
                return StepOrigin::Reply{input.size(), input.empty() ? "" : by_length, false,
                                         false};
            },
            {Step::data(std::string(line) + "\r\nHost: h:80\r\n\r\n")});
        EXPECT_FALSE(says(*seen, " / ")) << *seen;
        EXPECT_NE(rig.written(), "") << line;
    }
}

TEST(ExchangeFaults, an_answer_to_head_has_no_content_on_the_wire_or_in_the_log) {
    Rig rig(silent(), {Step::data("HEAD /none HTTP/1.1\r\nHost: h\r\n\r\n")});
    EXPECT_EQ(rig.written().substr(0, 13), "HTTP/1.1 404 ");
    EXPECT_TRUE(rig.written().ends_with("\r\n\r\n"));
    EXPECT_EQ(rig.log(), "HEAD 404 length ok 0 0\n");
}

// ---- clients that leave
// ---------------------------------------------------------------------------

TEST(ExchangeDeparture, ends_the_wait_for_the_response) {
    Rig rig(silent(), {Step::data(get)});
    EXPECT_EQ(rig.origin.open(), 1u);
    rig.transport->break_off(ECONNRESET);
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "GET 499 - client/upstream-wait/reset 1 0\n");
    EXPECT_EQ(rig.origin.open(), 0u) << "the upstream works for nobody";
    EXPECT_EQ(rig.written(), "");
}

TEST(ExchangeDeparture, ends_a_response_that_drips) {
    const std::string start = "HTTP/1.1 200 OK\r\n\r\nfirst";
    Rig rig(StepOrigin::answer_all(start), {Step::data(get)});
    EXPECT_EQ(rig.origin.open(), 1u);
    rig.transport->break_off(ECONNRESET);
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "GET 200 close client/response-content/reset 1 5\n");
    EXPECT_EQ(rig.origin.open(), 0u);
}

TEST(ExchangeDeparture, ends_an_upload) {
    Rig rig(silent(), {Step::data("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")});
    rig.transport->break_off(ECONNRESET);
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "POST 499 - client/request-content/reset 1 0\n");
    EXPECT_EQ(rig.origin.open(), 0u);
}

TEST(ExchangeDeparture, before_the_exchange_began_reaches_no_upstream) {
    Rig rig(silent(), {}, {}, "", false);
    rig.settle();
    rig.transport->break_off(ECONNRESET);
    rig.transport->arrive_first(Step::data(get));
    rig.settle();
    EXPECT_EQ(rig.log(), "GET 499 - client/request-head/reset 0 0\n");
    EXPECT_EQ(rig.origin.accepted(), 0);
}

TEST(ExchangeDeparture, is_not_meant_by_the_end_of_the_input) {
    auto may_answer = std::make_shared<bool>(false);
    Rig rig(
        [may_answer](std::string_view input, int) {
            if (!*may_answer || input.empty()) return StepOrigin::Reply{};
            return StepOrigin::Reply{input.size(), by_length, false, false};
        },
        {Step::data(get), Step::end()});
    EXPECT_EQ(rig.origin.open(), 1u);
    *may_answer = true;
    rig.settle();
    EXPECT_TRUE(rig.written().ends_with("hello world"));
    EXPECT_EQ(rig.log(), "GET 200 length ok 1 11\n");
}

// ---- upgrades
// --------------------------------------------------------------------------------------

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
    EXPECT_EQ(rig.log(), "GET 101 tunnel proxy/tunnel/timed-out 1 3\n");
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

// ---- the books
// ------------------------------------------------------------------------------------

TEST(ExchangeBooks, a_park_is_charged_to_its_phase_and_no_thread_is_held) {
    auto may_answer = std::make_shared<bool>(false);
    Rig rig(
        [may_answer](std::string_view input, int) {
            if (!*may_answer || input.empty()) return StepOrigin::Reply{};
            return StepOrigin::Reply{input.size(), by_length, false, false};
        },
        {Step::data(get)}, {Step::take(5), Step::stall()},
        "CustomLog books.log \"%D %{held}x %{parked}x %{releases}x %{phases}x\"");
    rig.pass_time(2s);
    *may_answer = true;
    rig.settle();
    rig.pass_time(3s);
    EXPECT_FALSE(rig.is_over());
    rig.pass_time(60s);
    EXPECT_TRUE(rig.is_over());
    rig.state.logs.flush();
    EXPECT_EQ(rig.loaded.file("books.log"),
              "65000000 0 65000000 4 connect=0us/1,upstream-wait=2000000us/1,"
              "client-write=63000000us/2\n");
}

TEST(ExchangeBooks, idle_time_between_exchanges_is_nobodys) {
    Rig rig(StepOrigin::answer_all(by_length), {Step::data(get)}, {},
            "KeepAliveTimeout 90\nCustomLog books.log \"%D %{held}x %{parked}x\"");
    rig.pass_time(50s);
    rig.transport->arrive(Step::data(get));
    rig.settle();
    rig.state.logs.flush();
    EXPECT_EQ(rig.loaded.file("books.log"), "0 0 0\n0 0 0\n");
}

}  // namespace
}  // namespace headgate::proxy
