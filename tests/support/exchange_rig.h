// One client connection through the proxy's engine, all in the test's thread: the client follows a
// script, the clock is moved by hand, the origin on the loopback interface is stepped.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "mpm/loop/scope.h"
#include "proxy/h1_client.h"
#include "tests/support/loaded_sites.h"
#include "tests/support/scripted_transport.h"
#include "tests/support/step_origin.h"
#include "tests/support/surroundings.h"

namespace headgate::support {

using Steps = std::deque<Step>;

/// A server that passes everything but /none on, and logs method, status, framing, end, attempts
/// and octets of content. `more` comes before its own rules; ORIGIN in it is the origin's URL.
inline std::string configuration(const std::string& origin, std::string more) {
    for (std::size_t at; (at = more.find("ORIGIN")) != std::string::npos;)
        more.replace(at, 6, origin);
    return "ServerName proxy.example\nErrorLog error.log\nProxyAddHeaders Off\n" + more +
           "\nProxyPass /none !\nProxyPass / " + origin +
           "/\nCustomLog access.log \"%m %s %{framing}x %{end}x %{attempts}x %B\"\n";
}

/// Without the Date that we add, which is the time of the test.
inline std::string without_date(std::string text) {
    for (std::size_t at; (at = text.find("Date: ")) != std::string::npos;) {
        text.erase(at, text.find("\r\n", at) + 2 - at);
    }
    return text;
}

/// One client connection through the engine.
class ExchangeRig {
public:
    /// Runs until nothing is left to do without time passing, unless `settles` says no.
    ExchangeRig(StepOrigin::Script script, Steps reads, Steps writes = {},
                const std::string& more = "", bool settles = true)
        : origin(std::move(script)),
          loaded(configuration(origin.url(), more)),
          state(manual.loop, loaded.sites(), stock, thread.surroundings) {
        facts.client = *loop::Address::from_literal("192.0.2.7", 4000);
        facts.local = *loop::Address::from_literal("127.0.0.1", 80);
        facts.candidates = &loaded.sites()->at(facts.local);
        auto made = std::make_unique<ScriptedTransport>(manual.loop, std::move(reads),
                                                        std::move(writes), record);
        transport = made.get();
        auto owned = std::make_unique<proxy::H1Client>(state, std::move(made), facts);
        client = owned.get();
        scope.spawn(proxy::H1Client::serve(std::move(owned)));
        if (settles) settle();
    }
    ~ExchangeRig() {
        scope.cancel();
        settle();
        EXPECT_EQ(scope.size(), 0u);
    }
    /// One pass of the loop, one step of the origin; whether anything happened.
    bool pass() {
        const bool ran = manual.loop.run_pass();
        return origin.step() || ran;
    }
    void settle() {
        int passes = 0;
        for (int idle = 0; idle < 5; passes++) {
            idle = pass() ? 0 : idle + 1;
            HEADGATE_ASSERT(passes < 1'000'000);  // it spins
        }
    }
    void pass_time(loop::Duration by) {
        manual.clock.advance(by);
        settle();
    }
    std::string written() { return without_date(record.written()); }
    std::string log() {
        state.logs.flush();
        return loaded.file("access.log");
    }
    bool is_over() const { return scope.size() == 0; }

    StepOrigin origin;
    LoadedSites loaded;
    ManualLoop manual;
    upstream::SharedStock stock;
    OneThread thread;
    proxy::LoopState state;
    loop::Scope scope{manual.loop};
    Record record;
    proxy::ConnectionFacts facts;
    ScriptedTransport* transport = nullptr;  // until the connection ends, and so the client
    proxy::H1Client* client = nullptr;
};

/// An origin that takes everything and never answers.
inline StepOrigin::Script silent() {
    return [](std::string_view, int) { return StepOrigin::Reply{}; };
}

/// Closes (or resets) once a request is there, after `octets`.
inline StepOrigin::Script once(std::string octets, bool resets) {
    return [octets, resets](std::string_view input, int) {
        if (input.find("\r\n\r\n") == std::string_view::npos) return StepOrigin::Reply{};
        return StepOrigin::Reply{input.size(), octets, !resets, resets};
    };
}

}  // namespace headgate::support
