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

const std::string switched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const std::string with_trailers =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n";
const std::string hints = "HTTP/1.1 103 Early Hints\r\n\r\n";

TEST(ExchangeFaults, nor_is_one_with_interim_responses_or_trailers) {
    const std::string takes_trailers =
        "GET /a HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n";
    for (const std::string& whole : {hints + by_length, hints + hints + with_trailers}) {
        for (std::size_t cut = 0; cut < whole.size(); cut++) {
            for (const bool resets : {false, true}) {
                SCOPED_TRACE(whole.substr(0, cut) + (resets ? " reset" : " closed"));
                Rig rig(once(whole.substr(0, cut), resets), {Step::data(takes_trailers)});
                EXPECT_TRUE(says(rig.log(), " upstream/")) << rig.log();
                EXPECT_EQ(rig.state.upstreams.pool().size(), 0u);
                EXPECT_FALSE(rig.written().ends_with("hello world"));
                EXPECT_FALSE(rig.written().ends_with("X-Sum: 7\r\n\r\n"));
                EXPECT_FALSE(rig.written().ends_with("0\r\n\r\n"));
            }
        }
    }
}

TEST(ExchangeFaults, an_upgrade_cut_at_any_octet_is_refused_or_a_broken_tunnel) {
    const std::string upgrade =
        "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    const std::string whole = switched + "hello";
    for (std::size_t cut = 0; cut <= whole.size(); cut++) {
        for (const bool resets : {false, true}) {
            SCOPED_TRACE(whole.substr(0, cut) + (resets ? " reset" : " closed"));
            Rig rig(once(whole.substr(0, cut), resets), {Step::data(upgrade)});
            if (!rig.is_over()) rig.transport->arrive(Step::end());
            rig.settle();
            rig.pass_time(3s);
            EXPECT_TRUE(rig.is_over());
            const std::string log = rig.log();
            const bool is_tunnel = cut >= switched.size();
            const bool is_refused = says(log, "GET 502 length upstream/upstream-wait/");
            EXPECT_TRUE(is_refused ? !is_tunnel || resets : is_tunnel) << log;
            // A reset may overtake what was sent before it, even the whole of it.
            EXPECT_TRUE(is_refused || says(log, "GET 101 tunnel ok 1 ") ||
                        (resets && says(log, "GET 101 tunnel upstream/tunnel/reset 1 ")))
                << log;
            EXPECT_EQ(rig.state.upstreams.pool().size(), 0u);
        }
    }
}

TEST(ExchangeFaults, a_reset_until_close_is_no_end) {
    const std::string whole = "HTTP/1.1 200 OK\r\n\r\nhello";
    const std::size_t head = whole.find("\r\n\r\n") + 4;
    for (std::size_t cut = head; cut <= whole.size(); cut++) {
        SCOPED_TRACE(cut - head);
        Rig chunked(once(whole.substr(0, cut), true), {Step::data(get)});
        EXPECT_TRUE(says(chunked.log(), " upstream/")) << chunked.log();
        EXPECT_FALSE(chunked.written().ends_with("0\r\n\r\n"));
        Rig by_close(once(whole.substr(0, cut), true), {Step::data("GET /a HTTP/1.0\r\n\r\n")});
        EXPECT_TRUE(says(by_close.log(), " upstream/")) << by_close.log();
        EXPECT_TRUE(by_close.record.resets_on_close || says(by_close.written(), " 502 "));
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
    if (!input.ends_with("0\r\nX-Sum: 7\r\n\r\n")) return {};
    return {input.size(), hints + with_trailers, false, false};
}

/// A tunnel that says back what it hears, and ends when it hears "bye".
StepOrigin::Reply tunnel_reply(std::string_view input, int) {
    if (input.ends_with("\r\n\r\n")) return {input.size(), switched + "hi", false, false};
    if (input.find('\n') != std::string_view::npos || input.empty()) return {};
    return {input.size(), std::string(input), input.ends_with("e"), false};
}

/// Cancels the exchange after each number of passes; the client is slow both ways.
void cancel_everywhere(StepOrigin::Script script, const std::string& request) {
    bool is_over = false;
    for (int passes = 0; passes < 2000 && !is_over; passes++) {
        SCOPED_TRACE(passes);
        const auto frames = loop::frame_cache::frames_in_use();
        {
            support::Steps reads = support::octet_by_octet(request, true);
            reads.push_back(Step::block());
            reads.push_back(Step::end());
            support::Steps writes;
            for (int i = 0; i < 40; i++) {
                writes.push_back(Step::block());
                writes.push_back(Step::take(3));
            }
            Rig rig(script, std::move(reads), std::move(writes), "", false);
            for (int i = 0; i < passes; i++)
                rig.pass();
            is_over = rig.is_over();
            rig.scope.cancel();
            rig.settle();
            EXPECT_TRUE(rig.is_over());
            if (::testing::Test::HasFailure()) return;
        }
        EXPECT_EQ(loop::frame_cache::frames_in_use(), frames);
    }
    EXPECT_TRUE(is_over) << "the exchange never ends";
}

TEST(ExchangeFaults, cancelled_after_any_number_of_passes) {
    cancel_everywhere(
        busy_reply,
        "POST /a HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n"
        "\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n");
    cancel_everywhere(tunnel_reply,
                      "GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "\r\nhello bye");
}

// ---- responses before the request has ended

StepOrigin::Script answer_at_head(const std::string& response) {
    return [response](std::string_view input, int) {
        if (input.find("\r\n\r\n") == std::string_view::npos) return StepOrigin::Reply{};
        return StepOrigin::Reply{input.size(), response, false, false};
    };
}

const std::string too_large = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
const std::string too_large_and_close =
    "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

TEST(ExchangeFaults, a_response_may_come_before_the_request_has_ended) {
    // The rest is too much, of unknown size, or will not come: the client sends it elsewhere.
    for (const char* fields :
         {"Content-Length: 65538\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\n",
          "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"}) {
        SCOPED_TRACE(fields);
        Rig rig(answer_at_head(too_large),
                {Step::data("POST /a HTTP/1.1\r\nHost: h\r\n" + std::string(fields))});
        EXPECT_EQ(rig.written(), too_large_and_close);
        EXPECT_EQ(rig.log(), "POST 413 length ok 1 0\n");
        EXPECT_TRUE(rig.record.has_finished_writing);
        EXPECT_EQ(rig.state.upstreams.pool().size(), 0u) << "it still waits for the content";
        rig.pass_time(3s);
        EXPECT_TRUE(rig.is_over());
    }
}

TEST(ExchangeFaults, a_small_rest_of_an_answered_request_is_dropped) {
    const std::string post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 65536\r\n\r\n";
    Rig rig(answer_at_head(too_large), {Step::data(post)});
    EXPECT_EQ(rig.written(), too_large);
    EXPECT_EQ(rig.state.upstreams.pool().size(), 0u);
    rig.transport->arrive(Step::data(std::string(65536, 'x') + get));
    rig.settle();
    EXPECT_EQ(rig.written(), too_large + too_large);
    EXPECT_EQ(rig.log(), "POST 413 length ok 1 0\nGET 413 length ok 1 0\n");

    Rig silent_one(answer_at_head(too_large), {Step::data(post + "some")});
    silent_one.pass_time(2s);
    EXPECT_TRUE(silent_one.record.has_finished_writing);
    silent_one.pass_time(2s);
    EXPECT_TRUE(silent_one.is_over());
}

TEST(ExchangeFaults, a_client_that_stops_sending_is_answered) {
    Rig rig(silent(), {Step::data("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhe")},
            {}, "Timeout 9\nProxyTimeout 90");
    rig.pass_time(9s);
    EXPECT_EQ(rig.written().substr(0, 13), "HTTP/1.1 408 ");
    EXPECT_TRUE(says(rig.written(), "\r\nConnection: close\r\n")) << rig.written();
    EXPECT_TRUE(says(rig.log(), "timeout/request-content/client-silent")) << rig.log();
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
    EXPECT_EQ(rig.log(), "HEAD 404 length client/request-head/refused 0 0\n");
}

// ---- the books

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
