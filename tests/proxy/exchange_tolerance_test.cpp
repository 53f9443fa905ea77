// ProxyAccept: each departure that an upstream may be forgiven, refused or costly without it, taken
// with it, and counted.
#include <gtest/gtest.h>

#include "tests/support/exchange_rig.h"

namespace headgate::proxy {
namespace {

using support::Step;
using support::StepOrigin;
using upstream::Tolerance;
using Rig = support::ExchangeRig;

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string start = "HTTP/1.1 200 OK\r\n";

struct Departure {
    Tolerance tolerance;
    std::string response;
    bool is_refused;  // without ProxyAccept; else it costs the connection
    bool persists;    // with it
    std::string forwarded;
};

const Departure departures[] = {
    {Tolerance::bare_lf, "HTTP/1.1 200 OK\nContent-Length: 2\n\nab", false, true,
     start + "Content-Length: 2\r\n\r\nab"},
    {Tolerance::bare_lf_chunks, start + "Transfer-Encoding: chunked\r\n\r\n2\nab\n0\n\n", true,
     false, start + "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"},
    {Tolerance::space_before_colon, start + "X-Old \t: 1\r\nContent-Length : 2\r\n\r\nab", true,
     false, start + "X-Old: 1\r\nContent-Length: 2\r\n\r\nab"},
    {Tolerance::identity_coding,
     start + "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nab", true, true,
     start + "Content-Length: 2\r\n\r\nab"},
    {Tolerance::http_1_0_keep_alive,
     "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nab", false, true,
     start + "Content-Length: 2\r\n\r\nab"},
};

std::uint64_t uses(Rig& rig, Tolerance tolerance) {
    const auto index = static_cast<std::size_t>(tolerance);
    return rig.thread.surroundings.slot.exceptions[index].get();
}

TEST(ExchangeTolerance, each_by_its_name) {
    for (const Departure& each : departures) {
        SCOPED_TRACE(upstream::name(each.tolerance));
        Rig strict(StepOrigin::answer_all(each.response), {Step::data(get)});
        EXPECT_EQ(strict.written().substr(0, 12),
                  each.is_refused ? "HTTP/1.1 502" : "HTTP/1.1 200");
        EXPECT_EQ(strict.state.upstreams.pool().size(), 0u);
        EXPECT_EQ(uses(strict, each.tolerance), 0u);

        const std::string more = "ProxyAccept " + std::string(upstream::name(each.tolerance));
        Rig forgiving(StepOrigin::answer_all(each.response), {Step::data(get)}, {}, more);
        EXPECT_EQ(forgiving.written(), each.forwarded);
        EXPECT_EQ(forgiving.state.upstreams.pool().size(), each.persists ? 1u : 0u);
        EXPECT_EQ(uses(forgiving, each.tolerance), 1u);
    }
}

TEST(ExchangeTolerance, forgives_nothing_else) {
    const std::string still_wrong[] = {
        start + "X Old : 1\r\nContent-Length: 2\r\n\r\nab",
        start + " : 1\r\nContent-Length: 2\r\n\r\nab",
        start + "Transfer-Encoding: gzip\r\nContent-Length: 2\r\n\r\nab",
        start + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        start + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nab",
    };
    for (const std::string& response : still_wrong) {
        SCOPED_TRACE(response);
        Rig rig(StepOrigin::answer_all(response), {Step::data(get)}, {},
                "ProxyAccept bare-lf bare-lf-chunks space-before-colon identity-coding "
                "http10-keep-alive");
        EXPECT_EQ(rig.written().substr(0, 12), "HTTP/1.1 502");
    }
}

TEST(ExchangeTolerance, octet_by_octet) {
    for (const Departure& each : departures) {
        SCOPED_TRACE(upstream::name(each.tolerance));
        auto at = std::make_shared<std::size_t>(0);
        const std::string response = each.response;
        Rig rig(
            [at, response](std::string_view input, int) {
                if (input.empty() || *at == response.size()) return StepOrigin::Reply{};
                return StepOrigin::Reply{0, response.substr((*at)++, 1), false, false};
            },
            {Step::data(get)}, {}, "ProxyAccept " + std::string(upstream::name(each.tolerance)));
        EXPECT_EQ(rig.log().substr(0, 8), "GET 200 ") << rig.log();
        EXPECT_EQ(uses(rig, each.tolerance), 1u);
    }
}

}  // namespace
}  // namespace headgate::proxy
