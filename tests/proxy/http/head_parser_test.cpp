// The head parser: what the framing vectors do not cover. Limits, slices, leniencies, unfolding.
#include "proxy/http/head_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::http {
namespace {

using Status = HeadParser::Status;
using Kind = HeadParser::Kind;

HeadError error_of(Kind kind, std::string_view text, const HeadLimits& limits = {}) {
    HeadParser parser(kind, limits);
    return parser.parse(text) == Status::error ? parser.error() : HeadError{};
}

std::string request(std::string_view fields) {
    return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

TEST(HeadParser, GivesSlicesOfARequest) {
    const std::string text =
        "PURGE /a?b HTTP/1.1\r\nHost: example\r\nX-A:\t v w \t\r\nX-B:\r\n\r\nrest";
    HeadParser parser(Kind::request);
    ASSERT_EQ(parser.parse(text), Status::complete);
    EXPECT_EQ(parser.head_size(), text.size() - 4);
    const RequestHead head = parser.take_request();
    EXPECT_EQ(head.method, Method::other);
    EXPECT_EQ(head.method_text.of(text), "PURGE");
    EXPECT_EQ(head.target.of(text), "/a?b");
    EXPECT_EQ(head.version, Version::http_1_1);
    ASSERT_EQ(head.fields.size(), 3U);
    EXPECT_EQ(head.fields.value(FieldName::host, text), "example");
    EXPECT_EQ(value(head.fields[1], text), "v w");
    EXPECT_EQ(value(head.fields[2], text), "");
}

TEST(HeadParser, GivesSlicesOfAResponse) {
    const std::string text = "HTTP/1.0 404 Not \xe9 here\r\nServer: x\r\n\r\n";
    HeadParser parser(Kind::response);
    ASSERT_EQ(parser.parse(text), Status::complete);
    const ResponseHead head = parser.take_response();
    EXPECT_EQ(head.version, Version::http_1_0);
    EXPECT_EQ(head.status, 404);
    EXPECT_EQ(head.reason.of(text), "Not \xe9 here");
    EXPECT_FALSE(head.is_lenient());
}

TEST(HeadParser, LeavesWhatFollowsAlone) {
    HeadParser parser(Kind::request);
    const std::string text = request("") + "GET";
    ASSERT_EQ(parser.parse(text), Status::complete);
    EXPECT_EQ(parser.parse(text + "more"), Status::complete);
    EXPECT_EQ(text.substr(parser.head_size()), "GET");
}

TEST(HeadParser, KnowsWhetherARequestHasBegun) {
    HeadParser parser(Kind::request);
    EXPECT_EQ(parser.parse(""), Status::need_more);
    EXPECT_FALSE(parser.has_begun());
    EXPECT_EQ(parser.parse("\r\n"), Status::need_more);
    EXPECT_FALSE(parser.has_begun());
    EXPECT_EQ(parser.parse("\r\nG"), Status::need_more);
    EXPECT_TRUE(parser.has_begun());
}

TEST(HeadParser, AllowsExactlyTheLimitOfALine) {
    const HeadLimits limits{.line = 40};
    const std::string fits = "GET /" + std::string(40 - 14, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(error_of(Kind::request, fits, limits).code, HeadFault::none);
    const std::string above = "GET /" + std::string(41 - 14, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(error_of(Kind::request, above, limits).code, HeadFault::head_too_large);
    EXPECT_EQ(error_of(Kind::request, above, limits).status, 414);
    const std::string long_target = "GET /" + std::string(100, 'a');
    EXPECT_EQ(error_of(Kind::request, long_target, limits).status, 414);
}

TEST(HeadParser, AllowsExactlyTheLimitOfAField) {
    const HeadLimits limits{.field_size = 20};
    EXPECT_EQ(
        error_of(Kind::request, request("X-A: " + std::string(15, 'v') + "\r\n"), limits).code,
        HeadFault::none);
    const HeadError error =
        error_of(Kind::request, request("X-A: " + std::string(16, 'v') + "\r\n"), limits);
    EXPECT_EQ(error.code, HeadFault::head_too_large);
    EXPECT_EQ(error.status, 431);
    EXPECT_EQ(error_of(Kind::request, request(std::string(21, 'n') + ": v\r\n"), limits).status,
              431);
}

TEST(HeadParser, CountsFoldsAgainstTheFieldLimit) {
    const HeadLimits limits{.field_size = 20};
    const std::string text = "HTTP/1.1 200 OK\r\nX-A: 12345\r\n 67890\r\n 12345\r\n\r\n";
    EXPECT_EQ(error_of(Kind::response, text, limits).code, HeadFault::head_too_large);
    EXPECT_EQ(error_of(Kind::response, text, limits).status, 502);
}

TEST(HeadParser, LimitsFieldsAndTheWholeHead) {
    EXPECT_EQ(error_of(Kind::request, request("A: 1\r\n"), {.fields = 2}).code, HeadFault::none);
    EXPECT_EQ(error_of(Kind::request, request("A: 1\r\nB: 2\r\n"), {.fields = 2}).status, 431);
    const std::string text = request("A: 1\r\n");
    const auto size = static_cast<std::uint32_t>(text.size());
    EXPECT_EQ(error_of(Kind::request, text, {.total = size}).code, HeadFault::none);
    EXPECT_EQ(error_of(Kind::request, text, {.total = size - 1}).status, 431);
}

TEST(HeadParser, ReportsWhatAnUpstreamWasForgiven) {
    const std::string text = "\nHTTP/1.1 200 OK\nX-A: a\n\tb\nX-B:\n c\n\n";
    HeadParser parser(Kind::response);
    ASSERT_EQ(parser.parse(text), Status::complete);
    const ResponseHead head = parser.take_response();
    EXPECT_TRUE(head.has_bare_lf);
    EXPECT_TRUE(head.has_obs_fold);
    EXPECT_TRUE(head.has_stray_line);
    EXPECT_EQ(value(head.fields[0], text), "a\n\tb");
    EXPECT_EQ(value(head.fields[1], text), "c");
}

TEST(HeadParser, UnfoldsInPlace) {
    std::string text = "HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\n  \r\nX-B: c\r\n\r\n";
    HeadParser parser(Kind::response);
    ASSERT_EQ(parser.parse(text), Status::complete);
    const ResponseHead head = parser.take_response();
    unfold(text, head);
    EXPECT_EQ(value(head.fields[0], text), "a   b");
    EXPECT_EQ(value(head.fields[1], text), "c");
}

TEST(HeadParser, RefusesASecondStrayLine) {
    EXPECT_EQ(error_of(Kind::request, "\r\n\r\nGET / HTTP/1.1\r\n").code,
              HeadFault::bad_request_line);
    EXPECT_EQ(error_of(Kind::response, "\r\n\r\nHTTP/1.1").code, HeadFault::bad_status_line);
}

TEST(HeadParser, FindsAControlOctetAnywhereInAValue) {
    for (std::size_t length = 1; length < 40; ++length) {
        for (std::size_t at = 0; at < length; ++at) {
            for (const char octet : {'\0', '\x01', '\x0b', '\x1f', '\x7f'}) {
                std::string value(length, '\xff');
                value[at] = octet;
                const std::string text = request("X-A: " + value + "\r\n");
                const HeadError error = error_of(Kind::request, text);
                ASSERT_EQ(error.code, HeadFault::bad_field) << length << ' ' << at;
                ASSERT_EQ(error.offset, text.find(octet));
            }
        }
    }
    EXPECT_EQ(error_of(Kind::request, request("X-A: a\tb\x80\xff~\r\n")).code, HeadFault::none);
}

TEST(HeadParser, WantsOneGoodHost) {
    const auto host = [](std::string_view line) {
        return error_of(Kind::request, "GET / HTTP/1.1\r\n" + std::string(line) + "\r\n").code;
    };
    EXPECT_EQ(host("Host: [::1]:80\r\n"), HeadFault::none);
    EXPECT_EQ(host("Host: \r\n"), HeadFault::host);
    EXPECT_EQ(host("Host: u@h\r\n"), HeadFault::host);
    EXPECT_EQ(host("Host: a/b\r\n"), HeadFault::host);
    EXPECT_EQ(error_of(Kind::request, "GET / HTTP/1.0\r\n\r\n").code, HeadFault::none);
}

TEST(HeadParser, TellsVersionsApart) {
    EXPECT_EQ(error_of(Kind::request, "GET / HTTP/3.0\r\n").status, 505);
    EXPECT_EQ(error_of(Kind::request, "GET / HTTP/0.9\r\n").status, 400);
    EXPECT_EQ(error_of(Kind::request, "GET / HTTP/1.10\r\n").code, HeadFault::bad_request_line);
    EXPECT_EQ(error_of(Kind::request, "GET / HTTP/1.1 \r\n").code, HeadFault::bad_request_line);
}

}  // namespace
}  // namespace headgate::http
