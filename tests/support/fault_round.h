// What the tests that have every call fail once share: a client's connection served by a fresh
// engine, and what has to be as it was when a round is over.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "proxy/h1_client.h"
#include "tests/support/fail_nth.h"
#include "tests/support/failing_calls.h"
#include "tests/support/got.h"
#include "tests/support/loaded_sites.h"
#include "tests/support/scripted_transport.h"
#include "tests/support/surroundings.h"

namespace headgate::support {

/// At its end: the origin has no connection, the process has the descriptors that it had, and none
/// was closed twice. The first thing in a round, so that it outlives the rest. `Origin` has step()
/// and open().
template <class Origin>
class NothingLeft {
public:
    explicit NothingLeft(Origin& origin) : origin_(origin), descriptors_(open_descriptors()) {}
    ~NothingLeft() {
        while (origin_.step()) {
        }
        EXPECT_EQ(origin_.open(), 0u) << "an upstream connection is left";
        EXPECT_EQ(open_descriptors(), descriptors_);
        EXPECT_EQ(FailingCalls::closed_twice(), 0);
    }
    NothingLeft(const NothingLeft&) = delete;
    NothingLeft& operator=(const NothingLeft&) = delete;

private:
    Origin& origin_;
    const std::size_t descriptors_;
};

inline proxy::ConnectionFacts facts_of(const LoadedSites& loaded) {
    proxy::ConnectionFacts facts;
    facts.client = *loop::Address::from_literal("192.0.2.7", 4000);
    facts.local = *loop::Address::from_literal("127.0.0.1", 80);
    facts.candidates = &loaded.sites()->at(facts.local);
    return facts;
}

/// The connection of a client of HTTP/1, from its first octet to its end.
inline loop::Task<void> serve_client(Round& round, const LoadedSites& loaded,
                                     std::unique_ptr<net::Transport> transport) {
    const auto stock = std::make_unique<upstream::SharedStock>();
    OneThread thread;
    const auto state = std::make_unique<proxy::LoopState>(round.loop(), loaded.sites(), *stock,
                                                          thread.surroundings);
    auto client = std::make_unique<proxy::H1Client>(*state, std::move(transport), facts_of(loaded));
    co_await proxy::H1Client::serve(std::move(client));
    state->logs.flush();
}

}  // namespace headgate::support
