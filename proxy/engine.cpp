// See engine.h.
#include "proxy/engine.h"

#include <cstring>

#include "proxy/net/plain_transport.h"
#include "proxy/proxy_header_door.h"
#include "proxy/tls_watch.h"

namespace headgate::proxy {

Engine::Engine(loop::Loop& loop, std::shared_ptr<const Sites> sites, upstream::SharedStock& stock,
               const mpm::Surroundings& surroundings)
    : state_(loop, std::move(sites), stock, surroundings) {
    loop.before_sleep([this] { settle_logs(); });
}

namespace {

constexpr loop::Milliseconds handshake_grace{1000};  // for one that is under way at the end
constexpr std::chrono::seconds between_reports{1};

loop::Task<void> serve_owned_tunnel(std::unique_ptr<RawTunnel> tunnel) {
    co_await tunnel->serve();
}

}  // namespace

loop::Task<void> Engine::serve(mpm::Accepted accepted) {
    ConnectionFacts facts;
    facts.client = accepted.peer;
    facts.local = loop::Address::of_socket(accepted.socket.descriptor());
    facts.reached = facts.local;
    facts.candidates = &state_.sites->at(facts.local);
    const ProxyHeaderSettings* const header = facts.candidates->proxy_header;
    const ProxyHeaderRule rule =
        header != nullptr ? header->rule_for(accepted.peer) : ProxyHeaderRule::unexpected;
    accepted.socket.tune_for_relay();
    auto transport = std::make_unique<net::PlainTransport>(state_.loop, std::move(accepted.socket));
    const Site& first = *facts.candidates->sites.front();
    const bool reads_hello = facts.candidates->reads_hello;
    if (first.settings.tunnel && !reads_hello) facts.tunnel_site = &first;
    if (rule != ProxyHeaderRule::unexpected || reads_hello) {
        auto arrival = std::make_unique<Arrival>(std::move(transport), facts);
        arrivals_.push_back(*arrival);
        return serve_arrival(std::move(arrival), rule);
    }
    return speak(std::move(transport), facts, "");
}

/// The protocol of a connection that is open: a tunnel's, or HTTP.
loop::Task<void> Engine::speak(std::unique_ptr<net::Transport> transport,
                               const ConnectionFacts& facts, const std::string& server_name) {
    if (facts.tunnel_site != nullptr) {
        auto tunnel = std::make_unique<RawTunnel>(state_, std::move(transport), facts, server_name);
        tunnels_.push_back(*tunnel);
        return serve_owned_tunnel(std::move(tunnel));
    }
    auto client = std::make_unique<H1Client>(state_, std::move(transport), facts);
    clients_.push_back(*client);
    return H1Client::serve(std::move(client));
}

loop::Task<void> Engine::serve_arrival(std::unique_ptr<Arrival> arrival, ProxyHeaderRule rule) {
    if (rule != ProxyHeaderRule::unexpected) {
        const bool is_taken = co_await take_proxy_header(state_, *arrival, rule);
        if (!is_taken) co_return;
    }
    if (arrival->facts.candidates->reads_hello) {
        co_await open_door(state_, *arrival);
    } else {
        arrival->transport = std::move(arrival->plain);
    }
    if (arrival->transport == nullptr) co_return;
    state_.loop.go_on_with(
        speak(std::move(arrival->transport), arrival->facts, arrival->server_name));
    arrival.reset();
}

void Engine::settle_logs() {
    state_.logs.flush();
    const std::uint64_t lost = state_.logs.take_lost();
    if (lost > 0) state_.surroundings.slot.lines_lost.add(lost);
    if (state_.loop.now() >= next_report_ && state_.sites->has_unreported_lines()) report_lost();
}

/// One line for each log that lost some, in the error log of the main server; if that cannot be
/// written either, later.
void Engine::report_lost() {
    next_report_ = state_.loop.now() + between_reports;
    for (const auto& file : state_.sites->files()) {
        const std::uint64_t lost = file->take_unreported();
        if (lost == 0) continue;
        const std::string text = std::to_string(lost) + " lines of " + file->path() + " were lost";
        const bool is_written =
            state_.sites->main().errors->write_now(LogLevel::error, LogId::lines_lost, text);
        if (!is_written) file->give_back(lost);
    }
}

void Engine::accept_paused(int error) {
    if (state_.loop.now() < next_pause_report_) return;
    next_pause_report_ = state_.loop.now() + between_reports;
    state_.sites->main().errors->write(
        state_.logs, LogLevel::error, LogId::accept_paused, "",
        std::string("no more connections are accepted for now: ") + std::strerror(error));
}

void Engine::drain(mpm::Drain how) {
    state_.is_draining = true;
    state_.is_ending = state_.is_ending || how == mpm::Drain::soon;
    for (H1Client& client : clients_)
        client.drain();
    for (RawTunnel& tunnel : tunnels_)
        tunnel.drain();
    if (!state_.is_ending) return;
    for (Arrival& arrival : arrivals_)
        arrival.hasten(handshake_grace);
}

void Engine::apply(const mpm::ControlMessage& message) {
    if (message.kind == mpm::ControlMessage::Kind::news) {
        TlsWatch::take_sent(state_.sites->shown(), message.text);
        return;
    }
    state_.logs.flush();
    state_.sites->reopen_logs();
}

void EngineFactory::apply(const mpm::ControlMessage& message) {
    if (message.kind == mpm::ControlMessage::Kind::reopen_logs) sites_->reopen_logs();
}

}  // namespace headgate::proxy
