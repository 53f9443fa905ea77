// The relay where both sides take content as it stands: what is moved through pipes and what is
// copied, exact to the octet, for every framing, for slow readers, and with every step failing.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "mpm/loop/park.h"
#include "mpm/loop/scope.h"
#include "proxy/net/h1_content.h"
#include "proxy/relay.h"
#include "tests/support/content_pattern.h"
#include "tests/support/scripted_transport.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using net::ContentRun;
using net::FailureKind;
using net::Result;
using net::Side;
using support::FailPlan;
using support::ManualLoop;
using support::Record;
using support::Round;
using support::ScriptedTransport;
using support::Step;
using Splice = ScriptedTransport::Splice;
using Steps = std::deque<Step>;
using Reading = net::H1ContentReader::Kind;
using Writing = net::H1ContentWriter::Kind;
namespace phase = net::phase;

constexpr std::size_t kib = 1024;

std::string pattern(std::size_t octets) {
    std::string text;
    support::append_pattern(text, 0, octets);
    return text;
}

/// A side of an exchange over a scripted transport: HTTP/1 content and nothing else.
class End final : public net::ContentReader, public net::ContentWriter {
public:
    End(loop::Loop& loop, Side side, Steps reads, Steps writes, FailPlan* plan)
        : transport(loop, std::move(reads), std::move(writes), record, plan),
          output(transport, side),
          reader(side, phase::response_content) {
        transport.splice = Splice::works;
    }
    Result<ContentRun> try_read_content(std::span<char> scratch) override {
        copies++;
        return reader.try_read(transport, scratch);
    }
    std::uint64_t movable() const override { return reader.movable(transport); }
    Result<ContentRun> try_move_content(net::Pipe& pipe, std::size_t most) override {
        moves.push_back(most);
        return reader.try_move(transport, pipe, most);
    }
    loop::Park content_ready(loop::Phase phase, const loop::Deadline& deadline) override {
        return net::wait(transport, net::Want::read, phase, deadline);
    }
    Result<void> write_content(std::span<const char> octets, bool is_last) override {
        return writer.write(output, octets, is_last);
    }
    std::uint32_t* taken_in_a_row() override { return &output.taken_in_a_row(); }
    void keep_unsent(int most) override { output.keep_unsent(most); }
    bool takes_pipes() const override { return writer.takes_pipes(output); }
    Result<void> write_pipe(net::PipeLoan pipe, bool is_last) override {
        return writer.write(output, std::move(pipe), is_last);
    }
    bool has_rest() const override { return !output.is_empty(); }
    loop::Task<Result<void>> drain(loop::Phase phase, loop::Deadline deadline) override {
        return output.drain(phase, deadline);
    }

    Record record;
    ScriptedTransport transport;
    net::Output output;
    net::H1ContentReader reader;
    net::H1ContentWriter writer;
    int copies = 0;
    std::vector<std::size_t> moves;  // the most that was asked for, by try
};

loop::Task<void> relay_all(loop::Loop& loop, End& from, End& to, RelayTerms terms,
                           std::optional<Result<void>>& result) {
    Result<void> done = co_await relay(loop, from, to, terms);
    if (done) done = co_await to.drain(terms.writing, terms.write_deadline);
    result = done;
}

struct Rig {
    Rig(Reading reading, std::uint64_t length, Writing writing, Steps reads, Steps writes = {},
        FailPlan* plan = nullptr)
        : from(manual.loop, Side::upstream, std::move(reads), {}, plan),
          to(manual.loop, Side::client, {}, std::move(writes), plan) {
        from.reader.begin(reading, length);
        to.writer.begin(writing);
    }
    ~Rig() {
        scope.cancel();
        manual.settle();
    }
    void start() {
        const RelayTerms terms{Side::upstream,
                               phase::response_content,
                               phase::client_write,
                               loop::Deadline::after(10s),
                               loop::Deadline::after(5s),
                               &octets,
                               &stock};
        scope.spawn(relay_all(manual.loop, from, to, terms, result));
    }
    void run() {
        start();
        manual.settle();
    }
    ManualLoop manual;
    net::PipeStock stock;
    End from;
    End to;
    std::uint64_t octets = 0;
    std::optional<Result<void>> result;
    loop::Scope scope{manual.loop};
};

/// Content in pieces as they would come from a socket.
Steps arriving(const std::string& text, bool ends) {
    Steps steps;
    for (std::size_t at = 0; at < text.size(); at += 100'000) {
        steps.push_back(Step::data(text.substr(at, 100'000)));
        steps.push_back(Step::block());
    }
    if (ends) steps.push_back(Step::end());
    return steps;
}

std::string without_chunks(std::string_view text) {
    http::ChunkedDecoder decoder(http::ChunkedDecoder::Sender::upstream);
    std::string copy(text);
    const auto decoded = decoder.decode(copy);
    EXPECT_EQ(decoded.state, http::ChunkedDecoder::State::complete);
    EXPECT_EQ(decoded.consumed, text.size());
    copy.resize(decoded.content);
    return copy;
}

TEST(RelaySplice, length_is_moved_to_the_octet) {
    for (const std::size_t size : {700u * 1024, 700u * 1024 + 1, 300'001u}) {
        const std::string content = pattern(size);
        Rig rig(Reading::length, size, Writing::length, arriving(content + "HTTP/1.1 next", false));
        rig.run();
        ASSERT_TRUE(rig.result && *rig.result);
        EXPECT_EQ(rig.to.record.written(), content);
        EXPECT_EQ(rig.octets, size);
        EXPECT_EQ(rig.to.output.written(), size);
        EXPECT_EQ(rig.from.reader.delivered(), size);
        EXPECT_GT(rig.to.record.spliced_out, 5u);
        EXPECT_EQ(rig.stock.lent(), 0u);
        char octets[16];
        EXPECT_EQ(rig.from.transport.try_read(octets).bytes, 13u) << "what follows is not touched";
    }
}

TEST(RelaySplice, until_close_becomes_chunks) {
    const std::string content = pattern(700 * kib);
    Rig rig(Reading::until_close, 0, Writing::chunked, arriving(content, true));
    rig.run();
    ASSERT_TRUE(rig.result && *rig.result);
    EXPECT_EQ(without_chunks(rig.to.record.written()), content);
    EXPECT_EQ(rig.octets, content.size());
    EXPECT_GT(rig.to.record.spliced_out, 5u);
}

TEST(RelaySplice, pieces_grow_with_what_was_taken) {
    const std::string content = pattern(8 << 20);
    Rig rig(Reading::length, content.size(), Writing::length, {Step::data(content)});
    rig.run();
    ASSERT_TRUE(rig.result && *rig.result);
    ASSERT_GT(rig.from.moves.size(), 10u);
    EXPECT_EQ(rig.from.moves.front(), 16 * kib);
    for (std::size_t i = 0, taken = 64 * kib; i < rig.from.moves.size(); i++, taken += 32 * kib) {
        EXPECT_LE(rig.from.moves[i], std::max(16 * kib, taken)) << i;
        EXPECT_LE(rig.from.moves[i], 1024 * kib);
    }
    EXPECT_LE(rig.from.copies, 8) << "the first 64 KiB, and the last";
}

TEST(RelaySplice, a_connection_that_took_some_before_gets_pieces_moved_at_once) {
    const std::string content = pattern(1 << 20);
    Rig rig(Reading::length, content.size(), Writing::length, {Step::data(content)});
    rig.to.transport.taken_in_a_row = 1 << 20;
    rig.run();
    ASSERT_TRUE(rig.result && *rig.result);
    EXPECT_EQ(rig.to.record.written(), content);
    ASSERT_FALSE(rig.from.moves.empty());
    EXPECT_EQ(rig.from.moves.front(), 64 * kib);
    EXPECT_EQ(rig.from.copies, 0);
    EXPECT_GT(rig.to.transport.taken_in_a_row, 1u << 20);
    EXPECT_LE(rig.to.transport.taken_in_a_row, 4u << 20) << "where pieces grow no more";
}

TEST(RelaySplice, what_came_with_the_head_is_copied_and_the_rest_moved) {
    const std::string content = pattern(1 << 20);
    Rig rig(Reading::length, content.size(), Writing::length,
            {Step::data(content.substr(15 * kib))});
    rig.from.transport.unread(content.substr(0, 15 * kib));
    rig.to.transport.taken_in_a_row = 2 << 20;
    rig.run();
    ASSERT_TRUE(rig.result && *rig.result);
    EXPECT_EQ(rig.to.record.written(), content);
    EXPECT_EQ(rig.from.copies, 1);
}

TEST(RelaySplice, a_reader_that_was_slow_is_trusted_no_more) {
    const std::string content = pattern(1 << 20);
    Rig rig(Reading::length, content.size(), Writing::length, {Step::data(content)},
            {Step::take(16 * kib), Step::stall()});
    rig.to.transport.taken_in_a_row = 2 << 20;
    rig.run();
    rig.manual.pass_time(1s);
    rig.to.transport.take_again();
    rig.manual.settle();
    ASSERT_TRUE(rig.result && *rig.result);
    EXPECT_LT(rig.to.transport.taken_in_a_row, 1u << 20);
}

TEST(RelaySplice, what_may_wait_in_the_kernel_grows_in_long_contents_and_where_octets_are_coded) {
    const std::string content = pattern(4 << 20);
    Rig moved(Reading::length, content.size(), Writing::length, {Step::data(content)});
    moved.run();
    ASSERT_TRUE(moved.result && *moved.result);
    EXPECT_TRUE(moved.to.record.unsent.empty());

    const std::string more = pattern(20 << 20);
    Rig lengthy(Reading::length, more.size(), Writing::length, {Step::data(more)});
    lengthy.run();
    ASSERT_TRUE(lengthy.result && *lengthy.result);
    ASSERT_GE(lengthy.to.record.unsent.size(), 2u);
    EXPECT_GE(lengthy.to.record.unsent.front(), 256 << 10);
    EXPECT_EQ(lengthy.to.record.unsent.back(), 16 << 10) << "the next message begins anew";

    Rig coded(Reading::length, content.size(), Writing::length, {Step::data(content)});
    coded.to.transport.splice = Splice::none;
    coded.run();
    ASSERT_TRUE(coded.result && *coded.result);
    const std::vector<int>& unsent = coded.to.record.unsent;
    ASSERT_GE(unsent.size(), 2u);
    EXPECT_LE(*std::max_element(unsent.begin(), unsent.end()), (4 << 20) / 16)
        << "a part of what was taken";

    Rig slow(Reading::length, content.size(), Writing::length, {Step::data(content)},
             {Step::take(2 << 20), Step::stall()});
    slow.to.transport.splice = Splice::none;
    slow.to.transport.taken_in_a_row = 1 << 20;
    slow.run();
    slow.manual.pass_time(1s);
    slow.to.transport.take_again();
    slow.manual.settle();
    ASSERT_TRUE(slow.result && *slow.result);
    ASSERT_FALSE(slow.to.record.unsent.empty());
    EXPECT_EQ(slow.to.record.unsent.front(), 16 << 10);
}

TEST(RelaySplice, small_and_dripping_contents_are_copied) {
    const std::string content = pattern(20 * kib);
    Rig small(Reading::length, content.size(), Writing::length, {Step::data(content)});
    small.run();
    ASSERT_TRUE(small.result && *small.result);
    EXPECT_EQ(small.to.record.written(), content);
    EXPECT_TRUE(small.from.moves.empty());

    Steps events;
    for (int i = 0; i < 200; i++) {
        events.push_back(Step::data("data: event\n\n"));
        events.push_back(Step::block());
    }
    events.push_back(Step::end());
    Rig drip(Reading::until_close, 0, Writing::chunked, events);
    drip.run();
    ASSERT_TRUE(drip.result && *drip.result);
    EXPECT_TRUE(drip.from.moves.empty());
    EXPECT_EQ(drip.to.record.writes.size(), 201u) << "each event in one call, and the end";
}

TEST(RelaySplice, what_cannot_be_spliced_is_copied) {
    const std::string content = pattern(700 * kib);
    for (const bool is_source : {true, false}) {
        Rig rig(Reading::until_close, 0, Writing::chunked, arriving(content, true));
        (is_source ? rig.from : rig.to).transport.splice = Splice::refused;
        rig.run();
        ASSERT_TRUE(rig.result && *rig.result);
        EXPECT_EQ(without_chunks(rig.to.record.written()), content);
        EXPECT_EQ(rig.from.moves.size(), 1u) << "tried once";
        EXPECT_EQ(rig.octets, content.size());
    }
    for (const bool is_source : {true, false}) {
        Rig rig(Reading::length, content.size(), Writing::length, arriving(content, false));
        (is_source ? rig.from : rig.to).transport.splice = Splice::none;
        rig.run();
        ASSERT_TRUE(rig.result && *rig.result);
        EXPECT_EQ(rig.to.record.written(), content);
        EXPECT_TRUE(rig.from.moves.empty());
    }
}

TEST(RelaySplice, a_slow_reader_is_kept_no_pipe_and_little_memory) {
    const std::string content = pattern(4 << 20);
    Rig rig(Reading::length, content.size(), Writing::length, {Step::data(content)},
            {Step::take(16 * kib), Step::take(16 * kib), Step::take(3000), Step::stall()});
    rig.run();
    rig.manual.pass_time(100ms);
    EXPECT_EQ(rig.stock.lent(), 0u);
    EXPECT_LE(rig.to.output.size(), 16 * kib);
    EXPECT_FALSE(rig.result);
    rig.manual.pass_time(5s);
    ASSERT_TRUE(rig.result);
    EXPECT_EQ(rig.result->error().side, Side::timeout);
    EXPECT_EQ(rig.result->error().kind, FailureKind::client_silent);
    EXPECT_EQ(rig.result->error().phase, phase::client_write);
}

TEST(RelaySplice, no_pipe_is_held_while_content_is_waited_for) {
    const std::string content = pattern(200 * kib);
    Rig rig(Reading::length, 1 << 20, Writing::length, arriving(content, false));
    rig.run();
    EXPECT_FALSE(rig.result);
    EXPECT_EQ(rig.octets, content.size());
    EXPECT_GT(rig.to.record.spliced_out, 0u);
    EXPECT_EQ(rig.stock.lent(), 0u);
    rig.manual.pass_time(10s);
    ASSERT_TRUE(rig.result);
    EXPECT_EQ(rig.result->error().side, Side::timeout);
    EXPECT_EQ(rig.result->error().kind, FailureKind::upstream_silent);
}

TEST(RelaySplice, failures_name_their_side) {
    const std::string content = pattern(200 * kib);
    Steps reads = arriving(content, true);
    Rig shortened(Reading::length, 1 << 20, Writing::length, reads);
    shortened.run();
    ASSERT_TRUE(shortened.result);
    EXPECT_EQ(shortened.result->error().side, Side::upstream);
    EXPECT_EQ(shortened.result->error().kind, FailureKind::incomplete);
    EXPECT_EQ(shortened.to.record.written(), content);

    reads.back() = Step::fail(ECONNRESET);
    Rig lost(Reading::until_close, 0, Writing::chunked, reads);
    lost.run();
    ASSERT_TRUE(lost.result);
    EXPECT_EQ(lost.result->error().side, Side::upstream);
    EXPECT_EQ(lost.result->error().kind, FailureKind::reset);

    Steps writes(8, Step::take(16 * kib));
    writes.push_back(Step::fail(EPIPE));
    Rig gone(Reading::length, content.size(), Writing::length, {Step::data(content)}, writes);
    gone.run();
    ASSERT_TRUE(gone.result);
    EXPECT_EQ(gone.result->error().side, Side::client);
    EXPECT_EQ(gone.result->error().kind, FailureKind::reset);
    EXPECT_EQ(gone.result->error().phase, phase::client_write);
}

loop::Task<void> relay_some(Round& round) {
    const std::string content = pattern(120 * kib);
    net::PipeStock stock;
    {
        End from(round.loop(), Side::upstream, arriving(content, true), {}, &round.plan);
        End to(round.loop(), Side::client, {},
               {Step::take(16 * kib), Step::take(9000), Step::block(), Step::take(100)},
               &round.plan);
        from.reader.begin(Reading::until_close, 0);
        to.writer.begin(Writing::chunked);
        const RelayTerms terms{Side::upstream,
                               phase::response_content,
                               phase::client_write,
                               loop::Deadline::after(10s),
                               loop::Deadline::after(5s),
                               nullptr,
                               &stock};
        std::optional<Result<void>> result;
        co_await relay_all(round.loop(), from, to, terms, result);
        HEADGATE_ASSERT(result.has_value());
        if (round.is_untouched()) {
            EXPECT_TRUE(*result);
            EXPECT_EQ(without_chunks(to.record.written()), content);
        } else {
            EXPECT_FALSE(*result);
        }
    }
    EXPECT_EQ(stock.lent(), 0u);
}

TEST(RelaySplice, survives_every_failure) {
    EXPECT_GE(support::fail_nth(relay_some), 15);
}

}  // namespace
}  // namespace headgate::proxy
