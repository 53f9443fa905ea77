// Exchange: one request and its response, from the request's head to the access log's line. The
// file to read first in this folder; the story is Exchange::run() in exchange.cpp.
#pragma once

#include <optional>
#include <string>

#include "proxy/answer.h"
#include "proxy/client_side.h"
#include "proxy/logs/ledger.h"
#include "proxy/loop_state.h"
#include "proxy/request.h"
#include "proxy/rewrite.h"
#include "proxy/status/live_view.h"
#include "proxy/tunnel.h"

namespace headgate::proxy {

class Exchange {
public:
    /// Opens the books: the first octet of the request has come. All arguments outlive the
    /// exchange.
    Exchange(LoopState& state, ClientSide& client, const ConnectionFacts& connection);
    ~Exchange() { state_.loop.withdraw(watch_); }
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    /// Takes over what is needed of a request: afterwards its head may be freed. Call once, or
    /// refuse() instead, before run().
    void prepare(const Request& request, bool keeps_alive);
    /// The client's request cannot be taken: run() answers so.
    void refuse(const RefusedRequest& refused);
    /// There will be no run(): the client left or was too slow inside its head.
    void abandon(const net::Failure& failure);
    /// There was no request after all: nothing enters the books.
    void discard();

    /// Does the exchange: forwards, or answers; then writes the logs. When it ends, everything of
    /// the response has been written to the client, or the client has been cut off.
    loop::Task<void> run();

    /// The process drains: a tunnel is given ProxyTunnelDrainTimeout. Nothing else is hastened.
    void drain();

    const Site& site() const { return *site_; }

private:
    // routing, in prepare()
    std::optional<Answer> route(const Request& request, const BelievedClient& client);
    struct Refusal {
        std::uint16_t status = 0;  // 0: none
        const char* reason = "";
    };
    Refusal misdirection() const;
    bool lacks_tls() const;
    std::string client_text() const;
    void capture(const RequestFacts& facts);
    void write_request(const Request& request, const Match& match, const BelievedClient& client);

    // forwarding
    loop::Task<net::Result<void>> attempts();
    loop::Task<net::Result<void>> forward();
    loop::Task<net::Result<void>> upload();
    net::Result<void> late_end_of(const net::Result<void>& sent);
    loop::Task<net::Result<void>> send_request();
    loop::Task<net::Result<void>> respond();
    void await_head_until(const loop::Deadline& deadline);
    loop::Task<net::Result<void>> pass_interim(const upstream::ReceivedHead& received);
    void begin_response(const upstream::ReceivedHead& received);
    void enter_response(std::uint16_t status, upstream::Framing::Kind framing,
                        std::string_view fields);
    loop::Task<net::Result<void>> switch_protocols(const upstream::ReceivedHead& received);
    loop::Task<void> run_tunnel();

    // the client may leave at any time
    void watch_client();
    void client_left();
    bool may_try_again(const net::Failure& failure) const;
    bool is_unwanted(const net::Failure& failure) const;
    upstream::BorrowOptions borrow_options();
    bool prepare_tls(const Request& request, const Match& match);

    // ending
    loop::Task<void> answer(Answer made);
    Answer make_status(const Request& request) const;
    loop::Task<void> conclude(net::Failure failure);
    void finish();
    void count();
    void report(const net::Failure& failure);
    void note_refusal(std::uint16_t status, const char* reason,
                      net::FailureKind lack = net::FailureKind::stopped);
    Answer refusal(std::uint16_t status, const char* reason);

    net::PipeStock* pipes() const { return *settings_->enable_splice ? &state_.pipes : nullptr; }
    std::chrono::milliseconds upstream_timeout() const;
    std::chrono::milliseconds tunnel_timeout() const;
    loop::Deadline client_deadline() const {
        return loop::Deadline::after(*site_->settings.timeout);
    }
    loop::Deadline upstream_deadline() const { return loop::Deadline::after(upstream_timeout()); }

    LoopState& state_;
    ClientSide& client_;
    const ConnectionFacts& connection_;
    loop::Address address_;  // of the client, as far as it is believed
    const Site* site_;
    std::shared_ptr<const Place> place_;           // null until it is routed
    std::shared_ptr<const RouteSettings> merged_;  // null unless it is forwarded
    const RouteSettings* settings_;                // of the site, the place, or merged
    const Route* route_ = nullptr;                 // of the place
    LiveView view_;
    Ledger ledger_;
    std::optional<upstream::Lease> lease_;
    std::unique_ptr<upstream::TlsOptions> tls_;  // of the upstream; null: it is plain
    std::string head_;     // for the upstream; kept only while it may be sent again
    std::string upgrade_;  // the protocols that the upstream was asked for
    upstream::RequestFacts request_;
    upstream::RequestContent content_ = upstream::RequestContent::none;
    ResponseRewrite rewrite_;
    std::vector<std::string> captured_requests_;  // by log of the site
    std::vector<std::string> captured_responses_;
    std::optional<Answer> own_answer_;  // instead of forwarding
    bool expects_continue_ = false;     // the upstream's 100 is passed on
    bool answers_continue_ = false;     // 100 is said by us
    loop::Deadline head_deadline_;      // of the wait for the response's head; moves
    loop::Branch* response_branch_ = nullptr;
    bool upload_done_ = false;
    bool response_begun_ = false;  // the client has been sent a final head
    bool only_fresh_ = false;      // the next attempt takes no pooled connection
    std::uint8_t interims_ = 0;
    upstream::ToleranceUses tolerated_{};
    // What it means that a wait was cancelled: reset, the client left; drained; else stopped.
    net::FailureKind cancelled_as_ = net::FailureKind::stopped;
    loop::Branch* line_ = nullptr;            // of this exchange: ends when the client has left
    loop::Waiter watch_;                      // for that
    std::unique_ptr<net::Transport> tunnel_;  // the upstream's connection after its 101
    TunnelCounts tunnelled_;
};

}  // namespace headgate::proxy
