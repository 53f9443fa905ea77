// Requests: what the framing vectors do not cover.
#include "proxy/http/request_framing.h"

#include "proxy/http/content_length.h"
#include "proxy/http/head_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::http {
namespace {

Result<RequestFraming> framing_of(std::string_view line, std::string_view fields) {
    const std::string text = std::string(line) + "\r\nHost: h\r\n" + std::string(fields) + "\r\n";
    HeadParser parser(HeadParser::Kind::request);
    EXPECT_EQ(parser.parse(text), HeadParser::Status::complete) << text;
    return request_framing(parser.take_request(), text);
}

HeadError error_of(std::string_view fields) {
    const auto framing = framing_of("POST / HTTP/1.1", fields);
    return framing ? HeadError{} : framing.error();
}

TEST(RequestFraming, AllowsUpgradeOnlyWithoutContent) {
    const std::string upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    EXPECT_TRUE(framing_of("GET / HTTP/1.1", upgrade)->may_upgrade);
    EXPECT_TRUE(framing_of("GET / HTTP/1.1", upgrade + "Content-Length: 0\r\n")->may_upgrade);
    EXPECT_FALSE(framing_of("GET / HTTP/1.1", upgrade + "Content-Length: 1\r\n")->may_upgrade);
    EXPECT_FALSE(
        framing_of("GET / HTTP/1.1", upgrade + "Transfer-Encoding: chunked\r\n")->may_upgrade);
    EXPECT_FALSE(framing_of("GET / HTTP/1.0", upgrade)->may_upgrade);
    EXPECT_FALSE(framing_of("GET / HTTP/1.1", "Upgrade: websocket\r\n")->may_upgrade);
    EXPECT_FALSE(
        framing_of("GET / HTTP/1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n")->may_upgrade);
}

TEST(RequestFraming, TellsWhetherTheClientWaits) {
    const std::string expect = "Expect: 100-Continue\r\n";
    EXPECT_TRUE(framing_of("POST / HTTP/1.1", expect + "Content-Length: 1\r\n")->expects_continue);
    EXPECT_FALSE(framing_of("POST / HTTP/1.1", expect)->expects_continue);
    EXPECT_FALSE(framing_of("POST / HTTP/1.0", expect + "Content-Length: 1\r\n")->expects_continue);
}

TEST(RequestFraming, RefusesOtherExpectations) {
    EXPECT_EQ(error_of("Expect: 200-ok\r\n").status, 417);
    EXPECT_EQ(error_of("Expect: 100-continue, x\r\n").code, HeadFault::expectation);
    const std::string content = "Content-Length: 1\r\n";
    for (const char* same : {"100-continue, 100-Continue", ", 100-continue,"})
        EXPECT_TRUE(framing_of("POST / HTTP/1.1", "Expect: " + std::string(same) + "\r\n" + content)
                        ->expects_continue);
}

TEST(RequestFraming, ReadsTransferEncodingOverAllLines) {
    EXPECT_EQ(error_of("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n").code,
              HeadFault::te_invalid);
    EXPECT_EQ(error_of("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n").code,
              HeadFault::te_unsupported);
    EXPECT_EQ(error_of("Transfer-Encoding: \r\n").code, HeadFault::te_invalid);
    EXPECT_EQ(error_of("Transfer-Encoding: gzip\r\n").code, HeadFault::te_invalid);
}

TEST(RequestFraming, RefusesOptionsThatNameFraming) {
    EXPECT_EQ(error_of("Connection: host\r\n").code, HeadFault::connection_nominates_framing);
    EXPECT_EQ(error_of("Connection: x, Transfer-Encoding\r\n").code,
              HeadFault::connection_nominates_framing);
}

TEST(ContentLength, ReadsDigitsOnlyAndUpTo63Bits) {
    std::uint64_t value = 1;
    EXPECT_TRUE(parse_length("0", value));
    EXPECT_EQ(value, 0U);
    EXPECT_TRUE(parse_length("9223372036854775807", value));
    EXPECT_EQ(value, 9223372036854775807U);
    EXPECT_TRUE(parse_length("00000000000000000000000000000007", value));
    EXPECT_EQ(value, 7U);
    for (const std::string_view bad : {"", " 1", "1 ", "+1", "-1", "0x1", "1_0", "1.0",
                                       "9223372036854775808", "99999999999999999999"}) {
        EXPECT_FALSE(parse_length(bad, value)) << bad;
    }
}

}  // namespace
}  // namespace headgate::http
