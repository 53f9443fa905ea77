// Exchange: one request and its response, from the request's head to the access log's line. The
// file to read first in this folder; the story is Exchange::run() in exchange.cpp.
#pragma once

#include <optional>
#include <string>

#include "proxy/answer.h"
#include "proxy/client_side.h"
#include "proxy/ledger.h"
#include "proxy/live_view.h"
#include "proxy/loop_state.h"
#include "proxy/request.h"
#include "proxy/rewrite.h"

namespace headgate::proxy {

class Exchange {
public:
    /// Opens the books: the first octet of the request has come. All arguments outlive the
    /// exchange.
    Exchange(LoopState& state, ClientSide& client, const ConnectionFacts& connection);

    /// Takes over what is needed of a request: afterwards its head may be freed. Call once, or
    /// refuse() instead, before run().
    void prepare(const Request& request, bool keeps_alive);
    /// The client's request cannot be taken: run() answers so.
    void refuse(const RefusedRequest& refused);
    /// There will be no run(): the client left or was too slow inside its head.
    void abandon(const net::Failure& failure);

    /// Does the exchange: forwards, or answers; then writes the logs. When it ends, everything of
    /// the response has been written to the client, or the client has been cut off.
    loop::Task<void> run();

    const Site& site() const { return *site_; }

private:
    // routing, in prepare()
    std::optional<Answer> route(const Request& request);
    std::uint16_t misdirection() const;
    void capture(const RequestFacts& facts);
    void write_request(const Request& request, const Match& match);

    // forwarding
    loop::Task<net::Result<void>> attempts();
    loop::Task<net::Result<void>> forward();
    loop::Task<net::Result<void>> upload();
    loop::Task<net::Result<void>> send_request();
    loop::Task<net::Result<void>> respond();
    void await_head_until(const loop::Deadline& deadline);
    loop::Task<net::Result<void>> pass_interim(const upstream::ReceivedHead& received);
    void begin_response(const upstream::ReceivedHead& received);
    bool may_try_again(const net::Failure& failure) const;
    upstream::BorrowOptions borrow_options() const;
    void prepare_tls(const Request& request);

    // ending
    loop::Task<void> answer(Answer made);
    Answer make_status(const Request& request) const;
    loop::Task<void> conclude(net::Failure failure);
    void finish();
    void count();
    void report(const net::Failure& failure);

    std::chrono::milliseconds upstream_timeout() const;
    loop::Deadline client_deadline() const {
        return loop::Deadline::after(*site_->settings.timeout);
    }
    loop::Deadline upstream_deadline() const { return loop::Deadline::after(upstream_timeout()); }

    LoopState& state_;
    ClientSide& client_;
    const ConnectionFacts& connection_;
    const Site* site_;
    const RouteSettings* settings_;
    const Route* route_ = nullptr;
    LiveView view_;
    Ledger ledger_;
    std::optional<upstream::Lease> lease_;
    std::unique_ptr<upstream::TlsOptions> tls_;  // of the upstream; null: it is plain
    std::string head_;  // for the upstream; kept only while it may be sent again
    upstream::RequestFacts request_;
    upstream::RequestContent content_ = upstream::RequestContent::none;
    ResponseRewrite rewrite_;
    std::vector<std::string> captured_requests_;  // by log of the site
    std::vector<std::string> captured_responses_;
    std::optional<Answer> own_answer_;  // instead of forwarding
    bool expects_continue_ = false;
    loop::Deadline head_deadline_;  // of the wait for the response's head; moves
    loop::Branch* response_branch_ = nullptr;
    bool upload_done_ = false;
    bool response_begun_ = false;  // the client has been sent a final head
    bool only_fresh_ = false;      // the next attempt takes no pooled connection
    std::uint8_t interims_ = 0;
};

}  // namespace headgate::proxy
