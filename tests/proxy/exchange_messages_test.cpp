// What belongs to a message beside head and content: 100-continue, and trailers.
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

/// Answers when the input ends with `end`, and keeps what it saw.
StepOrigin::Script after(std::string end, std::string response,
                         std::shared_ptr<std::string> seen = std::make_shared<std::string>()) {
    return [end, response, seen](std::string_view input, int) {
        if (!input.ends_with(end)) return StepOrigin::Reply{};
        *seen = input;
        return StepOrigin::Reply{input.size(), response, false, false};
    };
}

// ---- 100-continue
// -----------------------------------------------------------------------------------

const std::string expecting =
    "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";

TEST(ExchangeContinue, is_answered_by_us_where_the_route_says_so) {
    auto seen = std::make_shared<std::string>();
    Rig rig(after("xy", by_length, seen), {Step::data(expecting)}, {}, "Proxy100Continue Off");
    EXPECT_EQ(rig.written(), "HTTP/1.1 100 Continue\r\n\r\n");
    rig.transport->arrive(Step::data("xy"));
    rig.settle();
    EXPECT_FALSE(says(*seen, "Expect")) << *seen;
    EXPECT_EQ(rig.written(), "HTTP/1.1 100 Continue\r\n\r\n" + by_length);
    EXPECT_EQ(rig.log(), "POST 200 length ok 1 11\n");
    EXPECT_FALSE(rig.is_over());
}

TEST(ExchangeContinue, is_passed_on_to_the_upstream) {
    auto seen = std::make_shared<std::string>();
    Rig rig(after("xy", by_length, seen), {Step::data(expecting + "xy")});
    EXPECT_TRUE(says(*seen, "\r\nExpect: 100-continue\r\n")) << *seen;
    EXPECT_EQ(rig.written(), by_length);
}

TEST(ExchangeContinue, means_nothing_without_content_or_from_http_1_0) {
    const std::string requests[] = {
        "GET /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n",
        "POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nxy"};
    for (const std::string& request : requests) {
        auto seen = std::make_shared<std::string>();
        Rig rig(after(request.substr(request.size() - 2), by_length, seen), {Step::data(request)},
                {}, "");
        EXPECT_NE(*seen, "");
        EXPECT_FALSE(says(*seen, "Expect")) << *seen;
        EXPECT_FALSE(says(rig.written(), "100 Continue"));
    }
}

TEST(ExchangeContinue, a_100_that_nobody_waits_for_is_not_passed_on) {
    Rig rig(StepOrigin::answer_all("HTTP/1.1 100 Continue\r\n\r\n" + by_length), {Step::data(get)});
    EXPECT_EQ(rig.written(), by_length);
}

TEST(ExchangeContinue, interim_responses_pass_one_by_one) {
    const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    const std::string processing = "HTTP/1.1 102 Processing\r\n\r\n";
    Rig rig(StepOrigin::answer_all(hints + processing + hints + by_length),
            {Step::data(get + get)});
    const std::string once = hints + processing + hints + by_length;
    EXPECT_EQ(rig.written(), once + once);
    EXPECT_EQ(rig.origin.accepted(), 1);
}

TEST(ExchangeContinue, an_interim_response_with_framing_is_the_last_exchange_of_its_connection) {
    Rig rig(
        StepOrigin::answer_all("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + by_length),
        {Step::data(get + get)});
    EXPECT_EQ(rig.written(), "HTTP/1.1 103 Early Hints\r\n\r\n" + by_length +
                                 "HTTP/1.1 103 Early Hints\r\n\r\n" + by_length);
    EXPECT_EQ(rig.origin.accepted(), 2);
}

// ---- content that nobody wants

const std::string chunked_post =
    "POST /none HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunks(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; i++)
        text += "400\r\n" + std::string(1024, 'x') + "\r\n";
    return text;
}

TEST(ExchangeLeftovers, in_chunks_are_dropped_when_they_are_there_and_little) {
    const struct {
        const char* name;
        std::string content;
        bool goes_on;
    } cases[] = {
        {"no content", "0\r\n\r\n", true},
        {"little", chunks(5) + "0\r\nX-Sum: 1\r\n\r\n", true},
        {"nearly too much", chunks(62) + "0\r\n\r\n", true},
        {"too much", chunks(66) + "0\r\n\r\n", false},
        {"no end yet", chunks(5), false},
        {"nothing yet", "", false},
        {"malformed", "2\r\nab\r\nzz", false},
        {"a trailer that is refused", "0\r\nX_A: 1\r\n\r\n", false},
    };
    for (const auto& each : cases) {
        Rig rig(silent(), {Step::data(chunked_post + each.content)});
        EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 404 ")) << each.name;
        EXPECT_EQ(says(rig.written(), "Connection: close\r\n"), !each.goes_on) << each.name;
        rig.transport->arrive(Step::data("GET /none HTTP/1.1\r\nHost: h\r\n\r\n"));
        rig.settle();
        EXPECT_EQ(rig.log(), each.goes_on
                                 ? "POST 404 length client/request-head/refused 0 107\nGET 404 "
                                   "length client/request-head/refused 0 107\n"
                                 : "POST 404 length client/request-head/refused 0 107\n")
            << each.name;
    }
}

/// In its place may come the next request.
TEST(ExchangeLeftovers, of_who_waits_for_100_are_not_read) {
    const std::string head =
        "POST /none HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
        "Transfer-Encoding: chunked\r\n\r\n";
    Rig rig(silent(), {Step::data(head + "0\r\n\r\n")});
    EXPECT_TRUE(says(rig.written(), "Connection: close\r\n")) << rig.written();
}

/// An upstream that cannot be reached says nothing against the client's connection.
TEST(ExchangeLeftovers, of_a_failed_exchange_are_dropped_too) {
    Rig rig(silent(),
            {Step::data("POST /down HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                        chunks(2) + "0\r\n\r\n")},
            {}, "ProxyPass /down unix:/nonexistent/socket|http://h/");
    EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 503 ")) << rig.written();
    EXPECT_FALSE(says(rig.written(), "Connection: close\r\n")) << rig.written();
    EXPECT_FALSE(rig.is_over());
}

// ---- trailers

const std::string chunked_head =
    "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n";
const std::string trailed = chunked_head +
                            "2\r\nab\r\n0\r\nX-Sum: 7\r\nContent-Length: 9\r\n"
                            "Host: evil\r\nX-Forwarded-For: evil\r\n\r\n";

TEST(ExchangeTrailers, reach_a_client_that_takes_them) {
    Rig rig(StepOrigin::answer_all(trailed),
            {Step::data("GET /a HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n")});
    EXPECT_EQ(rig.written(), chunked_head + "2\r\nab\r\n0\r\nX-Sum: 7\r\n\r\n");
    EXPECT_EQ(rig.state.upstreams.pool().size(), 1u);
}

TEST(ExchangeTrailers, are_kept_from_others) {
    const std::string bare = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    Rig rig(StepOrigin::answer_all(trailed), {Step::data(get)});
    EXPECT_EQ(rig.written(), bare + "2\r\nab\r\n0\r\n\r\n");

    Rig old(StepOrigin::answer_all(trailed),
            {Step::data("GET /a HTTP/1.0\r\nTE: trailers\r\n\r\n")});
    EXPECT_EQ(old.written(), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab");
}

TEST(ExchangeTrailers, of_one_connection_stay_on_it) {
    Rig rig(StepOrigin::answer_all(
                "HTTP/1.1 200 OK\r\nConnection: X-Hop, keep-alive\r\nTransfer-Encoding: chunked\r\n"
                "\r\n2\r\nab\r\n0\r\nX-Sum: 7\r\nx-hop: 1\r\nX-Hop-By: 2\r\n\r\n"),
            {Step::data("GET /a HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\n")});
    EXPECT_TRUE(rig.written().ends_with("\r\n0\r\nX-Sum: 7\r\nX-Hop-By: 2\r\n\r\n"))
        << rig.written();
}

TEST(ExchangeTrailers, above_the_limit_cut_the_response) {
    const std::string many = chunked_head + "2\r\nab\r\n0\r\nX-Sum: " + std::string(8192, 'x');
    Rig rig(StepOrigin::answer_all(many), {Step::data(get)});
    EXPECT_TRUE(says(rig.log(), "upstream/response-content/malformed")) << rig.log();
    EXPECT_FALSE(rig.written().ends_with("0\r\n\r\n"));
}

TEST(ExchangeTrailers, of_a_request_reach_the_upstream) {
    auto seen = std::make_shared<std::string>();
    Rig rig(after("0\r\nX-Sum: 7\r\n\r\n", by_length, seen),
            {Step::data("POST /a HTTP/1.1\r\nHost: h\r\nTrailer: X-Sum\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 7\r\n"
                        "Transfer-Encoding: gzip\r\n\r\n")});
    EXPECT_TRUE(says(*seen, "Trailer: X-Sum\r\n")) << *seen;
    EXPECT_TRUE(seen->ends_with("2\r\nab\r\n0\r\nX-Sum: 7\r\n\r\n")) << *seen;
    EXPECT_EQ(rig.written(), by_length);
    EXPECT_EQ(rig.state.upstreams.pool().size(), 1u);
}

/// X_Real_IP in a trailer section is no better than in a head.
TEST(ExchangeTrailers, of_a_request_with_underscores_follow_the_rule_of_the_head) {
    const std::string head =
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n";
    const std::string trailers = "0\r\nX-Sum: 7\r\nX_Real_IP: 1\r\n\r\n";
    for (const std::string rule : {"", "FieldNameUnderscores Refuse\n"}) {
        auto seen = std::make_shared<std::string>();
        const StepOrigin::Script looks_on = [seen](std::string_view input, int) {
            *seen = input;
            return StepOrigin::Reply{};
        };
        Rig rig(looks_on, {Step::data(head), Step::data(trailers)}, {}, rule);
        EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 400 ")) << rig.written();
        EXPECT_TRUE(says(rig.log(), "client/request-content/malformed")) << rig.log();
        EXPECT_FALSE(says(*seen, "\r\n0\r\n")) << "no end: " << *seen;
        EXPECT_EQ(rig.state.upstreams.pool().size(), 0u);
    }
    for (const bool keeps : {false, true}) {
        auto seen = std::make_shared<std::string>();
        const std::string end =
            std::string("0\r\nX-Sum: 7\r\n") + (keeps ? "X_Real_IP: 1\r\n" : "");
        Rig rig(after(end + "\r\n", by_length, seen), {Step::data(head), Step::data(trailers)}, {},
                keeps ? "FieldNameUnderscores Keep\n" : "FieldNameUnderscores Drop\n");
        EXPECT_EQ(rig.written(), by_length);
    }
}

}  // namespace
}  // namespace headgate::proxy
