// See engine.h.
#include "proxy/engine.h"

#include "proxy/net/plain_transport.h"

namespace headgate::proxy {

Engine::Engine(loop::Loop& loop, std::shared_ptr<const Sites> sites, upstream::SharedStock& stock)
    : state_(loop, std::move(sites), stock) {
    loop.before_sleep([this] { state_.logs.flush(); });
}

loop::Task<void> Engine::serve(mpm::Accepted accepted) {
    ConnectionFacts facts;
    facts.client = accepted.peer;
    facts.local = loop::Address::of_socket(accepted.socket.descriptor());
    facts.candidates = &state_.sites->at(facts.local);
    accepted.socket.tune_for_relay();
    auto transport =
        std::make_unique<net::PlainTransport>(state_.loop, std::move(accepted.socket));
    const auto client = std::make_unique<H1Client>(state_, std::move(transport), facts);
    clients_.push_back(*client);
    co_await client->serve();
}

void Engine::drain() {
    state_.is_draining = true;
    for (H1Client& client : clients_) client.drain();
}

void Engine::apply(const mpm::ControlMessage& message) {
    if (message.kind == mpm::ControlMessage::Kind::reopen_logs) state_.logs.flush();
}

}  // namespace headgate::proxy
