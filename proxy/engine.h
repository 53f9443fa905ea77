// Engine: what serves the connections of one loop: it sees which protocol a connection speaks and
// hands it to that protocol's client side.
#pragma once

#include "mpm/connection_handler.h"
#include "proxy/h1_client.h"
#include "proxy/raw_tunnel.h"
#include "proxy/tls_door.h"
#include "proxy/tls_watch.h"

namespace headgate::proxy {

class Engine final : public mpm::ConnectionHandler {
public:
    Engine(loop::Loop& loop, std::shared_ptr<const Sites> sites, upstream::SharedStock& stock,
           const mpm::Surroundings& surroundings);
    ~Engine() override { state_.logs.flush(); }

    loop::Task<void> serve(mpm::Accepted accepted) override;
    void drain(mpm::Drain how) override;
    void apply(const mpm::ControlMessage& message) override;
    void accept_paused(int error) override;
    void shed() override;

private:
    loop::Task<void> serve_arrival(std::unique_ptr<Arrival> arrival, bool reads_header);
    loop::Task<void> speak(std::unique_ptr<net::Transport> transport, const ConnectionFacts& facts,
                           const std::string& server_name);
    void settle_logs();
    void report_lost();

    LoopState state_;
    boost::intrusive::list<Arrival, boost::intrusive::constant_time_size<false>> arrivals_;
    boost::intrusive::list<RawTunnel, boost::intrusive::constant_time_size<false>> tunnels_;
    boost::intrusive::list<H1Client, boost::intrusive::constant_time_size<false>> clients_;
};

/// Makes the engines of one process: they share the sites and the stock of idle connections.
class EngineFactory final : public mpm::HandlerFactory {
public:
    /// `kept`: sites whose logs those of `sites` are, if others.
    explicit EngineFactory(std::shared_ptr<Sites> sites, std::shared_ptr<Sites> kept = nullptr)
        : sites_(std::move(sites)), kept_(std::move(kept)), watch_(*sites_) {}
    std::unique_ptr<mpm::ConnectionHandler> make(loop::Loop& loop,
                                                 const mpm::Surroundings& around) override {
        return std::make_unique<Engine>(loop, sites_, stock_, around);
    }
    void apply(const mpm::ControlMessage& message) override;
    std::vector<std::string> news() override { return watch_.look(); }
    bool report_want(const char* line) override;
    bool holds_secrets() const override { return sites_->hold_keys(); }
    Sites& sites() { return *sites_; }

private:
    std::shared_ptr<Sites> sites_;
    std::shared_ptr<Sites> kept_;
    TlsWatch watch_;  // used in the supervisor only
    upstream::SharedStock stock_;
};

}  // namespace headgate::proxy
