// See engine.h.
#include "proxy/engine.h"

#include <cstring>

#include "proxy/net/plain_transport.h"

namespace headgate::proxy {

Engine::Engine(loop::Loop& loop, std::shared_ptr<const Sites> sites, upstream::SharedStock& stock,
               const mpm::Surroundings& surroundings)
    : state_(loop, std::move(sites), stock, surroundings) {
    loop.before_sleep([this] { settle_logs(); });
}

namespace {

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
    auto client = std::make_unique<H1Client>(state_, std::move(transport), facts);
    clients_.push_back(*client);
    return serve_owned(std::move(client));
}

namespace {

constexpr std::chrono::seconds between_reports{1};

}  // namespace

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
}

void Engine::apply(const mpm::ControlMessage& message) {
    if (message.kind != mpm::ControlMessage::Kind::reopen_logs) return;
    state_.logs.flush();
    state_.sites->reopen_logs();
}

void EngineFactory::apply(const mpm::ControlMessage& message) {
    if (message.kind == mpm::ControlMessage::Kind::reopen_logs) sites_->reopen_logs();
}

}  // namespace headgate::proxy
