// What an upstream still sends of a response whose client has left: a little is dropped, and the
// connection is pooled; more than that, or too slow, and it is closed.
#include "upstream/leftovers.h"

#include <gtest/gtest.h>

#include "mpm/loop/scope.h"
#include "tests/support/manual_clock.h"
#include "tests/support/scripted_transport.h"

namespace headgate::upstream {
namespace {

using namespace std::chrono_literals;
using support::Step;

constexpr loop::Milliseconds idle_limit{5000};

loop::Task<void> read_head(H1Exchange& exchange) {
    const loop::Deadline deadline = loop::Deadline::after(10s);
    static_cast<void>(co_await exchange.read_head(deadline));
}

/// An upstream that has sent `response`, of which only the head was read.
struct Rig {
    explicit Rig(const std::string& response, bool is_request_over = true) {
        endpoint.key = "origin:80";
        std::deque<Step> reads;
        if (!response.empty()) reads.push_back(Step::data(response));
        auto made = std::make_unique<support::ScriptedTransport>(manual.loop, std::move(reads),
                                                                 std::deque<Step>(), record);
        transport = made.get();
        exchange = std::make_unique<H1Exchange>(std::move(made), 8192);
        const auto content = is_request_over ? RequestContent::none : RequestContent::length;
        exchange->send_head("GET / HTTP/1.1\r\n\r\n", content, facts);
        HEADGATE_ASSERT(exchange->write_content({}, is_request_over));
        scope.spawn(read_head(*exchange));
        manual.settle();
    }
    ~Rig() {
        scope.cancel();
        manual.settle();
    }
    void leave() {
        scope.cancel();
        manual.settle();
        leftovers.take(std::move(exchange), endpoint, idle_limit);
        manual.settle();
    }
    void arrive(const std::string& octets) {
        transport->arrive(Step::data(octets));
        manual.settle();
    }

    support::ManualLoop manual;
    loop::Scope scope{manual.loop};
    support::Record record;
    RequestFacts facts;
    Endpoint endpoint;
    SharedStock stock;
    Pool pool{manual.loop, stock};
    Leftovers leftovers{manual.loop, pool};
    support::ScriptedTransport* transport = nullptr;
    std::unique_ptr<H1Exchange> exchange;
};

const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string by_length = ok + "Content-Length: 10\r\n\r\n";
const std::string chunked = ok + "Transfer-Encoding: chunked\r\n\r\n";

std::string head_of(std::uint64_t length) {
    return ok + "Content-Length: " + std::to_string(length) + "\r\n\r\n";
}

TEST(Leftovers, that_are_there_are_dropped_at_once) {
    for (const std::string& response :
         {by_length + "0123456789", chunked + "3\r\nabc\r\n0\r\n\r\n"}) {
        Rig rig(response);
        rig.leave();
        EXPECT_EQ(rig.pool.size(), 1u) << response;
        EXPECT_EQ(rig.leftovers.size(), 0u);
        EXPECT_FALSE(rig.record.is_closed);
    }
}

TEST(Leftovers, are_waited_for) {
    Rig rig(by_length + "01234");
    rig.leave();
    EXPECT_EQ(rig.leftovers.size(), 1u);
    EXPECT_EQ(rig.pool.size(), 0u);
    rig.manual.pass_time(500ms);
    rig.arrive("567");
    rig.manual.pass_time(499ms);
    EXPECT_EQ(rig.leftovers.size(), 1u);
    rig.arrive("89");
    EXPECT_EQ(rig.leftovers.size(), 0u);
    EXPECT_EQ(rig.pool.size(), 1u);
    EXPECT_FALSE(rig.record.is_closed);
    EXPECT_NE(rig.pool.take(rig.endpoint, true), nullptr);
}

TEST(Leftovers, are_not_waited_for_longer_than_a_second_in_all) {
    Rig rig(by_length);
    rig.leave();
    rig.manual.pass_time(999ms);
    rig.arrive("01234");
    EXPECT_EQ(rig.leftovers.size(), 1u);
    rig.manual.pass_time(1ms);
    EXPECT_EQ(rig.leftovers.size(), 0u);
    EXPECT_TRUE(rig.record.is_closed);
    EXPECT_EQ(rig.pool.size(), 0u);
}

TEST(Leftovers, of_any_size_but_a_small_one_are_not_read) {
    Rig small(head_of(Leftovers::most));
    small.leave();
    EXPECT_EQ(small.leftovers.size(), 1u);
    Rig large(head_of(Leftovers::most + 1));
    large.leave();
    EXPECT_TRUE(large.record.is_closed);
}

TEST(Leftovers, in_chunks_are_read_as_far) {
    Rig rig(chunked);
    rig.leave();
    const std::string chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
    for (int i = 0; i < 4; i++) {
        rig.arrive(chunk);
        EXPECT_EQ(rig.leftovers.size(), 1u) << i;
    }
    rig.arrive("1\r\nx\r\n");
    EXPECT_TRUE(rig.record.is_closed);
    EXPECT_EQ(rig.pool.size(), 0u);
}

TEST(Leftovers, of_connections_without_a_future_are_not_read) {
    const std::string closing = ok + "Connection: close\r\nContent-Length: 10\r\n\r\n";
    for (const std::string& response : {std::string(), ok + "\r\nuntil the end", closing}) {
        Rig rig(response);
        rig.leave();
        EXPECT_TRUE(rig.record.is_closed) << response;
        EXPECT_EQ(rig.leftovers.size(), 0u);
    }
    Rig early(by_length, false);
    early.leave();
    EXPECT_TRUE(early.record.is_closed) << "the request is not complete";
}

TEST(Leftovers, that_break_off_close) {
    for (const Step& step : {Step::end(), Step::fail(ECONNRESET)}) {
        Rig rig(by_length + "01234");
        rig.leave();
        rig.transport->arrive(step);
        rig.manual.settle();
        EXPECT_TRUE(rig.record.is_closed);
        EXPECT_EQ(rig.pool.size(), 0u);
    }
    Rig malformed(chunked);
    malformed.leave();
    malformed.arrive("nonsense\r\n");
    EXPECT_TRUE(malformed.record.is_closed);
    Rig more(by_length);
    more.leave();
    more.arrive("0123456789HTTP/1.1 200 OK\r\n");
    EXPECT_TRUE(more.record.is_closed) << "octets that belong to nothing";
}

TEST(Leftovers, are_bounded_in_number) {
    Rig first(by_length);
    first.leave();
    std::vector<std::unique_ptr<Rig>> others;
    for (std::size_t i = 1; i <= Leftovers::limit; i++) {
        others.push_back(std::make_unique<Rig>(by_length));
        Rig& each = *others.back();
        first.leftovers.take(std::move(each.exchange), first.endpoint, idle_limit);
        EXPECT_EQ(each.record.is_closed, i == Leftovers::limit) << i;
    }
    EXPECT_EQ(first.leftovers.size(), Leftovers::limit);
    first.manual.pass_time(1s);
    EXPECT_EQ(first.leftovers.size(), 0u);
}

TEST(Leftovers, of_one_clients_own_connections_are_not_read) {
    Rig rig(by_length);
    rig.endpoint.is_private = true;
    rig.leave();
    EXPECT_TRUE(rig.record.is_closed);
}

}  // namespace
}  // namespace headgate::upstream
