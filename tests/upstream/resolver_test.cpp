// The resolver against a name server of the test's own, on the loopback interface and stepped by
// hand: addresses of both families, time to live, shared queries, failures, and what goes on
// serving.
#include "upstream/resolver.h"

#include <gtest/gtest.h>

#include "mpm/loop/scope.h"
#include "tests/support/manual_clock.h"
#include "tests/support/name_server.h"

namespace headgate::upstream {
namespace {

using namespace std::chrono_literals;
using net::FailureKind;
using support::ManualLoop;
using support::NameServer;
using Addresses = net::Result<std::vector<loop::Address>>;

loop::Task<void> run_resolve(Resolver& resolver, const std::string& host,
                             std::optional<Addresses>& result) {
    result = co_await resolver.resolve(host, 80, loop::Deadline::after(5s));
}

struct Rig {
    Rig() : resolver(manual.loop, server.address()) {}
    void settle() {
        for (int idle = 0; idle < 3;) {
            const bool ran = manual.loop.run_pass();
            idle = server.step() || ran ? 0 : idle + 1;
        }
    }
    void pass_time(loop::Duration by) {
        manual.clock.advance(by);
        settle();
    }
    /// Addresses in text, or the kind of the failure; time passes only when nothing else does.
    std::string resolve(const std::string& host) {
        std::optional<Addresses> result;
        scope.spawn(run_resolve(resolver, host, result));
        settle();
        for (int i = 0; i < 1000 && !result; i++)
            pass_time(10ms);
        return result ? text(*result) : "hangs";
    }
    static std::string text(const Addresses& addresses) {
        if (!addresses) return net::name(addresses.error().kind);
        std::string all;
        for (const loop::Address& each : *addresses)
            all += (all.empty() ? "" : " ") + each.text();
        return all;
    }
    NameServer server;
    ManualLoop manual;
    Resolver resolver;
    loop::Scope scope{manual.loop};
};

TEST(ResolverQueries, gives_addresses_of_both_families) {
    Rig rig;
    rig.server.names["four.test"] = {"192.0.2.1", ""};
    rig.server.names["six.test"] = {"", "2001:db8::1"};
    rig.server.names["both.test"] = {"192.0.2.2", "2001:db8::2"};
    EXPECT_EQ(rig.resolve("four.test"), "192.0.2.1:80");
    EXPECT_EQ(rig.resolve("six.test"), "[2001:db8::1]:80");
    const std::string both = rig.resolve("both.test");
    EXPECT_NE(both.find("192.0.2.2:80"), std::string::npos) << both;
    EXPECT_NE(both.find("[2001:db8::2]:80"), std::string::npos) << both;
    EXPECT_EQ(rig.resolve("none.test"), "unresolved");
}

TEST(ResolverQueries, an_answer_is_kept_for_its_time_to_live) {
    Rig rig;
    rig.server.names["a.test"] = {"192.0.2.1", "", 10};
    EXPECT_EQ(rig.resolve("a.test"), "192.0.2.1:80");
    const int queries = rig.server.queries;
    rig.server.names["a.test"] = {"192.0.2.9", "", 10};
    rig.pass_time(9s);
    EXPECT_EQ(rig.resolve("a.test"), "192.0.2.1:80");
    EXPECT_EQ(rig.server.queries, queries);
    rig.pass_time(2s);
    EXPECT_EQ(rig.resolve("a.test"), "192.0.2.9:80");
    EXPECT_GT(rig.server.queries, queries);
}

TEST(ResolverQueries, a_time_to_live_of_0_is_kept_for_a_second) {
    Rig rig;
    rig.server.names["a.test"] = {"192.0.2.1", "", 0};
    rig.resolve("a.test");
    const int queries = rig.server.queries;
    rig.pass_time(500ms);
    rig.resolve("a.test");
    EXPECT_EQ(rig.server.queries, queries);
    rig.pass_time(600ms);
    rig.resolve("a.test");
    EXPECT_GT(rig.server.queries, queries);
}

TEST(ResolverQueries, requests_for_one_name_share_a_query) {
    Rig rig;
    rig.server.names["a.test"] = {"192.0.2.1", ""};
    std::optional<Addresses> results[5];
    for (auto& result : results)
        rig.scope.spawn(run_resolve(rig.resolver, "a.test", result));
    rig.settle();
    for (const auto& result : results) {
        ASSERT_TRUE(result);
        EXPECT_EQ(Rig::text(*result), "192.0.2.1:80");
    }
    EXPECT_LE(rig.server.queries, 2) << "one for each family";
}

TEST(ResolverQueries, the_last_good_answer_goes_on_serving) {
    Rig rig;
    rig.server.names["a.test"] = {"192.0.2.1", "", 5};
    EXPECT_EQ(rig.resolve("a.test"), "192.0.2.1:80");
    rig.server.names.clear();
    rig.pass_time(6s);
    EXPECT_EQ(rig.resolve("a.test"), "192.0.2.1:80") << "no such name any more";
    rig.server.is_silent = true;
    rig.pass_time(6s);
    EXPECT_EQ(rig.resolve("a.test"), "192.0.2.1:80") << "no answer any more";
}

TEST(ResolverQueries, a_silent_server_costs_little_when_there_is_an_old_answer) {
    Rig rig;
    rig.server.names["a.test"] = {"192.0.2.1", "", 5};
    EXPECT_EQ(rig.resolve("a.test"), "192.0.2.1:80");
    rig.server.is_silent = true;
    rig.pass_time(6s);
    const auto begin = rig.manual.loop.now();
    EXPECT_EQ(rig.resolve("a.test"), "192.0.2.1:80");
    EXPECT_LE(rig.manual.loop.now(), begin + Resolver::patience + 100ms);
    std::optional<Addresses> second;
    rig.scope.spawn(run_resolve(rig.resolver, "a.test", second));
    rig.settle();
    ASSERT_TRUE(second) << "waits for the same query once more";
}

TEST(ResolverQueries, a_failure_is_not_asked_about_again_at_once) {
    Rig rig;
    EXPECT_EQ(rig.resolve("none.test"), "unresolved");
    const int queries = rig.server.queries;
    EXPECT_EQ(rig.resolve("none.test"), "unresolved");
    EXPECT_EQ(rig.server.queries, queries);
    rig.server.names["none.test"] = {"192.0.2.1", ""};
    rig.pass_time(2s);
    EXPECT_EQ(rig.resolve("none.test"), "192.0.2.1:80");
}

TEST(ResolverQueries, a_silent_server_is_waited_for_until_the_deadline) {
    Rig rig;
    rig.server.is_silent = true;
    std::optional<Addresses> result;
    const auto begin = rig.manual.loop.now();
    rig.scope.spawn(run_resolve(rig.resolver, "a.test", result));
    rig.settle();
    while (!result && rig.manual.loop.now() < begin + 1min)
        rig.pass_time(100ms);
    ASSERT_TRUE(result);
    EXPECT_FALSE(*result);
    EXPECT_LE(rig.manual.loop.now(), begin + 6s);
}

TEST(ResolverQueries, a_waiting_request_can_be_cancelled) {
    Rig rig;
    rig.server.is_silent = true;
    std::optional<Addresses> result;
    rig.scope.spawn(run_resolve(rig.resolver, "a.test", result));
    rig.settle();
    rig.scope.cancel();
    rig.settle();
    ASSERT_TRUE(result);
    EXPECT_EQ(Rig::text(*result), "cancelled");
    // The query itself goes on, and its end finds nobody.
    rig.server.is_silent = false;
    rig.server.names["a.test"] = {"192.0.2.1", ""};
    rig.pass_time(3s);
}

TEST(ResolverQueries, ends_with_a_query_under_way) {
    Rig rig;
    rig.server.is_silent = true;
    std::optional<Addresses> result;
    rig.scope.spawn(run_resolve(rig.resolver, "a.test", result));
    rig.scope.cancel();
    rig.manual.settle();
    EXPECT_TRUE(result);
}

}  // namespace
}  // namespace headgate::upstream
