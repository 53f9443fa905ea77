// Every call on a name server and on the upstream behind its answer fails once, and is cancelled
// once. The client gets a whole response, or a whole 502, 503 or 504 of ours; nothing is left.
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <regex>

#include "tests/support/exchange_rig.h"
#include "tests/support/fault_round.h"
#include "tests/support/name_server.h"

namespace headgate::proxy {
namespace {

using support::FailingCalls;
using support::Got;
using support::LoadedSites;
using support::NameServer;
using support::NothingLeft;
using support::Record;
using support::Round;
using support::ScriptedTransport;
using support::Step;
using support::StepOrigin;

const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

class Serve {
public:
    Serve(StepOrigin& origin, std::uint16_t names) : origin_(origin), names_(names) {}
    loop::Task<void> operator()(Round& round) const { return run(round, *this); }

private:
    static loop::Task<void> run(Round& round, const Serve& self) {
        const NothingLeft nothing_left(self.origin_);
        const LoadedSites loaded(support::configuration(
            "http://origin.test:" + std::to_string(self.origin_.port()), ""));
        const auto calls = std::make_unique<FailingCalls>(round.plan, self.origin_.port());
        FailingCalls::names_from(self.names_);
        Record record;
        support::Steps reads{Step::data("GET /a HTTP/1.1\r\nHost: h\r\n\r\n"), Step::block(),
                             Step::end()};
        auto transport = std::make_unique<ScriptedTransport>(round.loop(), std::move(reads),
                                                             support::Steps{}, record);
        auto exchange = support::serve_client(round, loaded, std::move(transport));
        co_await std::move(exchange);
        judge(round, record, loaded.file("access.log"));
    }

    static void judge(const Round& round, const Record& record, const std::string& log) {
        const Got got(support::without_date(record.written()), response);
        EXPECT_TRUE(record.is_closed);
        EXPECT_TRUE(response.starts_with(got.rest)) << got.rest;
        EXPECT_LE(got.whole + got.answers, 1u) << record.written();
        EXPECT_EQ(support::count(log, " ok "), got.whole) << log;
        if (!round.is_untouched()) return;
        EXPECT_EQ(got.whole, 1u) << record.written() << log;
    }

    StepOrigin& origin_;
    std::uint16_t names_;
};

/// Whether this machine's name servers, whose place the test's own one takes, are of IPv4.
bool asks_over_ipv4() {
    std::ifstream file("/etc/resolv.conf");
    bool found = true;
    for (std::string line; std::getline(file, line);) {
        if (std::regex_search(line, std::regex("^nameserver .*:"))) found = false;
    }
    return found;
}

TEST(ExchangeNamesFaults, every_call_fails_once) {
    if (!asks_over_ipv4()) GTEST_SKIP() << "a name server of IPv6";
    NameServer server;
    server.names["origin.test"] = {"127.0.0.1", ""};
    const std::string place = server.address();
    const auto port = static_cast<std::uint16_t>(std::stoi(place.substr(place.find(':') + 1)));
    StepOrigin origin(StepOrigin::answer_all(response));
    const int steps = support::fail_nth(Serve(origin, port), [&] {
        const bool has_answered = server.step();
        return origin.step() || has_answered;
    });
    EXPECT_GE(steps, 8) << "to the name server: connect, send, receive; upstream: the same";
    EXPECT_GE(server.queries, 2);
}

}  // namespace
}  // namespace headgate::proxy
