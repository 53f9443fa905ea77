// LogFormat: Apache's tokens and examples, escaping, conditions on the status, and what is said of
// tokens that do not exist.
#include "proxy/logs/access_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "mpm/loop/assert.h"
#include "proxy/http/head_parser.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;

/// One exchange as logs see it: Apache's own example, from frank to apache_pb.gif.
struct Rig {
    Rig() {
        ::setenv("TZ", "America/Los_Angeles", 1);
        ::tzset();
        request(
            "GET /apache_pb.gif?a=1 HTTP/1.0\r\nReferer: http://www.example.com/start.html\r\n"
            "User-Agent: Mozilla/4.08 [en] (Win98; I ;Nav)\r\nX-Twice: a\r\nx-twice: b\r\n\r\n");
        facts.path = "/apache_pb.gif";
        facts.query = "a=1";
        facts.has_query = true;
        facts.client = &client;
        facts.peer = &client;
        facts.local = &local;
        facts.server_name = "www.example.com";
        facts.exchanges_before = 3;
        ledger.status = 200;
        ledger.content_sent = 2326;
        ledger.began_at = 971211336;  // 10 October 2000, 13:55:36 in that place
        ledger.began = loop::TimePoint(1h);
        ledger.ended = ledger.began + 1234567us;
        ledger.octets_received = 100;
        ledger.octets_sent = 2500;
        ledger.framing = "length";
        ledger.attempts = 1;
        ledger.upstream = "127.0.0.1:9000";
        ledger.account.open(ledger.began);
        ledger.account.park(ledger.began + 5us);
        ledger.account.unpark(ledger.began + 105us, net::phase::upstream_wait);
        ledger.account.close(ledger.began + 107us);
    }
    void request(std::string head_text) {
        text = std::move(head_text);
        http::HeadParser parser(http::HeadParser::Kind::request);
        HEADGATE_ASSERT(parser.parse(text) == http::HeadParser::Status::complete);
        head = parser.take_request();
        facts.head = &head;
        facts.text = text;
    }
    std::string line(const std::string& text_of_format, bool keeps_thread = false) {
        LogFormat format;
        const auto error = LogFormat::compile(text_of_format, format);
        if (error) return error->text;
        std::string captured;
        std::string responses;
        format.capture_request(facts, captured);
        if (format.wants_response()) format.capture_response(response_fields, responses);
        std::string line;
        format.render(ledger, keeps_thread, captured, responses, line);
        EXPECT_EQ(line.back(), '\n');
        line.pop_back();
        return line;
    }

    loop::Address client = *loop::Address::from_literal("127.0.0.1", 40000);
    loop::Address local = *loop::Address::from_literal("192.0.2.9", 8080);
    std::string text;
    std::string response_fields = "Content-Type: image/gif\r\nSet-Cookie: a\r\nset-cookie: b\r\n";
    http::RequestHead head;
    RequestFacts facts;
    Ledger ledger;
};

TEST(LogFormat, apaches_own_examples) {
    Rig rig;
    EXPECT_EQ(rig.line("%h %l %u %t \"%r\" %>s %b"),
              "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif?a=1 HTTP/1.0\" 200 "
              "2326");
    EXPECT_EQ(rig.line("%h %l %u %t \\\"%r\\\" %>s %b \\\"%{Referer}i\\\" \\\"%{User-agent}i\\\""),
              "127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /apache_pb.gif?a=1 HTTP/1.0\" 200 "
              "2326 \"http://www.example.com/start.html\" \"Mozilla/4.08 [en] (Win98; I ;Nav)\"");
    EXPECT_EQ(rig.line("%{Referer}i -> %U"), "http://www.example.com/start.html -> /apache_pb.gif");
}

TEST(LogFormat, tokens) {
    Rig rig;
    const struct {
        const char* format;
        std::string line;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"100%%", "100%"},
        {"a\\tb\\\\c", "a\tb\\c"},
        {"%a %A %h", "127.0.0.1 192.0.2.9 127.0.0.1"},
        {"%p %{local}p %{remote}p", "8080 8080 40000"},
        {"%m %U %q %H", "GET /apache_pb.gif ?a=1 HTTP/1.0"},
        {"%v", "www.example.com"},
        {"%k %X", "3 -"},
        {"%s %>s %<s", "200 200 200"},
        {"%b %B", "2326 2326"},
        {"%I %O %S", "100 2500 2600"},
        {"%D %T %{us}T %{ms}T %{s}T", "1234567 1 1234567 1234 1"},
        {"%{sec}t %{%Y}t", "971211336 2000"},
        {"%{X-Twice}i|%{none}i", "a, b|-"},
        {"%{Content-Type}o|%{Set-Cookie}o|%{none}o", "image/gif|a, b|-"},
        {"%R", "proxy-server"},
        {"%P", std::to_string(::getpid())},
        {"%{framing}x %{end}x %{upstream}x %{attempts}x", "length ok 127.0.0.1:9000 1"},
        {"%{held}x %{parked}x %{releases}x %{phases}x", "7 100 1 upstream-wait=100us/1"},
    };
    for (const auto& each : cases) {
        EXPECT_EQ(rig.line(each.format), each.line) << each.format;
    }
    EXPECT_EQ(rig.line("%{held}x", true), "107")
        << "the runner keeps the thread while it is parked";
}

TEST(LogFormat, nothing_is_a_dash) {
    Rig rig;
    rig.ledger.content_sent = 0;
    rig.ledger.status = 0;
    rig.ledger.upstream.clear();
    rig.facts.head = nullptr;
    rig.facts.path = "";
    rig.facts.has_query = false;
    EXPECT_EQ(rig.line("%r|%s|%b|%B|%U|%{A}i|%{upstream}x|%m"), "-|-|-|0|-|-|-|-");
    EXPECT_EQ(rig.line("[%q]"), "[]") << "no query is nothing, not a dash";
    rig.facts.client = nullptr;
    rig.facts.peer = nullptr;
    EXPECT_EQ(rig.line("%h"), "-");
}

TEST(LogFormat, what_clients_send_cannot_forge_a_line) {
    Rig rig;
    rig.request("GET /%22%0a HTTP/1.1\r\nHost: h\r\nUser-Agent: a\"b\\c\td\x80\xff\r\n\r\n");
    rig.facts.path = "/\"\n\x01";
    EXPECT_EQ(rig.line("\"%{User-Agent}i\""), "\"a\\\"b\\\\c\\td\\x80\\xff\"");
    EXPECT_EQ(rig.line("%U"), "/\\\"\\n\\x01");
    EXPECT_EQ(rig.line("%r"), "GET /%22%0a HTTP/1.1");
}

TEST(LogFormat, conditions_on_the_status) {
    Rig rig;
    const struct {
        int status;
        const char* format;
        const char* line;
    } cases[] = {
        {400, "%400,501{User-agent}i", "Mozilla/4.08 [en] (Win98; I ;Nav)"},
        {501, "%400,501{User-agent}i", "Mozilla/4.08 [en] (Win98; I ;Nav)"},
        {200, "%400,501{User-agent}i", "-"},
        {200, "%!200,304,302{Referer}i", "-"},
        {304, "%!200,304,302{Referer}i", "-"},
        {404, "%!200,304,302{Referer}i", "http://www.example.com/start.html"},
        {200, "%200s %!200s", "200 -"},
        {200, "%400{X-Twice}i %{Referer}i", "- http://www.example.com/start.html"},
    };
    for (const auto& each : cases) {
        rig.ledger.status = static_cast<std::uint16_t>(each.status);
        EXPECT_EQ(rig.line(each.format), each.line) << each.status << " " << each.format;
    }
}

TEST(LogFormat, mistakes) {
    const struct {
        const char* format;
        const char* text;
        std::size_t at;
    } cases[] = {
        {"%h %Q", "unknown log token %Q", 3},
        {"%", "unknown log token %", 0},
        {"%>", "unknown log token %>", 0},
        {"a %{Referer", "unclosed {", 2},
        {"%i", "unknown log token %i", 0},
        {"%{}o", "unknown log token %{}o", 0},
        {"%{wrong}x", "unknown log token %{wrong}x", 0},
        {"%200", "unknown log token %200", 0},
    };
    for (const auto& each : cases) {
        LogFormat format;
        const auto error = LogFormat::compile(each.format, format);
        ASSERT_TRUE(error) << each.format;
        EXPECT_EQ(error->text, each.text);
        EXPECT_EQ(error->at, each.at) << each.format;
    }
}

TEST(Ledger, says_how_it_ended) {
    Rig rig;
    rig.ledger.failed = true;
    rig.ledger.failure = {
        net::Side::timeout, net::FailureKind::upstream_silent, net::phase::upstream_wait, 0, 0, ""};
    EXPECT_EQ(rig.line("%{end}x"), "timeout/upstream-wait/upstream-silent");
    EXPECT_EQ(Ledger().phases(), "-");
}

TEST(LogFormat, a_long_value_is_cut_and_the_next_one_is_right) {
    Rig rig;
    const std::string path(70'000, 'x');
    rig.facts.path = path;
    EXPECT_EQ(rig.line("%U|%m").size(), 65535u + 4);
}

}  // namespace
}  // namespace headgate::proxy
