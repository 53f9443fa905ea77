// RawTunnel: a client connection of which nothing is understood: passed on to where TunnelTo says,
// octet by octet, both ways. TLS is spoken on neither side, on one or on both; by the server name
// of a ClientHello it may also pass unread.
//
// Not an exchange: it knows no message. An idle one holds no thread and no buffer.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/logs/ledger.h"
#include "proxy/loop_state.h"
#include "proxy/status/live_view.h"
#include "proxy/tunnel.h"

namespace headgate::proxy {

class RawTunnel : public boost::intrusive::list_base_hook<
                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    /// `connection` says of which site (tunnel_site) it is. `server_name`: of the ClientHello that
    /// passes unread; empty otherwise.
    RawTunnel(LoopState& state, std::unique_ptr<net::Transport> client,
              const ConnectionFacts& connection, std::string_view server_name);
    ~RawTunnel() { state_.loop.withdraw(watch_); }
    RawTunnel(const RawTunnel&) = delete;
    RawTunnel& operator=(const RawTunnel&) = delete;

    /// Connects, and passes on until both directions have ended; then writes the logs. A client
    /// whose upstream cannot be reached is reset.
    loop::Task<void> serve();
    /// The process drains: it is given ProxyTunnelDrainTimeout.
    void drain();

private:
    void prepare(std::string_view server_name);
    std::string protocols_to_ask_for() const;
    void capture();
    void watch_client();
    TunnelTerms tunnel_terms();
    loop::Milliseconds upstream_timeout() const;
    loop::Milliseconds idle_limit() const;
    void finish();
    void report(const net::Failure& failure);

    LoopState& state_;
    std::unique_ptr<net::Transport> client_;
    const ConnectionFacts connection_;
    const Site& site_;
    const TunnelRule& rule_;
    LiveView view_;
    Ledger ledger_;
    upstream::BorrowOptions options_;
    std::optional<upstream::TlsOptions> tls_;
    std::unique_ptr<net::Transport> upstream_;  // null: not reached
    TunnelCounts counts_;
    ProxyHeaderGuard guard_;
    std::vector<std::string> captured_;  // by log of the site
    loop::Branch* line_ = nullptr;       // of serve(): ends when a drain takes too long
    loop::Waiter watch_;                 // for that; before, for a client that leaves
    net::FailureKind cancelled_as_ = net::FailureKind::stopped;  // see Exchange
};

}  // namespace headgate::proxy
