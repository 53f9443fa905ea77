// Every call on an upstream connection fails once, and is cancelled once: connecting, sending,
// reading head and content, looking at an idle connection, in each framing. No frame, descriptor or
// connection is left, nothing is closed twice, and the client gets a whole response, a whole answer
// of ours, or what it cannot take for whole.
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/exchange_rig.h"
#include "tests/support/fault_round.h"

namespace headgate::proxy {
namespace {

using support::count;
using support::ExchangeRig;
using support::FailingCalls;
using support::Got;
using support::joined;
using support::LoadedSites;
using support::NothingLeft;
using support::Record;
using support::Round;
using support::ScriptedTransport;
using support::Step;
using support::StepOrigin;

struct Case {
    const char* name;
    std::string request;
    std::string request_end;  // what its last octets are, as the upstream gets them
    std::string response;     // of the upstream
    bool closes = false;      // and it closes then
    int requests = 1;         // so many of them on the client's connection
    int least_steps = 4;      // connect, write, read the head and nothing more
};

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string by_length = ok + "Content-Length: 11\r\n\r\nhello world";
const std::string by_chunks = ok +
                              "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n"
                              "0\r\n\r\n";
const std::string until_close = ok + "\r\nhello world";
const std::string no_content = "HTTP/1.1 204 No Content\r\n\r\n";
const std::string post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world";
const std::string post_chunked =
    "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
const std::string large = ok + "Content-Length: 300000\r\n\r\n" + std::string(300'000, 'x');

const Case cases[] = {
    {"no content", get, "\r\n\r\n", no_content},
    {"length", get, "\r\n\r\n", by_length},
    {"chunked", get, "\r\n\r\n", by_chunks},
    {"until close", get, "\r\n\r\n", until_close, true},
    {"until close, to 1.0", "GET /a HTTP/1.0\r\n\r\n", "\r\n\r\n", until_close, true},
    {"much by length", get, "\r\n\r\n", large, false, 1, 6},
    {"much until close", get, "\r\n\r\n", ok + "\r\n" + std::string(300'000, 'x'), true, 1, 6},
    {"interim responses", get, "\r\n\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n" + by_length},
    {"upload, length", post, "hello world", by_length},
    {"upload, chunked", post_chunked, "0\r\n\r\n", by_chunks},
    {"upload, answered until close", post, "hello world", until_close, true},
    {"reused, length", get, "\r\n\r\n", by_length, false, 3, 8},
    {"reused, chunked", get, "\r\n\r\n", by_chunks, false, 3, 8},
    {"reused, upload", post, "hello world", by_length, false, 3, 8},
};

/// Answers each whole request, and counts them.
StepOrigin::Script script_of(const Case& which, int& seen) {
    return [&which, &seen](std::string_view input, int) {
        const std::size_t head = input.find("\r\n\r\n");
        if (head == std::string_view::npos || !input.ends_with(which.request_end)) {
            return StepOrigin::Reply{};
        }
        seen++;
        return StepOrigin::Reply{input.size(), which.response, which.closes, false};
    };
}

/// The body for fail_nth: the case on a fresh engine, every call on its upstream under the plan.
class Serve {
public:
    Serve(const Case& which, std::string response, StepOrigin& origin, int& seen)
        : which_(which), response_(std::move(response)), origin_(origin), seen_(seen) {}
    loop::Task<void> operator()(Round& round) const { return run(round, *this); }

private:
    static loop::Task<void> run(Round& round, const Serve& self) {
        const NothingLeft nothing_left(self.origin_);
        self.seen_ = 0;
        const LoadedSites loaded(support::configuration(self.origin_.url(), ""));
        const auto calls = std::make_unique<FailingCalls>(round.plan, self.origin_.port());
        Record record;
        auto exchange = support::serve_client(round, loaded, self.client(round, record));
        co_await std::move(exchange);
        self.judge(round, record, loaded.file("access.log"));
    }

    std::unique_ptr<ScriptedTransport> client(Round& round, Record& record) const {
        support::Steps reads;
        for (int i = 0; i < which_.requests; i++) {
            reads.push_back(Step::data(which_.request));
            reads.push_back(Step::block());
        }
        reads.push_back(Step::end());
        auto transport = std::make_unique<ScriptedTransport>(round.loop(), std::move(reads),
                                                             support::Steps{}, record);
        transport->splice = ScriptedTransport::Splice::works;
        return transport;
    }

    void judge(const Round& round, const Record& record, const std::string& log) const {
        const Got got(joined(support::without_date(record.written())), response_);
        EXPECT_TRUE(record.is_closed);
        EXPECT_TRUE(response_.starts_with(got.rest)) << got.rest.substr(0, 1000);
        // Towards HTTP/1.0 until close, a reset is the only sign that it is not the whole.
        const bool is_by_close = which_.request.find("/1.0") != std::string::npos;
        const bool is_marked = is_by_close && record.resets_on_close;
        EXPECT_EQ(count(log, " ok "), is_marked ? 0 : got.whole) << log;
        EXPECT_TRUE(!is_by_close || got.rest.empty() || is_marked);
        const bool is_safe = which_.request.starts_with("GET");
        if (!is_safe) {
            EXPECT_LE(seen_, which_.requests) << "sent twice";
        }
        if (!round.is_untouched()) return;
        EXPECT_EQ(got.whole, static_cast<std::size_t>(which_.requests)) << record.written();
        EXPECT_EQ(seen_, which_.requests);
        EXPECT_GE(FailingCalls::connects(), 1);
        EXPECT_GE(FailingCalls::reads(), which_.requests);
        EXPECT_GE(FailingCalls::writes(), which_.requests);
    }

    const Case& which_;
    const std::string response_;  // as the client is to get it, joined
    StepOrigin& origin_;
    int& seen_;
};

TEST(ExchangeUpstreamFaults, every_call_on_the_upstream_fails_once) {
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        int seen = 0;
        const std::string response =
            joined(ExchangeRig(script_of(each, seen), {Step::data(each.request)}).written());
        ASSERT_FALSE(response.empty());
        StepOrigin origin(script_of(each, seen));
        const int steps = support::fail_nth(Serve(each, response, origin, seen),
                                            [&origin] { return origin.step(); });
        EXPECT_GE(steps, each.least_steps);
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace headgate::proxy
