// What is written: heads, forwarding fields, Via, dates, reason phrases. And methods.
#include "proxy/http/forwarding.h"
#include "proxy/http/date.h"
#include "proxy/http/head_parser.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/reason_phrase.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::http {
namespace {

struct Parsed {
    explicit Parsed(std::string lines) : text(std::move(lines) + "\r\n") {
        HeadParser parser(HeadParser::Kind::trailers);
        EXPECT_EQ(parser.parse(text), HeadParser::Status::complete);
        fields = parser.take_trailers();
    }
    std::string text;
    Fields fields;
};

TEST(HeadWriter, WritesARequest) {
    std::string out = "x";
    HeadWriter(out)
        .request_line("GET", "/a")
        .field(FieldName::host, "h")
        .field("X-A", "b")
        .content_length(18446744073709551615U)
        .end();
    EXPECT_EQ(out,
              "xGET /a HTTP/1.1\r\nHost: h\r\nX-A: b\r\n"
              "Content-Length: 18446744073709551615\r\n\r\n");
}

TEST(HeadWriter, WritesAResponse) {
    std::string out;
    HeadWriter(out).status_line(502, reason_phrase(502)).end();
    HeadWriter(out).status_line(299, "", Version::http_1_0).end();
    EXPECT_EQ(out, "HTTP/1.1 502 Bad Gateway\r\n\r\nHTTP/1.0 299 \r\n\r\n");
}

TEST(HeadWriter, LetsNothingEndALine) {
    std::string out;
    HeadWriter(out).field("X-A", std::string_view("a\r\nSet-Cookie: b\0c", 18));
    EXPECT_EQ(out, "X-A: a  Set-Cookie: b c\r\n");
    for (const char each : {'\r', '\n', '\0', '\t', '\x0b', '\x80'}) {
        for (std::size_t at = 0; at < 30; at++) {
            std::string value(30, 'v');
            value[at] = each;
            out.clear();
            HeadWriter(out).field("X-A", value);
            if (each == '\r' || each == '\n' || each == '\0') value[at] = ' ';
            EXPECT_EQ(out, "X-A: " + value + "\r\n") << at;
        }
    }
}

constexpr FieldSet apaches = field_set(
    {FieldName::x_forwarded_for, FieldName::x_forwarded_host, FieldName::x_forwarded_server});

std::string written(const Parsed& received, FieldSet wanted, const ForwardingFacts& facts) {
    std::string out;
    HeadWriter writer(out);
    write_forwarding_fields(writer, wanted, received.fields, facts, received.text);
    return out;
}

const std::string claims =
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Server: evil\r\n"
    "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Real-IP: 192.0.2.1\r\n"
    "Forwarded: for=192.0.2.1\r\n";

TEST(Forwarding, ReplacesWhatIsNotBelieved) {
    const ForwardingFacts facts{.peer_address = "203.0.113.9",
                                .client_address = "203.0.113.9",
                                .host = "a:81",
                                .server_name = "b",
                                .port = 81};
    EXPECT_EQ(written(Parsed(claims), every_forwarding_field, facts),
              "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Host: a:81\r\n"
              "X-Forwarded-Server: b\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 81\r\n"
              "X-Real-IP: 203.0.113.9\r\n"
              "Forwarded: for=203.0.113.9;host=\"a:81\";proto=http\r\n");
}

TEST(Forwarding, GoesOnFromWhatIsBelieved) {
    const ForwardingFacts facts{.peer_address = "2001:db8::1",
                                .client_address = "192.0.2.1",
                                .host = "a",
                                .server_name = "b",
                                .is_secure = true,
                                .port = 8443,
                                .is_believed = true,
                                .believed_for = "192.0.2.1"};
    EXPECT_EQ(written(Parsed(claims), every_forwarding_field, facts),
              "X-Forwarded-For: 192.0.2.1, 2001:db8::1\r\nX-Forwarded-Host: evil, a\r\n"
              "X-Forwarded-Server: evil, b\r\nX-Forwarded-Proto: https\r\n"
              "X-Forwarded-Port: 443\r\nX-Real-IP: 192.0.2.1\r\n"
              "Forwarded: for=192.0.2.1, for=\"[2001:db8::1]\";host=a;proto=https\r\n");
}

TEST(Forwarding, WritesWhatIsWantedAndKnown) {
    const ForwardingFacts facts{
        .peer_address = "::1", .client_address = "::1", .host = "", .server_name = "s"};
    EXPECT_EQ(written(Parsed(""), apaches, facts),
              "X-Forwarded-For: ::1\r\nX-Forwarded-Server: s\r\n");
    EXPECT_EQ(written(Parsed(""), 0, facts), "");
}

TEST(Via, FollowsItsMode) {
    const Parsed parsed("Via: 1.0 first\r\n");
    ViaFacts facts{.mode = ViaMode::off, .name = "h:8080", .product = "Headgate/1.0"};
    const auto via = [&](ViaMode mode) {
        facts.mode = mode;
        return via_value(parsed.fields, facts, parsed.text);
    };
    EXPECT_EQ(via(ViaMode::off), "1.0 first");
    EXPECT_EQ(via(ViaMode::on), "1.0 first, 1.1 h:8080");
    EXPECT_EQ(via(ViaMode::full), "1.0 first, 1.1 h:8080 (Headgate/1.0)");
    EXPECT_EQ(via(ViaMode::block), "");
}

TEST(Date, IsWrittenAsImfFixdate) {
    EXPECT_EQ(view(imf_fixdate(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(view(imf_fixdate(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(view(imf_fixdate(1709251199)), "Thu, 29 Feb 2024 23:59:59 GMT");
}

TEST(ReasonPhrase, FallsBackToTheClass) {
    EXPECT_EQ(reason_phrase(200), "OK");
    EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
    EXPECT_EQ(reason_phrase(599), "Server Error");
    EXPECT_EQ(reason_phrase(999), "Unknown");
}

TEST(Method, IsCaseSensitive) {
    EXPECT_EQ(method_of("GET"), Method::get);
    EXPECT_EQ(method_of("get"), Method::other);
    EXPECT_EQ(method_of(""), Method::other);
    EXPECT_EQ(method_of("DELETE"), Method::delete_);
    EXPECT_TRUE(is_idempotent(Method::put));
    EXPECT_FALSE(is_safe(Method::put));
    EXPECT_FALSE(is_idempotent(Method::post));
}

}  // namespace
}  // namespace headgate::http
