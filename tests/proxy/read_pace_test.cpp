// How long a client may take: the arithmetic, the directive, and connections that drip.
#include "proxy/read_pace.h"

#include <gtest/gtest.h>

#include "tests/support/exchange_rig.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using loop::Deadline;
using loop::TimePoint;
using support::Step;
using Rig = support::ExchangeRig;

constexpr TimePoint start{};

/// Seconds from the start until a wait that begins `at` is over; its own deadline is far away.
double limit(ReadPace& pace, loop::Duration at) {
    const Deadline bound = pace.bound(Deadline::after(1h), start + at);
    if (bound.kind == Deadline::Kind::after) return -1;
    return std::chrono::duration<double>(bound.point - start).count();
}

TEST(ReadPace, grows_by_a_second_for_so_many_octets_up_to_its_most) {
    const ReadLimit header{20s, 40s, 500};
    ReadPace pace;
    pace.begin(header, start);
    EXPECT_EQ(limit(pace, 0s), 20);
    pace.add(500, start + 1s);
    EXPECT_EQ(limit(pace, 1s), 21);
    pace.add(250, start + 2s);
    EXPECT_EQ(limit(pace, 2s), 21.5);
    pace.add(100'000, start + 3s);
    EXPECT_EQ(limit(pace, 3s), 40);
}

TEST(ReadPace, grows_without_end_or_not_at_all) {
    const ReadLimit body{20s, 0s, 500};
    ReadPace pace;
    pace.begin(body, start);
    limit(pace, 0s);
    pace.add(50'000, start + 1s);
    EXPECT_EQ(limit(pace, 1s), 120);
    const ReadLimit fixed{10s, 0s, 0};
    pace.begin(fixed, start);
    limit(pace, 0s);
    pace.add(50'000, start + 1s);
    EXPECT_EQ(limit(pace, 1s), 10);
    const ReadLimit none{0s, 0s, 0};
    pace.begin(none, start);
    EXPECT_FALSE(pace.has_begun());
    EXPECT_EQ(limit(pace, 0s), -1);
}

TEST(ReadPace, counts_only_waits_for_the_client) {
    const ReadLimit body{20s, 40s, 500};
    ReadPace pace;
    pace.begin(body, start);
    EXPECT_EQ(limit(pace, 5s), 25);  // 5 s went elsewhere
    pace.add(500, start + 6s);
    EXPECT_EQ(limit(pace, 100s), 120);  // 94 s more
    pace.add(100'000, start + 101s);    // the most is 40 s of waiting, 2 s of which are over
    EXPECT_EQ(limit(pace, 101s), 139);
}

TEST(ReadPace, may_begin_with_a_wait_that_is_over) {
    const ReadLimit header{20s, 40s, 500};
    ReadPace pace;
    pace.begin_with_wait(header, start);
    pace.add(500, start + 15s);
    EXPECT_EQ(limit(pace, 15s), 21);
    EXPECT_EQ(limit(pace, 16s), 21);
}

TEST(ReadPace, leaves_an_earlier_deadline_alone) {
    const ReadLimit header{20s, 40s, 500};
    ReadPace pace;
    pace.begin(header, start);
    const Deadline own = pace.bound(Deadline::after(5s), start);
    EXPECT_EQ(own.kind, Deadline::Kind::after);
    EXPECT_EQ(own.duration, 5s);
    EXPECT_EQ(pace.bound(Deadline::after(5s), start + 18s).point, start + 20s);
}

// ---- the directive

TEST(RequestReadTimeout, has_apaches_defaults) {
    const ServerSettings settings;
    EXPECT_EQ(*settings.handshake_limit, (ReadLimit{0s, 0s, 0}));
    EXPECT_EQ(*settings.head_limit, (ReadLimit{20s, 40s, 500}));
    EXPECT_EQ(*settings.content_limit, (ReadLimit{20s, 0s, 500}));
}

TEST(RequestReadTimeout, sets_what_it_names) {
    const support::LoadedSites loaded(
        "ProxyPass / http://h/\nRequestReadTimeout handshake=5 Header=10-30,minrate=1000\n"
        "RequestReadTimeout body=0\n");
    const ServerSettings& settings = loaded.main().settings;
    EXPECT_EQ(*settings.handshake_limit, (ReadLimit{5s, 0s, 0}));
    EXPECT_EQ(*settings.head_limit, (ReadLimit{10s, 30s, 1000}));
    EXPECT_EQ(*settings.content_limit, (ReadLimit{0s, 0s, 0}));
}

TEST(RequestReadTimeout, refuses_what_apache_refuses) {
    for (const char* wrong :
         {"header", "head=5", "header=5-10", "header=10-10,MinRate=5", "header=5,MinRate=0",
          "header=5,MinRate=", "header=x", "header=5s", "header=-5", "body=", "header=5,Rate=1"}) {
        conf::LoadOptions options;
        options.before.push_back(std::string("RequestReadTimeout ") + wrong);
        options.file = "/dev/null";
        const conf::Loaded loaded = conf::load(options, {mpm::setting_rows(), setting_rows()});
        EXPECT_TRUE(loaded.diagnostics.has_errors()) << wrong;
    }
}

// ---- connections

TEST(RequestReadTimeout, ends_a_head_that_drips_with_408) {
    Rig rig(support::silent(), {Step::data("GET / HTTP/1.1\r\n")});
    for (int i = 0; i < 9; i++) {  // an octet every other second is below any rate
        rig.pass_time(2s);
        EXPECT_EQ(rig.written(), "");
        rig.transport->arrive(Step::data("a"));
        rig.settle();
    }
    rig.pass_time(3s);
    EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 408 ")) << rig.written();
    EXPECT_NE(rig.written().find("Connection: close\r\n"), std::string::npos);
    EXPECT_NE(rig.log().find(" 408 length timeout/request-head/client-silent "), std::string::npos)
        << rig.log();
}

TEST(RequestReadTimeout, gives_a_head_that_keeps_the_rate_its_time) {
    Rig rig(support::silent(), {Step::data("GET / HTTP/1.1\r\nHost: h\r\n")}, {},
            "RequestReadTimeout header=2-6,MinRate=100\n");
    const std::string field = "A: " + std::string(100, 'x') + "\r\n";
    for (int i = 0; i < 5; i++) {
        rig.pass_time(1s);
        rig.transport->arrive(Step::data(field));
        rig.settle();
        EXPECT_EQ(rig.written(), "") << i;
    }
    rig.pass_time(2s);  // but at 6 s it is over, whatever the rate
    EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 408 ")) << rig.written();
}

TEST(RequestReadTimeout, bounds_the_first_wait_of_a_connection_without_a_word) {
    Rig rig(support::silent(), {}, {}, "RequestReadTimeout header=2\n");
    rig.pass_time(1s);
    EXPECT_FALSE(rig.is_over());
    rig.pass_time(2s);
    rig.pass_time(3s);  // lingering
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.written(), "");
}

/// As in mod_reqtimeout: one time for the wait and the head.
TEST(RequestReadTimeout, of_the_first_head_begins_with_the_connection) {
    Rig rig(support::silent(), {}, {}, "RequestReadTimeout header=10\n");
    rig.pass_time(7s);
    rig.transport->arrive(Step::data("GET / HTTP/1.1\r\n"));
    rig.settle();
    rig.pass_time(2s);
    EXPECT_EQ(rig.written(), "");
    rig.pass_time(2s);
    EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 408 ")) << rig.written();
}

TEST(RequestReadTimeout, of_the_first_head_is_not_prolonged_by_an_empty_line) {
    Rig rig(support::silent(), {}, {}, "RequestReadTimeout header=10\n");
    rig.pass_time(7s);
    rig.transport->arrive(Step::data("\r\n"));
    rig.settle();
    rig.pass_time(2s);
    EXPECT_FALSE(rig.record.has_finished_writing);
    EXPECT_FALSE(rig.is_over());
    rig.pass_time(2s);
    EXPECT_TRUE(rig.is_over());
    EXPECT_EQ(rig.written(), "");
}

TEST(RequestReadTimeout, of_a_later_head_begins_with_its_first_octet) {
    Rig rig(support::silent(), {Step::data("GET /none HTTP/1.1\r\nHost: h\r\n\r\n")}, {},
            "RequestReadTimeout header=10\nKeepAliveTimeout 8\n");
    const std::size_t answered = rig.written().size();
    EXPECT_GT(answered, 0u);
    rig.pass_time(7s);
    rig.transport->arrive(Step::data("GET /none HTTP/1.1\r\n"));
    rig.settle();
    rig.pass_time(9s);
    EXPECT_EQ(rig.written().size(), answered);
    rig.pass_time(2s);
    EXPECT_TRUE(rig.written().substr(answered).starts_with("HTTP/1.1 408 ")) << rig.written();
}

TEST(RequestReadTimeout, leaves_an_idle_connection_its_time_whatever_comes_that_is_no_request) {
    Rig rig(support::silent(), {Step::data("GET /none HTTP/1.1\r\nHost: h\r\n\r\n")}, {},
            "KeepAliveTimeout 8\n");
    rig.pass_time(7s);
    rig.transport->arrive(Step::data("\r\n"));
    rig.settle();
    rig.pass_time(2s);
    EXPECT_TRUE(rig.is_over());
}

TEST(RequestReadTimeout, ends_content_that_drips_with_408) {
    Rig rig(support::silent(),
            {Step::data("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n")}, {},
            "RequestReadTimeout body=3,MinRate=10\n");
    for (int i = 0; i < 5; i++) {
        rig.pass_time(1s);
        EXPECT_EQ(rig.written(), "") << i;
        rig.transport->arrive(Step::data(std::string(6, 'x')));
        rig.settle();
    }
    rig.pass_time(2s);
    EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 408 ")) << rig.written();
    EXPECT_NE(rig.log().find("timeout/request-content/client-silent"), std::string::npos);
}

TEST(RequestReadTimeout, does_not_hurry_who_waits_for_100_continue) {
    Rig rig(support::silent(),
            {Step::data("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                        "Content-Length: 5\r\n\r\n")},
            {}, "RequestReadTimeout body=3\n");
    rig.pass_time(10s);
    EXPECT_EQ(rig.written(), "");
}

/// Who does not wait for it, and sends what codes chunks but none of their octets, is slow.
TEST(RequestReadTimeout, hurries_who_does_not_wait_for_100_continue) {
    Rig rig(support::silent(),
            {Step::data("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n")},
            {}, "RequestReadTimeout body=3,MinRate=10\n");
    rig.pass_time(10s);
    rig.transport->arrive(Step::data("5;x="));
    rig.settle();
    for (int i = 0; i < 3; i++) {
        rig.pass_time(1s);
        EXPECT_EQ(rig.written(), "") << i;
        rig.transport->arrive(Step::data("x"));
        rig.settle();
    }
    rig.pass_time(2s);
    EXPECT_TRUE(rig.written().starts_with("HTTP/1.1 408 ")) << rig.written();
}

/// What codes the content counts like the content.
TEST(RequestReadTimeout, takes_small_chunks_for_what_they_are_on_the_wire) {
    Rig rig(support::silent(),
            {Step::data("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")}, {},
            "RequestReadTimeout body=3,MinRate=10\n");
    for (int i = 0; i < 10; i++) {
        rig.pass_time(1s);
        EXPECT_EQ(rig.written(), "") << i;
        rig.transport->arrive(Step::data("1;five\r\nx\r\n"));  // 11 octets
        rig.settle();
    }
}

}  // namespace
}  // namespace headgate::proxy
