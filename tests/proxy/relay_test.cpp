// The relay between a reader and a writer that follow scripts: how much it reads at a time, when it
// lets others have their turn, what it drains and what it leaves.
#include "proxy/relay.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <deque>

#include "mpm/loop/park.h"
#include "mpm/loop/scope.h"
#include "proxy/net/phase.h"
#include "tests/support/fail_nth.h"

namespace headgate::proxy {
namespace {

using namespace std::chrono_literals;
using net::ContentRun;
using net::Failure;
using net::FailureKind;
using net::Result;
using net::Side;
using support::FailPlan;
using support::ManualLoop;
using support::Round;
namespace phase = net::phase;

/// Content from a list of pieces. An empty piece: would block, until more is added and woken.
class ScriptedReader final : public net::ContentReader {
public:
    ScriptedReader(loop::Loop& loop, std::deque<std::string> pieces, FailPlan* plan = nullptr)
        : loop_(loop), pieces_(std::move(pieces)), plan_(plan) {}

    /// An edge: whoever waits now is woken; nobody is told a second time.
    void arrive(std::string piece) {
        pieces_.push_back(std::move(piece));
        loop_.wake_all(readers_, loop::Wake::ready);
    }

    Result<ContentRun> try_read_content(std::span<char> scratch) override {
        if (plan_ != nullptr) {
            const FailPlan::Verdict verdict = plan_->next();
            if (verdict == FailPlan::Verdict::error) {
                return Failure{
                    Side::upstream, FailureKind::reset, phase::response_content, 0, 0, ""};
            }
            if (verdict == FailPlan::Verdict::cancel) return ContentRun{{}, false, true};
        }
        if (!pieces_.empty() && pieces_.front().empty()) {
            pieces_.pop_front();
            loop_.post([this] { loop_.wake_all(readers_, loop::Wake::ready); });
            return ContentRun{{}, false, true};
        }
        if (pieces_.empty()) return ContentRun{{}, false, true};
        room_asked.push_back(scratch.size());
        std::string& piece = pieces_.front();
        const std::size_t count = std::min(piece.size(), scratch.size());
        piece.copy(scratch.data(), count);
        piece.erase(0, count);
        if (piece.empty()) pieces_.pop_front();
        return ContentRun{scratch.first(count), pieces_.empty() && ends, false};
    }
    loop::Park content_ready(loop::Phase phase, const loop::Deadline& deadline) override {
        return {loop_, &readers_, phase, deadline};
    }

    bool ends = true;  // the message ends behind the last piece
    std::vector<std::size_t> room_asked;

private:
    loop::Loop& loop_;
    std::deque<std::string> pieces_;
    FailPlan* plan_;
    loop::SourceList readers_;
};

/// Takes everything, or leaves a rest until it is given room.
class ScriptedWriter final : public net::ContentWriter {
public:
    explicit ScriptedWriter(loop::Loop& loop, FailPlan* plan = nullptr)
        : loop_(loop), plan_(plan) {}

    Result<void> write_content(std::span<const char> octets, bool is_last) override {
        EXPECT_FALSE(has_rest_) << "written to before it is drained";
        if (plan_ != nullptr && plan_->next() == FailPlan::Verdict::error) return broken();
        written.append(octets.data(), octets.size());
        ended = is_last;
        has_rest_ = is_slow;
        return {};
    }
    bool has_rest() const override { return has_rest_; }
    loop::Task<Result<void>> drain(loop::Phase phase, loop::Deadline deadline) override {
        drains++;
        if (plan_ != nullptr && plan_->next() == FailPlan::Verdict::error) co_return broken();
        if (takes_time) {
            const loop::Wake wake = co_await room_.wait(loop_, phase, deadline);
            if (wake != loop::Wake::ready) co_return net::failed_wait(Side::client, phase, wake);
        }
        has_rest_ = false;
        co_return Result<void>();
    }
    void give_room() { room_.notify_all(loop_); }
    void hold_head() { has_rest_ = true; }
    static Failure broken() {
        return {Side::client, FailureKind::reset, phase::client_write, 0, EPIPE, ""};
    }

    std::string written;
    bool ended = false;
    bool is_slow = false;     // every write leaves a rest
    bool takes_time = false;  // draining waits for give_room()
    int drains = 0;

private:
    loop::Loop& loop_;
    FailPlan* plan_;
    bool has_rest_ = false;
    loop::Wakeup room_;
};

RelayTerms terms(std::uint64_t* octets = nullptr) {
    return {Side::upstream,
            phase::response_content,
            phase::client_write,
            loop::Deadline::after(10s),
            loop::Deadline::after(5s),
            octets,
            nullptr};
}

loop::Task<void> run(loop::Loop& loop, net::ContentReader& from, net::ContentWriter& to,
                     RelayTerms with, std::optional<Result<void>>& result) {
    result = co_await relay(loop, from, to, with);
}

struct Rig {
    explicit Rig(std::deque<std::string> pieces) : reader(manual.loop, std::move(pieces)) {}
    void start() { scope.spawn(run(manual.loop, reader, writer, terms(&octets), result)); }

    ManualLoop manual;
    loop::Scope scope{manual.loop};
    ScriptedReader reader;
    ScriptedWriter writer{manual.loop};
    std::uint64_t octets = 0;
    std::optional<Result<void>> result;
};

TEST(Relay, moves_everything_and_says_what_is_last) {
    Rig rig({"abc", "", "def", "", "", "g"});
    rig.start();
    for (int i = 0; i < 10; i++)
        rig.manual.settle();
    ASSERT_TRUE(rig.result);
    EXPECT_TRUE(*rig.result);
    EXPECT_EQ(rig.writer.written, "abcdefg");
    EXPECT_TRUE(rig.writer.ended);
    EXPECT_EQ(rig.octets, 7u);
    EXPECT_EQ(rig.writer.drains, 0);
}

TEST(Relay, the_last_octets_are_not_drained) {
    Rig rig({"abc", "def"});
    rig.writer.is_slow = true;
    rig.start();
    rig.manual.settle();
    ASSERT_TRUE(rig.result);
    EXPECT_EQ(rig.writer.drains, 1) << "between the pieces, and not behind the last";
    EXPECT_TRUE(rig.writer.has_rest());
}

TEST(Relay, a_held_head_does_not_wait_for_content) {
    Rig rig({});
    rig.reader.ends = true;
    rig.writer.hold_head();
    rig.start();
    EXPECT_EQ(rig.writer.drains, 1);
    EXPECT_FALSE(rig.writer.has_rest());
    rig.reader.arrive("abc");
    rig.manual.settle();
    EXPECT_EQ(rig.writer.written, "abc");
    EXPECT_EQ(rig.writer.drains, 1);
}

TEST(Relay, content_that_comes_while_a_head_is_drained_is_not_slept_past) {
    Rig rig({});
    rig.writer.takes_time = true;
    rig.writer.hold_head();
    rig.start();
    rig.manual.settle();
    rig.reader.arrive("abc");  // its edge finds nobody waiting for it
    rig.manual.settle();
    rig.writer.give_room();
    rig.manual.settle();
    EXPECT_EQ(rig.writer.written, "abc");
    EXPECT_TRUE(rig.result);
    rig.scope.cancel();
    rig.manual.settle();
}

TEST(Relay, reads_less_for_a_slow_reader_and_more_for_a_fast_one) {
    constexpr std::size_t kib = 1024;
    std::deque<std::string> pieces(200, std::string(64 * kib, 'x'));
    Rig fast(pieces);
    fast.start();
    fast.manual.settle();
    EXPECT_EQ(fast.reader.room_asked.front(), 8 * kib);
    EXPECT_EQ(fast.reader.room_asked.back(), 64 * kib);
    EXPECT_EQ(fast.octets, 200 * 64 * kib);

    Rig slow({std::string(40 * kib, 'x')});
    slow.writer.is_slow = slow.writer.takes_time = true;
    slow.start();
    while (!slow.result) {
        slow.manual.pass_time(100ms);
        slow.writer.give_room();
        slow.manual.settle();
    }
    EXPECT_EQ(slow.reader.room_asked[0], 8 * kib);
    EXPECT_EQ(slow.reader.room_asked[1], 4 * kib);
    EXPECT_EQ(slow.reader.room_asked.back(), 4 * kib);
    EXPECT_EQ(slow.octets, 40 * kib);

    Rig busy(pieces);  // it lets the relay wait, but not at first, and never for long
    busy.start();
    busy.writer.is_slow = true;
    busy.manual.settle();
    EXPECT_EQ(busy.reader.room_asked.back(), 64 * kib);
}

loop::Task<void> count_turns(loop::Loop& loop, ScriptedReader& reader,
                             std::vector<std::size_t>& at) {
    for (int i = 0; i < 100; i++) {
        at.push_back(reader.room_asked.size());
        co_await loop::yield(loop, phase::turn);
    }
}

TEST(Relay, lets_others_have_their_turn) {
    Rig rig(std::deque<std::string>(64, "x"));
    std::vector<std::size_t> reads_at_turn;
    rig.scope.spawn(count_turns(rig.manual.loop, rig.reader, reads_at_turn));
    rig.start();
    rig.manual.settle();
    ASSERT_TRUE(rig.result);
    std::size_t before = 0;
    for (const std::size_t reads : reads_at_turn) {
        EXPECT_LE(reads - before, 16u);
        before = reads;
    }
    EXPECT_EQ(before, 64u);

    Rig large(std::deque<std::string>(64, std::string(64 * 1024, 'x')));
    std::vector<std::size_t> large_reads;
    large.scope.spawn(count_turns(large.manual.loop, large.reader, large_reads));
    large.start();
    large.manual.settle();
    before = 0;
    for (const std::size_t reads : large_reads) {
        EXPECT_LE(reads - before, 16u) << "256 KiB in reads of 16 KiB at first";
        before = reads;
    }
}

TEST(Relay, names_the_side_that_failed) {
    Rig silent({});
    silent.start();
    silent.manual.pass_time(10s);
    ASSERT_TRUE(silent.result);
    EXPECT_EQ(silent.result->error().side, Side::timeout);
    EXPECT_EQ(silent.result->error().kind, FailureKind::upstream_silent);
    EXPECT_EQ(silent.result->error().phase, phase::response_content);

    Rig stuck({"abc", "def"});
    stuck.writer.is_slow = stuck.writer.takes_time = true;
    stuck.start();
    stuck.manual.pass_time(5s);
    ASSERT_TRUE(stuck.result);
    EXPECT_EQ(stuck.result->error().side, Side::timeout);
    EXPECT_EQ(stuck.result->error().kind, FailureKind::client_silent);
    EXPECT_EQ(stuck.result->error().phase, phase::client_write);

    Rig cancelled({});
    cancelled.start();
    cancelled.scope.cancel();
    cancelled.manual.settle();
    ASSERT_TRUE(cancelled.result);
    EXPECT_EQ(cancelled.result->error().kind, FailureKind::cancelled);
}

loop::Task<void> relay_some(Round& round) {
    ScriptedReader reader(round.loop(), {"abc", "", "def", "g"}, &round.plan);
    ScriptedWriter writer(round.loop(), &round.plan);
    writer.is_slow = true;
    const Result<void> done = co_await relay(round.loop(), reader, writer, terms());
    if (round.is_untouched()) {
        EXPECT_TRUE(done);
        EXPECT_EQ(writer.written, "abcdefg");
    } else {
        EXPECT_LE(writer.written.size(), 7u);
    }
}

TEST(Relay, survives_every_failure) {
    EXPECT_GE(support::fail_nth(relay_some), 7);
}

}  // namespace
}  // namespace headgate::proxy
