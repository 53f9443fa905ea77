// See engine.h.
#include "proxy/engine.h"

#include <cstring>

#include "mpm/loop/take_turn.h"
#include "proxy/net/plain_transport.h"
#include "proxy/proxy_header_door.h"
#include "proxy/status/sums.h"
#include "proxy/tls_watch.h"

namespace headgate::proxy {

Engine::Engine(loop::Loop& loop, std::shared_ptr<const Sites> sites, upstream::SharedStock& stock,
               const mpm::Surroundings& surroundings)
    : state_(loop, std::move(sites), stock, surroundings) {
    loop.before_sleep([this] { settle_logs(); });
}

namespace {

constexpr loop::Milliseconds handshake_grace{1000};  // for one that is under way at the end
constexpr std::chrono::seconds between_reports{1};   // of the whole program

loop::Task<void> serve_owned_tunnel(std::unique_ptr<RawTunnel> tunnel) {
    co_await tunnel->serve();
}

}  // namespace

loop::Task<void> Engine::serve(mpm::Accepted accepted) {
    ConnectionFacts facts;
    facts.client = accepted.peer;
    facts.local = accepted.local;
    facts.reached = facts.local;
    facts.candidates = &state_.sites->at(facts.local);
    const ProxyHeaderSettings* const header = facts.candidates->proxy_header;
    if (header != nullptr) facts.header_rule = header->rule_for(accepted.peer);
    auto transport = std::make_unique<net::PlainTransport>(state_.loop, std::move(accepted.socket));
    const Site& first = *facts.candidates->sites.front();
    const bool reads_hello = facts.candidates->reads_hello;
    if (first.settings.tunnel && !reads_hello) facts.tunnel_site = &first;
    // The server may speak first in a plain tunnel: what its client sends is looked at there.
    const bool is_refused_later =
        facts.tunnel_site != nullptr && facts.header_rule == ProxyHeaderRule::refused;
    const bool reads_header = facts.header_rule != ProxyHeaderRule::unexpected && !is_refused_later;
    if (reads_header || reads_hello) {
        auto arrival = std::make_unique<Arrival>(state_.surroundings, std::move(transport), facts);
        arrivals_.push_back(*arrival);
        return serve_arrival(std::move(arrival), reads_header);
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

loop::Task<void> Engine::serve_arrival(std::unique_ptr<Arrival> arrival, bool reads_header) {
    arrival->branch = state_.loop.branch();
    state_.loop.charge(&arrival->account, &arrival->view);
    bool is_let_in = true;
    if (reads_header) is_let_in = co_await take_proxy_header(state_, *arrival);
    if (is_let_in && arrival->facts.candidates->reads_hello) {
        co_await open_door(state_, *arrival);
    } else if (is_let_in) {
        arrival->transport = std::move(arrival->plain);
    }
    state_.loop.charge(nullptr);
    if (arrival->transport == nullptr) co_return;
    arrival->view.end();
    state_.loop.go_on_with(
        speak(std::move(arrival->transport), arrival->facts, arrival->server_name));
    arrival.reset();
}

void Engine::settle_logs() {
    state_.logs.flush();
    const std::uint64_t lost = state_.logs.take_lost();
    if (lost > 0) state_.surroundings.slot.lines_lost.add(lost);
    if (state_.sites->has_unreported_lines()) report_lost();
}

/// One line for each log that lost some, in the error log of the main server; if that cannot be
/// written either, later.
void Engine::report_lost() {
    std::atomic<std::int64_t>& next = state_.surroundings.scoreboard.common().next_loss_line_ns;
    if (!loop::take_turn(next, state_.loop.now(), between_reports)) return;
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
    std::atomic<std::int64_t>& next = state_.surroundings.scoreboard.common().next_pause_line_ns;
    if (!loop::take_turn(next, state_.loop.now(), between_reports)) return;
    state_.sites->main().errors->write(
        state_.logs, LogLevel::error, LogId::accept_paused, "",
        std::string("no more connections are accepted for now: ") + std::strerror(error));
}

/// Exchanges go on, and so do tunnels. A connection at the door has been promised nothing yet.
void Engine::shed() {
    for (H1Client& client : clients_)
        client.shed();
    for (Arrival& arrival : arrivals_) {
        if (arrival.branch == nullptr || arrival.branch->parked == nullptr) continue;
        count_failure(
            state_.surroundings.scoreboard,
            {net::Side::proxy, net::FailureKind::exhausted, arrival.branch->parked->phase});
        arrival.branch->interrupt(loop::Wake::cancelled);
    }
    state_.upstreams.pool().clear();
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

bool EngineFactory::report_want(const char* line) {
    return sites_->main().errors->write_now(LogLevel::crit, LogId::process_lacks, line);
}

void EngineFactory::apply(const mpm::ControlMessage& message) {
    if (message.kind == mpm::ControlMessage::Kind::reopen_logs) sites_->reopen_logs();
}

}  // namespace headgate::proxy
