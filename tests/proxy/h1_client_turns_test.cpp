// A connection whose requests are all there, and are answered by us, takes turns with others.
#include "tests/support/exchange_rig.h"

namespace headgate::proxy {
namespace {

using namespace support;

std::size_t answers_in(const std::string& text) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find("HTTP/1.1 404 ", at)) != text.npos; at++)
        count++;
    return count;
}

TEST(H1ClientTurns, EndAfterSomeExchangesThatNeverWait) {
    constexpr std::size_t requests = 200;
    std::string pipeline;
    for (std::size_t i = 0; i < requests; i++)
        pipeline += "GET /none HTTP/1.1\r\nHost: a.test\r\n\r\n";
    ExchangeRig rig(silent(), {Step::data(pipeline)}, {}, "MaxKeepAliveRequests 0\n", false);
    std::size_t before = answers_in(rig.written());
    EXPECT_GT(before, 0u);
    EXPECT_LE(before, 16u);
    while (before < requests) {
        rig.pass();
        const std::size_t after = answers_in(rig.written());
        ASSERT_GT(after, before) << "it goes on";
        ASSERT_LE(after, before + 16) << "one turn";
        before = after;
    }
}

}  // namespace
}  // namespace headgate::proxy
