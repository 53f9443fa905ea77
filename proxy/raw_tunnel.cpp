// See raw_tunnel.h.
#include "proxy/raw_tunnel.h"

#include <ctime>

#include "proxy/proxy_header_sending.h"
#include "proxy/settings/protocols.h"
#include "proxy/status/sums.h"

namespace headgate::proxy {

using net::Failure;
using net::FailureKind;
using net::Result;
using net::Side;
namespace phase = net::phase;

RawTunnel::RawTunnel(LoopState& state, std::unique_ptr<net::Transport> client,
                     const ConnectionFacts& connection, std::string_view server_name)
    : state_(state),
      client_(std::move(client)),
      connection_(connection),
      site_(*connection.tunnel_site),
      rule_(*site_.settings.tunnel),
      view_(state.surroundings) {
    prepare(server_name);
    capture();
}

loop::Task<void> RawTunnel::serve() {
    line_ = state_.loop.branch();
    state_.loop.charge(&ledger_.account, &view_);
    watch_client();
    auto opened = co_await state_.upstreams.open(rule_.endpoint, options_);
    state_.loop.withdraw(watch_);
    Result<void> ended;
    if (opened) {
        upstream_ = std::move(*opened);
        options_ = {};
        if (state_.is_draining) drain();
        const TunnelTerms terms = tunnel_terms();
        ended = co_await tunnel(*client_, *upstream_, terms, counts_);
    } else {
        ended = opened.error();
        client_->reset_on_close();  // an end would say that this was all
    }
    state_.loop.withdraw(watch_);
    if (!ended) {
        ledger_.failed = true;
        ledger_.failure = net::settled(ended.error(), cancelled_as_);
        report(ledger_.failure);
    }
    finish();
}

/// Until its upstream is there nothing is read of the client; a reset of it ends the wait.
void RawTunnel::watch_client() {
    loop::SourceList* departures = client_->breaks();
    if (departures == nullptr) return;
    watch_.context = this;
    watch_.call = [](loop::Waiter& woken) {
        RawTunnel& self = *static_cast<RawTunnel*>(woken.context);
        self.cancelled_as_ = FailureKind::reset;
        self.line_->cancel();
    };
    if (client_->has_broken()) return watch_.call(watch_);
    state_.loop.park(watch_, departures, loop::Deadline::never());
}

void RawTunnel::drain() {
    const loop::Milliseconds limit = *site_.base.tunnel_drain_timeout;
    // Connecting has an end of its own; then serve() comes back to this.
    if (upstream_ == nullptr || limit.count() == 0 || watch_.deadline_hook.is_linked()) return;
    watch_.call = [](loop::Waiter& woken) {
        RawTunnel& self = *static_cast<RawTunnel*>(woken.context);
        self.cancelled_as_ = FailureKind::drained;
        self.line_->cancel();
    };
    watch_.context = this;
    watch_.phase = phase::tunnel;
    state_.loop.park(watch_, nullptr, loop::Deadline::after(limit));
}

/// How its upstream is reached, and what that is told.
void RawTunnel::prepare(std::string_view server_name) {
    const PassParameters& parameters = rule_.parameters;
    const auto& connect = parameters.connection_timeout;
    options_.connect.timeout = connect.is_written() ? *connect : upstream_timeout();
    options_.connect.tcp_keep_alive = *parameters.tcp_keep_alive;
    options_.greeting =
        proxy_header(*parameters.proxy_header,
                     {connection_.client, connection_.reached, connection_.tls, server_name});
    if (!rule_.is_tls) return;
    const TlsUpstream& upstream = site_.tls->upstream_for(rule_.endpoint.key);
    tls_.emplace();
    tls_->context = upstream.context();
    tls_->server_name = rule_.endpoint.host;
    tls_->checks = upstream.checks();
    tls_->protocols = protocols_to_ask_for();
    options_.tls = &*tls_;
}

/// Where the PROXY protocol is spoken its upstream may believe it too: who may not send a header,
/// or has sent one already, does not pass one on.
TunnelTerms RawTunnel::tunnel_terms() {
    TunnelTerms terms{idle_limit()};
    if (*site_.base.enable_splice) terms.pipes = &state_.pipes;
    if (connection_.header_rule != ProxyHeaderRule::unexpected) terms.guard = &guard_;
    return terms;
}

/// What the client's handshake agreed on is passed on. A client without TLS has said nothing, so
/// the configuration says it for it.
std::string RawTunnel::protocols_to_ask_for() const {
    if (connection_.tls == nullptr) return protocol_list(site_.settings.protocols);
    const std::string agreed = net::tls_fact(*connection_.tls, "SSL_ALPN");
    return agreed.empty() ? agreed : static_cast<char>(agreed.size()) + agreed;
}

loop::Milliseconds RawTunnel::upstream_timeout() const {
    const auto& own = rule_.parameters.timeout;
    return own.is_written() ? *own : site_.proxy_timeout(site_.base);
}

loop::Milliseconds RawTunnel::idle_limit() const {
    const auto& own = rule_.parameters.timeout;
    const auto& general = site_.base.tunnel_timeout;
    return !own.is_written() && general.is_written() ? *general : upstream_timeout();
}

// ---- into the logs

void RawTunnel::capture() {
    ledger_.began = state_.loop.precise_now();
    ledger_.began_at = std::time(nullptr);
    ledger_.framing = "tunnel";
    ledger_.attempts = 1;
    ledger_.upstream = rule_.endpoint.key;
    view_.show_client(connection_.client.text());
    view_.show_request("tunnel of " + site_.name, rule_.endpoint.key);
    view_.show_framing(ledger_.framing);
    RequestFacts facts;
    facts.client = &connection_.client;
    facts.peer = &connection_.client;
    facts.local = &connection_.local;
    facts.tls = connection_.tls;
    facts.server_name = site_.name;
    captured_.resize(site_.logs.size());
    for (std::size_t i = 0; i < captured_.size(); i++)
        site_.logs[i].format.capture_request(facts, captured_[i]);
}

void RawTunnel::finish() {
    state_.loop.charge(nullptr);
    ledger_.ended = state_.loop.precise_now();
    ledger_.content_sent = counts_.to_client;
    ledger_.octets_received = counts_.to_upstream;
    ledger_.octets_sent = counts_.to_client;
    const bool keeps_thread = state_.loop.keeps_thread();
    add_to_sums(state_.surroundings, ledger_, keeps_thread);
    std::string line;
    for (std::size_t i = 0; i < captured_.size(); i++) {
        line.clear();
        site_.logs[i].format.render(ledger_, keeps_thread, captured_[i], {}, line);
        state_.logs.append(*site_.logs[i].file, line);
    }
}

void RawTunnel::report(const Failure& failure) {
    const bool is_refused = failure.phase == phase::proxy_header;
    const bool by_client = net::party_of(failure) == Side::client;
    const bool is_usual = by_client || failure.phase == phase::tunnel;
    const bool has_stood = upstream_ != nullptr && !by_client;
    const LogId id = is_refused  ? LogId::proxy_header_refused
                     : has_stood ? LogId::tunnel_ended
                                 : log_id_of(failure, false);
    const LogLevel level = is_refused                    ? LogLevel::warn
                           : is_usual                    ? LogLevel::info
                           : failure.side == Side::admin ? LogLevel::warn
                                                         : LogLevel::error;
    site_.errors->write(state_.logs, level, id, connection_.client.text(),
                        describe(failure) + ", upstream " + rule_.endpoint.key);
}

}  // namespace headgate::proxy
