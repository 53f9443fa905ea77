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
