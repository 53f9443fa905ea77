// Clients that leave while their exchange waits for something else: it ends at once, under whatever
// wait, and the upstream is let go. The end of a client's input alone is no leave.
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

TEST(ExchangeDeparture, ends_the_wait_for_a_connection) {
    // A listener whose queue is full: the kernel drops what comes on top of it.
    loop::ListenOptions none_waiting;
    none_waiting.backlog = 0;
    const loop::Listening full =
        loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), none_waiting);
    const loop::Address at = loop::Address::of_socket(full.socket.descriptor());
    const loop::Connecting first = loop::start_connect(at);
    const loop::Connecting second = loop::start_connect(at);
    Rig rig(silent(), {}, {},
            "ProxyPass /full http://127.0.0.1:" + std::to_string(at.port()) + "/");
    rig.transport->arrive(Step::data("GET /full HTTP/1.1\r\nHost: h\r\n\r\n"));
    rig.settle();
    rig.transport->break_off(ECONNRESET);
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.log(), "GET 499 - client/connect/reset 1 0\n");
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

/// Answers each request with `first`, and sends `second` once it may.
StepOrigin::Script in_two_parts(std::string first, std::string second, std::shared_ptr<bool> may) {
    return [=, has_begun = false](std::string_view input, int) mutable {
        if (input.find("\r\n\r\n") != std::string_view::npos) {
            has_begun = true;
            return StepOrigin::Reply{input.size(), first, false, false};
        }
        if (!has_begun || !*may) return StepOrigin::Reply{};
        has_begun = false;
        return StepOrigin::Reply{0, second, false, false};
    };
}

/// A connection of which little is due is worth more than what it costs to read that.
TEST(ExchangeDeparture, leaves_an_upstream_its_connection_where_little_is_due) {
    const auto may_go_on = std::make_shared<bool>(false);
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n";
    Rig rig(in_two_parts(head + "hello", " world", may_go_on), {Step::data(get)});
    rig.transport->break_off(ECONNRESET);
    rig.settle();
    EXPECT_TRUE(rig.is_over()) << "nobody waits for the rest";
    EXPECT_EQ(rig.log(), "GET 200 length client/response-content/reset 1 5\n");
    EXPECT_EQ(rig.origin.open(), 1u);
    EXPECT_EQ(rig.state.upstreams.pool().size(), 0u);
    *may_go_on = true;
    rig.settle();
    EXPECT_EQ(rig.origin.open(), 1u);
    EXPECT_EQ(rig.state.upstreams.pool().size(), 1u);
    EXPECT_EQ(rig.state.upstreams.leftovers().size(), 0u);
}

TEST(ExchangeDeparture, noticed_by_a_write_leaves_it_too) {
    const auto may_go_on = std::make_shared<bool>(true);
    const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    Rig rig(in_two_parts(head + "5\r\nhello\r\n", "0\r\n\r\n", may_go_on), {Step::data(get)},
            {Step::fail(EPIPE)});
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.origin.open(), 1u);
    EXPECT_EQ(rig.state.upstreams.pool().size(), 1u);
}

TEST(ExchangeDeparture, ends_a_connection_on_which_much_is_due) {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 65542\r\n\r\n";
    Rig rig(StepOrigin::answer_all(head + "hello"), {Step::data(get)});
    rig.transport->break_off(ECONNRESET);
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.origin.open(), 0u);
}

/// Nobody waits any longer, for the process has to end: that is no failure of the upstream's.
TEST(ExchangeStop, answers_503_where_nothing_was_sent) {
    Rig rig(silent(), {Step::data(get)});
    rig.scope.cancel();
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_TRUE(rig.log().starts_with("GET 503 length admin/upstream-wait/stopped 1 "))
        << rig.log();
    EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    EXPECT_NE(rig.written().find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(rig.origin.open(), 0u);
}

TEST(ExchangeStop, waits_for_no_client_that_does_not_take_the_503) {
    Rig rig(silent(), {Step::data(get)}, {Step::take(10), Step::stall()});
    rig.scope.cancel();
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.written(), "HTTP/1.1 5");
}

TEST(ExchangeStop, answers_503_to_half_a_head_and_to_half_a_content) {
    Rig head(silent(), {Step::data(get.substr(0, 20))});
    head.scope.cancel();
    head.settle();
    EXPECT_TRUE(head.is_over());
    EXPECT_TRUE(head.written().starts_with("HTTP/1.1 503 ")) << head.written();
    EXPECT_NE(head.log().find(" 503 length admin/request-head/stopped "), std::string::npos)
        << head.log();
    Rig upload(silent(), {Step::data("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nh")});
    upload.scope.cancel();
    upload.settle();
    EXPECT_TRUE(upload.written().starts_with("HTTP/1.1 503 ")) << upload.written();
    EXPECT_NE(upload.log().find(" 503 length admin/request-content/stopped "), std::string::npos)
        << upload.log();
}

TEST(ExchangeStop, says_nothing_on_an_idle_connection) {
    Rig rig(silent(), {});
    rig.scope.cancel();
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.written(), "");
    EXPECT_EQ(rig.log(), "");
}

TEST(ExchangeStop, cuts_what_has_begun) {
    const std::string start = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    Rig rig(StepOrigin::answer_all(start), {Step::data(get)});
    rig.scope.cancel();
    rig.settle();
    EXPECT_TRUE(rig.is_over());
    EXPECT_TRUE(rig.written().ends_with("5\r\nhello\r\n")) << rig.written();
    EXPECT_EQ(rig.log(), "GET 200 chunked admin/response-content/stopped 1 5\n");
    EXPECT_EQ(rig.origin.open(), 0u);
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

}  // namespace
}  // namespace headgate::proxy
