// See engine.h.
#include "proxy/engine.h"

#include "proxy/net/plain_transport.h"
#include "proxy/tls_watch.h"

namespace headgate::proxy {

Engine::Engine(loop::Loop& loop, std::shared_ptr<const Sites> sites, upstream::SharedStock& stock,
               const mpm::Surroundings& surroundings)
    : state_(loop, std::move(sites), stock, surroundings) {
    loop.before_sleep([this] { state_.logs.flush(); });
}

namespace {

constexpr loop::Milliseconds handshake_grace{1000};  // for one that is under way at the end

/// Its frame is all that an idle connection keeps of this file.
loop::Task<void> serve_owned(std::unique_ptr<H1Client> client) {
    co_await client->serve();
}

}  // namespace

loop::Task<void> Engine::serve(mpm::Accepted accepted) {
    ConnectionFacts facts;
    facts.client = accepted.peer;
    facts.record = accepted.record;
    facts.local = loop::Address::of_socket(accepted.socket.descriptor());
    facts.candidates = &state_.sites->at(facts.local);
    accepted.socket.tune_for_relay();
    auto transport = std::make_unique<net::PlainTransport>(state_.loop, std::move(accepted.socket));
    if (facts.candidates->sites.front()->serves_tls()) {
        auto arrival = std::make_unique<Arrival>(std::move(transport), facts);
        arrivals_.push_back(*arrival);
        return serve_arrival(std::move(arrival));
    }
    auto client = std::make_unique<H1Client>(state_, std::move(transport), facts);
    clients_.push_back(*client);
    return serve_owned(std::move(client));
}

loop::Task<void> Engine::serve_arrival(std::unique_ptr<Arrival> arrival) {
    co_await open_door(state_, *arrival);
    if (arrival->transport == nullptr) co_return;
    auto client = std::make_unique<H1Client>(state_, std::move(arrival->transport), arrival->facts);
    arrival.reset();
    clients_.push_back(*client);
    co_await client->serve();
}

void Engine::drain(mpm::Drain how) {
    state_.is_draining = true;
    state_.is_ending = state_.is_ending || how == mpm::Drain::soon;
    for (H1Client& client : clients_)
        client.drain();
    if (!state_.is_ending) return;
    for (Arrival& arrival : arrivals_) {
        if (arrival.branch == nullptr || arrival.branch->parked == nullptr) continue;
        state_.loop.set_deadline(*arrival.branch->parked, loop::Deadline::after(handshake_grace));
    }
}

void Engine::apply(const mpm::ControlMessage& message) {
    if (message.kind == mpm::ControlMessage::Kind::news) {
        take_certificates(*state_.sites, message.text);
        return;
    }
    state_.logs.flush();
    state_.sites->reopen_logs();
}

}  // namespace headgate::proxy
