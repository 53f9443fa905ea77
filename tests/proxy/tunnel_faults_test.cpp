// Every call on either end of a tunnel fails once, and is cancelled once: Upgrade and TunnelTo,
// connecting and the request before it included. No frame, descriptor or connection is left, and a
// client never takes for the whole what is not: it has all octets, an answer of ours and nothing
// behind it, or a reset.
#include <gtest/gtest.h>

#include <memory>

#include "proxy/raw_tunnel.h"
#include "tests/support/exchange_rig.h"
#include "tests/support/fault_round.h"

namespace headgate::proxy {
namespace {

using support::FailingCalls;
using support::Got;
using support::LoadedSites;
using support::NothingLeft;
using support::Record;
using support::Round;
using support::ScriptedTransport;
using support::Step;
using support::StepOrigin;

enum class Ends { upstream, client };

const std::string upgrade =
    "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const std::string switched =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// Greets, hears "bye", says so and closes; `head` comes before the greeting.
StepOrigin::Script greeting(std::string awaited, std::string head) {
    return [awaited, head](std::string_view input, int) {
        if (input.ends_with("bye")) return StepOrigin::Reply{input.size(), "goodbye", true, false};
        if (awaited.empty() || !input.ends_with(awaited)) return StepOrigin::Reply{};
        return StepOrigin::Reply{input.size(), head + "hello", false, false};
    };
}

/// The body for fail_nth. The plan is that of the calls on the upstream, or of the client's script.
class Serve {
public:
    Serve(bool is_raw, Ends ends, StepOrigin& origin)
        : is_raw_(is_raw), ends_(ends), origin_(origin) {}
    loop::Task<void> operator()(Round& round) const { return run(round, *this); }

private:
    static loop::Task<void> run(Round& round, const Serve& self) {
        const NothingLeft nothing_left(self.origin_);
        const LoadedSites loaded(self.configuration());
        const auto calls = self.calls_of(round);
        Record record;
        auto transport = self.client(round, record);
        auto connection = self.is_raw_ ? serve_raw(round, loaded, std::move(transport))
                                       : support::serve_client(round, loaded, std::move(transport));
        co_await std::move(connection);
        self.judge(round, record, loaded.file("access.log"));
    }

    std::string configuration() const {
        if (!is_raw_) return support::configuration(origin_.url(), "");
        return "ServerName proxy.example\nErrorLog error.log\nListen 127.0.0.1:80\n"
               "<VirtualHost 127.0.0.1:80>\nServerName raw.example\n"
               "CustomLog access.log \"%{end}x \"\nTunnelTo tcp://127.0.0.1:" +
               std::to_string(origin_.port()) + "\n</VirtualHost>\n";
    }
    std::unique_ptr<FailingCalls> calls_of(Round& round) const {
        if (ends_ == Ends::client) return nullptr;
        return std::make_unique<FailingCalls>(round.plan, origin_.port());
    }

    std::unique_ptr<net::Transport> client(Round& round, Record& record) const {
        support::Steps reads{Step::data(is_raw_ ? "hi" : upgrade), Step::block(), Step::data("bye"),
                             Step::block(), Step::end()};
        return std::make_unique<ScriptedTransport>(
            round.loop(), std::move(reads), support::Steps{Step::take(9), Step::block()}, record,
            ends_ == Ends::client ? &round.plan : nullptr);
    }

    static loop::Task<void> serve_raw(Round& round, const LoadedSites& loaded,
                                      std::unique_ptr<net::Transport> transport) {
        const auto stock = std::make_unique<upstream::SharedStock>();
        support::OneThread thread;
        const auto state =
            std::make_unique<LoopState>(round.loop(), loaded.sites(), *stock, thread.surroundings);
        ConnectionFacts facts = support::facts_of(loaded);
        facts.tunnel_site = facts.candidates->sites.front();
        const auto raw = std::make_unique<RawTunnel>(*state, std::move(transport), facts, "");
        co_await raw->serve();
        state->logs.flush();
    }

    void judge(const Round& round, const Record& record, const std::string& log) const {
        const std::string whole = is_raw_ ? "hellogoodbye" : switched + "hellogoodbye";
        const std::string written = support::without_date(record.written());
        const Got got(written, whole);
        EXPECT_TRUE(record.is_closed);
        EXPECT_LE(got.whole + got.answers, 1u) << written;
        EXPECT_TRUE(got.rest.empty() || got.answers + got.whole == 0) << written;
        EXPECT_TRUE(whole.starts_with(got.rest)) << written;
        // An end would say that this was all.
        const bool is_cut = got.whole == 0 && (is_raw_ || got.rest.starts_with("HTTP/1.1 101"));
        EXPECT_TRUE(!is_cut || record.resets_on_close) << written << log;
        EXPECT_TRUE(got.whole == 1 || log.find("ok ") == std::string::npos) << log;
        if (round.is_untouched()) {
            EXPECT_EQ(got.whole, 1u) << written << log;
            EXPECT_FALSE(record.resets_on_close);
        }
    }

    const bool is_raw_;
    const Ends ends_;
    StepOrigin& origin_;
};

TEST(TunnelFaults, every_step_of_an_upgrade_fails_once) {
    for (const Ends ends : {Ends::upstream, Ends::client}) {
        SCOPED_TRACE(static_cast<int>(ends));
        StepOrigin origin(greeting("\r\n\r\n", switched));
        const int steps =
            support::fail_nth(Serve(false, ends, origin), [&origin] { return origin.step(); });
        EXPECT_GE(steps, 5);
        if (HasFailure()) return;
    }
}

TEST(TunnelFaults, every_step_of_a_raw_tunnel_fails_once) {
    for (const Ends ends : {Ends::upstream, Ends::client}) {
        SCOPED_TRACE(static_cast<int>(ends));
        StepOrigin origin(greeting("hi", ""));
        const int steps =
            support::fail_nth(Serve(true, ends, origin), [&origin] { return origin.step(); });
        EXPECT_GE(steps, 5);
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace headgate::proxy
