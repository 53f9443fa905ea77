// What is left of a request behind its response, and how long it is waited for.
#include "tests/support/exchange_rig.h"

namespace headgate::proxy {
namespace {

using namespace support;

constexpr std::chrono::seconds second{1};

/// How many seconds a client is listened to that sends an octet in each; `most` when for ever.
int seconds_listened(ExchangeRig& rig, int most) {
    int seconds = 0;
    for (; seconds < most && !rig.is_over(); seconds++) {
        rig.transport->arrive(Step::data("x"));
        rig.pass_time(second);
    }
    return seconds;
}

const std::string long_post = "POST /none HTTP/1.1\r\nHost: a.test\r\nContent-Length: ";

TEST(H1ClientEnd, the_rest_of_an_answered_request_is_waited_for_a_moment) {
    ExchangeRig rig(silent(), {Step::data(long_post + "60000\r\n\r\n")});
    EXPECT_EQ(rig.written().substr(0, 12), "HTTP/1.1 404");
    // Two seconds in all, then the end, behind which we linger as long as Apache does.
    rig.pass_time(second);
    EXPECT_FALSE(rig.record.has_finished_writing);
    rig.transport->arrive(Step::data("x"));
    rig.pass_time(2 * second);
    EXPECT_TRUE(rig.record.has_finished_writing);
    EXPECT_LE(seconds_listened(rig, 100), 31);
}

TEST(H1ClientEnd, lingers_while_octets_come_however_many) {
    ExchangeRig rig(silent(), {Step::data(long_post + "5000000\r\n\r\n")});
    EXPECT_TRUE(rig.record.has_finished_writing);
    for (int i = 0; i < 1000; i++) {
        rig.transport->arrive(Step::data(std::string(1000, 'x')));
        rig.settle();
    }
    EXPECT_FALSE(rig.is_over()) << "its response must not be lost by a reset";
    const int seconds = seconds_listened(rig, 100);
    EXPECT_GE(seconds, 29);
    EXPECT_LE(seconds, 31);
}

TEST(H1ClientEnd, lingers_no_longer_than_silence_lasts) {
    ExchangeRig rig(silent(), {Step::data(long_post + "5000000\r\n\r\n")});
    rig.pass_time(second);
    EXPECT_FALSE(rig.is_over());
    rig.pass_time(second);
    EXPECT_TRUE(rig.is_over());
}

TEST(H1ClientEnd, patience_with_content_begins_when_it_was_asked_for) {
    ExchangeRig rig(silent(),
                    {Step::data("POST /a HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\n"
                                "Transfer-Encoding: chunked\r\n\r\n")},
                    {}, "Proxy100Continue Off\nRequestReadTimeout body=2\nTimeout 60\n");
    EXPECT_EQ(rig.written(), "HTTP/1.1 100 Continue\r\n\r\n");
    rig.transport->arrive(Step::data("5;"));
    for (int i = 0; i < 3; i++) {
        rig.transport->arrive(Step::data("e"));
        rig.pass_time(second);
    }
    EXPECT_NE(rig.written().find("HTTP/1.1 408 "), std::string::npos) << rig.written();
}

}  // namespace
}  // namespace headgate::proxy
