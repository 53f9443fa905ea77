// Content by its framing, in and out: whole, in single octets, broken off, and with something
// behind.
#include "proxy/net/h1_content.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "mpm/loop/scope.h"
#include "proxy/net/phase.h"
#include "tests/support/scripted_transport.h"

namespace headgate::net {
namespace {

using support::ManualLoop;
using support::Record;
using support::ScriptedTransport;
using support::Step;
using Reader = H1ContentReader;
using Writer = H1ContentWriter;
using Steps = std::deque<Step>;

struct ReadCase {
    const char* name;
    Reader::Kind kind;
    std::uint64_t length;
    std::string input;
    bool ends;  // the input ends behind `input`
    std::string content;
    std::string left;  // unread afterwards
    std::optional<FailureKind> failure;
};

const ReadCase read_cases[] = {
    {"nothing", Reader::Kind::none, 0, "GET", false, "", "GET", {}},
    {"length 0", Reader::Kind::length, 0, "GET", false, "", "GET", {}},
    {"length", Reader::Kind::length, 5, "hello", false, "hello", "", {}},
    {"length and more", Reader::Kind::length, 5, "helloGET /", false, "hello", "GET /", {}},
    {"length, incomplete", Reader::Kind::length, 5, "hell", true, "hell", "",
     FailureKind::incomplete},
    {"chunked",
     Reader::Kind::chunked,
     0,
     "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
     false,
     "abcde",
     "",
     {}},
    {"chunked and more",
     Reader::Kind::chunked,
     0,
     "1\r\na\r\n0\r\n\r\nHTTP",
     false,
     "a",
     "HTTP",
     {}},
    {"chunked with trailers",
     Reader::Kind::chunked,
     0,
     "1\r\na\r\n0\r\nX: y\r\n\r\nZ",
     false,
     "a",
     "Z",
     {}},
    {"chunked, incomplete", Reader::Kind::chunked, 0, "3\r\nab", true, "ab", "",
     FailureKind::incomplete},
    {"chunked, no last chunk", Reader::Kind::chunked, 0, "1\r\na\r\n", true, "a", "",
     FailureKind::incomplete},
    {"chunked, malformed", Reader::Kind::chunked, 0, "1\r\nab\r\n", false, "", "",
     FailureKind::malformed},
    {"until close", Reader::Kind::until_close, 0, "all of it", true, "all of it", "", {}},
    {"until close, nothing", Reader::Kind::until_close, 0, "", true, "", "", {}},
};

struct ReadResult {
    std::string content;
    std::optional<FailureKind> failure;
    bool is_complete = false;
};

/// Everything that there is, with passes of the loop where it would block.
ReadResult read_all(ManualLoop& manual, ScriptedTransport& transport, Reader& reader,
                    std::size_t read_size) {
    ReadResult result;
    std::string scratch(read_size, 0);
    PipeStock stock;
    for (int tries = 0; tries < 1000; tries++) {
        const PipeLoan pipe = stock.lend();
        const std::size_t movable = std::min<std::uint64_t>(read_size, reader.movable(transport));
        const Result<ContentRun> run = movable > 0 ? reader.try_move(transport, *pipe, movable)
                                                   : reader.try_read(transport, scratch);
        if (!run) {
            result.failure = run.error().kind;
            return result;
        }
        EXPECT_FALSE(run->would_block && (run->is_last || !run->octets.empty()));
        result.content.append(run->octets.data(), run->octets.size());
        const std::span<char> moved = pipe->read(scratch);
        result.content.append(moved.data(), moved.size());
        if (run->is_last) {
            result.is_complete = true;
            return result;
        }
        if (run->would_block) manual.settle();
    }
    ADD_FAILURE() << "no end";
    return result;
}

using Splice = ScriptedTransport::Splice;

void check(const ReadCase& each, Steps steps, std::size_t read_size, Splice splice = Splice::none) {
    SCOPED_TRACE(each.name);
    ManualLoop manual;
    Record record;
    if (each.ends) steps.push_back(Step::end());
    ScriptedTransport transport(manual.loop, std::move(steps), {}, record);
    transport.splice = splice;
    Reader reader(Side::upstream, phase::response_content);
    reader.begin(each.kind, each.length);
    const ReadResult result = read_all(manual, transport, reader, read_size);
    EXPECT_EQ(result.failure, each.failure);
    // What was delivered in front of a fault depends on how it arrived.
    if (each.failure != FailureKind::malformed) {
        EXPECT_EQ(result.content, each.content);
        EXPECT_EQ(reader.delivered(), each.content.size());
    }
    EXPECT_EQ(result.is_complete, !each.failure);
    EXPECT_EQ(reader.is_complete(), !each.failure);
    if (each.failure) return;
    std::string left;
    char octets[64];
    for (std::size_t tries = 0; tries < 2 * each.left.size(); tries++) {
        const Tried tried = transport.try_read(octets);
        left.append(octets, tried.bytes);
    }
    EXPECT_EQ(left, each.left);
}

TEST(H1ContentReader, reads_what_framing_says) {
    for (const ReadCase& each : read_cases)
        check(each, {Step::data(each.input)}, 4096);
}
TEST(H1ContentReader, reads_it_from_single_octets) {
    for (const ReadCase& each : read_cases) {
        check(each, support::octet_by_octet(each.input, false), 4096);
    }
}
TEST(H1ContentReader, reads_it_with_a_wait_before_each_octet) {
    for (const ReadCase& each : read_cases) {
        check(each, support::octet_by_octet(each.input, true), 4096);
    }
}
TEST(H1ContentReader, reads_it_into_one_octet_of_room) {
    for (const ReadCase& each : read_cases)
        check(each, {Step::data(each.input)}, 1);
}

TEST(H1ContentReader, moves_it_through_a_pipe) {
    for (const ReadCase& each : read_cases) {
        for (const Splice splice : {Splice::works, Splice::refused}) {
            check(each, {Step::data(each.input)}, 4096, splice);
            check(each, {Step::data(each.input)}, 1, splice);
            check(each, support::octet_by_octet(each.input, true), 4096, splice);
        }
    }
}

TEST(H1ContentReader, moves_nothing_that_it_must_look_at) {
    ManualLoop manual;
    Record record;
    ScriptedTransport transport(manual.loop, {}, {}, record);
    Reader reader(Side::client, phase::request_content);
    reader.begin(Reader::Kind::length, 5);
    EXPECT_EQ(reader.movable(transport), 0u) << "the transport does not splice";
    transport.splice = Splice::works;
    EXPECT_EQ(reader.movable(transport), 5u);
    transport.unread("ab");
    EXPECT_EQ(reader.movable(transport), 0u) << "these octets have left the socket";
    char scratch[16];
    EXPECT_TRUE(reader.try_read(transport, scratch));
    EXPECT_EQ(reader.movable(transport), 3u);
    reader.begin(Reader::Kind::chunked, 0);
    EXPECT_EQ(reader.movable(transport), 0u);
    reader.begin(Reader::Kind::none, 0);
    EXPECT_EQ(reader.movable(transport), 0u);
    reader.begin(Reader::Kind::until_close, 0);
    EXPECT_GT(reader.movable(transport), 1u << 30);
}

TEST(H1ContentReader, says_what_is_due) {
    ManualLoop manual;
    Record record;
    ScriptedTransport transport(manual.loop, {Step::data("abc"), Step::fail(ECONNRESET)}, {},
                                record);
    Reader reader(Side::client, phase::request_content);
    reader.begin(Reader::Kind::length, 5);
    EXPECT_EQ(reader.due(), 5u);
    char scratch[16];
    EXPECT_TRUE(reader.try_read(transport, scratch));
    EXPECT_EQ(reader.due(), 2u);
    const auto broken = reader.try_read(transport, scratch);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().kind, FailureKind::reset);
    EXPECT_EQ(broken.error().side, Side::client);
    EXPECT_EQ(broken.error().phase, phase::request_content);
    EXPECT_EQ(broken.error().error, ECONNRESET);
}

TEST(H1ContentReader, serves_one_message_after_another) {
    ManualLoop manual;
    Record record;
    ScriptedTransport transport(manual.loop, {Step::data("ab1\r\nc\r\n0\r\n\r\nde")}, {}, record);
    Reader reader(Side::client, phase::request_content);
    reader.begin(Reader::Kind::length, 2);
    EXPECT_EQ(read_all(manual, transport, reader, 64).content, "ab");
    reader.begin(Reader::Kind::chunked, 0);
    EXPECT_EQ(reader.delivered(), 0u);
    EXPECT_EQ(read_all(manual, transport, reader, 64).content, "c");
    reader.begin(Reader::Kind::length, 2);
    EXPECT_EQ(read_all(manual, transport, reader, 64).content, "de");
}

[[gnu::noinline]] std::uintptr_t stack_position() {
    return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

loop::Task<bool> read_octet(ScriptedTransport& transport, Reader& reader, std::uintptr_t& lowest) {
    lowest = std::min(lowest, stack_position());
    const Result<ContentRun> run = reader.try_read(transport, transport.loop().scratch().first(1));
    co_return run && !run->is_last;
}

loop::Task<void> read_octets(ScriptedTransport& transport, Reader& reader, std::uintptr_t& lowest) {
    bool goes_on = true;
    while (goes_on)
        goes_on = co_await read_octet(transport, reader, lowest);
}

TEST(H1ContentReader, a_million_single_octets_use_no_stack) {
    constexpr std::size_t octets = 1'000'000;
    ManualLoop manual;
    Record record;
    // In pieces: a piece is shortened from its front at each read.
    std::deque<Step> steps(octets / 1000, Step::data(std::string(1000, 'x')));
    ScriptedTransport transport(manual.loop, std::move(steps), {}, record);
    Reader reader(Side::client, phase::request_content);
    reader.begin(Reader::Kind::length, octets);
    loop::Scope scope(manual.loop);
    std::uintptr_t lowest = UINTPTR_MAX;
    const std::uintptr_t here = stack_position();
    scope.spawn(read_octets(transport, reader, lowest));
    EXPECT_EQ(scope.size(), 0u);
    EXPECT_TRUE(reader.is_complete());
    EXPECT_LE(here - lowest, 16u * 1024);
}

struct WriteCase {
    const char* name;
    Writer::Kind kind;
    std::vector<std::string> runs;  // the last one is_last
    std::string expected;
    std::size_t calls;
};

TEST(H1ContentWriter, frames_what_it_writes) {
    const WriteCase cases[] = {
        {"none", Writer::Kind::none, {""}, "H:", 1},
        {"none drops content", Writer::Kind::none, {"abc", "d"}, "H:", 1},
        {"length", Writer::Kind::length, {"abc", "d"}, "H:abcd", 2},
        {"length, empty last", Writer::Kind::length, {"abc", ""}, "H:abc", 1},
        {"length, nothing", Writer::Kind::length, {""}, "H:", 1},
        {"until close", Writer::Kind::until_close, {"abc", ""}, "H:abc", 1},
        {"chunked",
         Writer::Kind::chunked,
         {"abc", "defghijklmnop"},
         "H:3\r\nabc\r\nd\r\ndefghijklmnop\r\n0\r\n\r\n",
         2},
        {"chunked, empty last", Writer::Kind::chunked, {"abc", ""}, "H:3\r\nabc\r\n0\r\n\r\n", 2},
        {"chunked, empty run", Writer::Kind::chunked, {"", "a"}, "H:1\r\na\r\n0\r\n\r\n", 2},
        {"chunked, nothing", Writer::Kind::chunked, {""}, "H:0\r\n\r\n", 1},
    };
    for (const WriteCase& each : cases) {
        SCOPED_TRACE(each.name);
        ManualLoop manual;
        Record record;
        ScriptedTransport transport(manual.loop, {}, {}, record);
        Output output(transport, Side::client);
        Writer writer;
        writer.begin(each.kind);
        output.hold("H:");
        for (std::size_t i = 0; i < each.runs.size(); i++) {
            EXPECT_TRUE(writer.write(output, each.runs[i], i + 1 == each.runs.size()));
            EXPECT_TRUE(output.is_empty());
        }
        EXPECT_EQ(record.written(), each.expected);
        EXPECT_EQ(record.writes.size(), each.calls);
    }
}

}  // namespace
}  // namespace headgate::net
