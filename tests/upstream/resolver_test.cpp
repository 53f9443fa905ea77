// The resolver against a name server of the test's own, on the loopback interface and stepped by
// hand: addresses of both families, time to live, shared queries, failures, and what goes on
// serving.
#include "upstream/resolver.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>

#include "mpm/loop/scope.h"
#include "mpm/loop/socket.h"
#include "tests/support/manual_clock.h"

namespace headgate::upstream {
namespace {

using namespace std::chrono_literals;
using net::FailureKind;
using support::ManualLoop;
using Addresses = net::Result<std::vector<loop::Address>>;

/// A name server over UDP: answers A and AAAA from a table, or says that there is no such name.
class NameServer {
public:
    NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        const loop::Address address = *loop::Address::from_literal("127.0.0.1", 0);
        HEADGATE_ASSERT(::bind(socket_.descriptor(), address.data(), address.size()) == 0);
    }
    std::string address() const { return loop::Address::of_socket(socket_.descriptor()).text(); }

    struct Entry {
        std::string v4;  // empty: no such record
        std::string v6;
        std::uint32_t ttl = 60;
    };
    std::map<std::string, Entry> names;
    bool is_silent = false;
    int queries = 0;

    bool step() {
        char packet[512];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t count = ::recvfrom(socket_.descriptor(), packet, sizeof packet, 0,
                                         reinterpret_cast<sockaddr*>(&from), &size);
        if (count < 12) return false;
        queries++;
        if (is_silent) return true;
        const std::string reply = answer({packet, static_cast<std::size_t>(count)});
        ::sendto(socket_.descriptor(), reply.data(), reply.size(), 0,
                 reinterpret_cast<sockaddr*>(&from), size);
        return true;
    }

private:
    static void put16(std::string& out, unsigned value) {
        out += static_cast<char>(value >> 8);
        out += static_cast<char>(value & 255);
    }

    /// RFC 1035 section 4.1: header, the question as it came, and one record or none.
    std::string answer(const std::string& query) const {
        std::string name;
        std::size_t at = 12;
        while (at < query.size() && query[at] != 0) {
            if (!name.empty()) name += '.';
            name += query.substr(at + 1, static_cast<unsigned char>(query[at]));
            at += static_cast<unsigned char>(query[at]) + 1;
        }
        const std::size_t end = at + 5;
        const bool wants_v6 = query[at + 2] == 28;
        const auto found = names.find(name);
        const std::string text = found == names.end() ? ""
                                 : wants_v6           ? found->second.v6
                                                      : found->second.v4;
        char octets[16];
        if (!text.empty()) ::inet_pton(wants_v6 ? AF_INET6 : AF_INET, text.c_str(), octets);
        std::string reply = query.substr(0, 2);
        put16(reply, found == names.end() ? 0x8183 : 0x8180);
        put16(reply, 1);
        put16(reply, text.empty() ? 0 : 1);
        put16(reply, 0);
        put16(reply, 0);
        reply += query.substr(12, end - 12);
        if (text.empty()) return reply;
        put16(reply, 0xC00C);
        put16(reply, wants_v6 ? 28 : 1);
        put16(reply, 1);
        put16(reply, found->second.ttl >> 16);
        put16(reply, found->second.ttl & 0xFFFF);
        put16(reply, wants_v6 ? 16 : 4);
        reply.append(octets, wants_v6 ? 16 : 4);
        return reply;
    }

    loop::Socket socket_;
};

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
