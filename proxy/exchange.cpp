// One request told from top to bottom: forwarded to the upstream of its route, or answered; retried
// where that is safe; and entered into the logs. Routing and logging are in exchange_facts.cpp.
#include "proxy/exchange.h"

#include "mpm/loop/join.h"
#include "proxy/http/forwarding.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/reason_phrase.h"
#include "proxy/proxy_header_sending.h"
#include "proxy/relay.h"

namespace headgate::proxy {

using net::Failure;
using net::FailureKind;
using net::Result;
using net::Side;
using upstream::Framing;
using upstream::ReceivedHead;
using upstream::RequestContent;
namespace phase = net::phase;

namespace {

constexpr std::uint16_t status_client_gone = 499;  // never sent: what nginx logs

}  // namespace

loop::Task<void> Exchange::run() {
    if (own_answer_) {
        co_await answer(std::move(*own_answer_));
    } else {
        watch_client();
        Result<void> forwarded = Failure{Side::client, FailureKind::cancelled, phase::request_head};
        if (cancelled_as_ != FailureKind::reset) forwarded = co_await attempts();
        state_.loop.withdraw(watch_);
        if (!forwarded) {
            const Failure failure = net::settled(forwarded.error(), cancelled_as_);
            co_await conclude(failure);
        }
        if (forwarded && tunnel_) co_await run_tunnel();
    }
    finish();
}

/// While the exchange waits for the upstream it reads nothing from the client, and would not learn
/// that nobody waits for the response any more.
void Exchange::watch_client() {
    line_ = state_.loop.branch();
    loop::SourceList* departures = client_.departures();
    if (departures == nullptr) return;
    watch_.context = this;
    watch_.call = [](loop::Waiter& woken) { static_cast<Exchange*>(woken.context)->client_left(); };
    if (client_.has_departed()) return client_left();
    state_.loop.park(watch_, departures, loop::Deadline::never());
}

/// Whatever the exchange waits for ends now, and so does its connection.
void Exchange::client_left() {
    cancelled_as_ = FailureKind::reset;
    line_->cancel();
}

/// Borrow, forward; again on a fresh connection when a reused one turned out to be dead.
loop::Task<Result<void>> Exchange::attempts() {
    while (true) {
        ledger_.attempts++;
        ledger_.upstream = route_->endpoint.key;
        auto lease = co_await state_.upstreams.borrow(route_->endpoint, borrow_options());
        if (!lease) co_return lease.error();
        lease_.emplace(std::move(*lease));
        const Result<void> outcome = co_await forward();
        const bool again = !outcome && may_try_again(outcome.error());
        const bool is_rest_unwanted = !outcome && is_unwanted(outcome.error());
        is_rest_unwanted ? lease_->give_up(state_.upstreams.leftovers()) : lease_->give_back();
        if (!again) co_return outcome;
        only_fresh_ = true;
        site_->errors->write(state_.logs, LogLevel::info, LogId::retried, client_text(),
                             describe(outcome.error()));
    }
}

/// The request up and the response down, side by side when the request has content.
loop::Task<Result<void>> Exchange::forward() {
    const bool keeps_head = lease_->is_reused() && content_ == RequestContent::none;
    std::string head = keeps_head ? head_ : std::move(head_);
    lease_->side().send_head(std::move(head), content_, request_);
    if (content_ == RequestContent::none) {
        const Result<void> sent = co_await send_request();
        if (!sent) co_return sent.error();
        head_deadline_ = upstream_deadline();
        co_return co_await respond();
    }
    if (answers_continue_) {
        const Result<void> told = co_await client_.send_interim(100, {}, client_deadline());
        if (!told) co_return told.error();
    }
    // While the request is on its way its own deadlines count, however long it takes; upload() says
    // when it is over, which may be before respond() begins.
    head_deadline_ = loop::Deadline::never();
    auto up = upload();
    auto down = respond();
    auto sides = loop::both(state_.loop, std::move(up), std::move(down), loop::Until::second_ends);
    const auto ended = co_await std::move(sides);
    const Result<void>& uploaded = ended.first;
    const Result<void>& responded = ended.second;
    const bool upload_decided =
        !uploaded && !responded && responded.error().kind == FailureKind::cancelled;
    co_return upload_decided ? uploaded : responded;
}

/// A request without content: its head alone.
loop::Task<Result<void>> Exchange::send_request() {
    upload_done_ = true;
    const Result<void> sent = lease_->side().write_content({}, true);
    if (!sent || !lease_->side().has_rest()) co_return sent;
    co_return co_await lease_->side().drain(phase::send_request, upstream_deadline());
}

/// The request's content, as it comes. An upstream that stops taking it may still be answering:
/// that is for respond() to find out, so only the client's failures count here.
loop::Task<Result<void>> Exchange::upload() {
    const RelayTerms terms{Side::client,
                           phase::request_content,
                           phase::send_request,
                           client_deadline(),
                           upstream_deadline(),
                           nullptr,
                           pipes()};
    Result<void> sent = co_await relay(state_.loop, client_, lease_->side(), terms);
    if (sent && lease_->side().has_rest()) {
        sent = co_await lease_->side().drain(phase::send_request, upstream_deadline());
    }
    upload_done_ = sent.has_value();
    await_head_until(upstream_deadline());
    if (response_begun_) co_return late_end_of(sent);
    if (!sent && sent.error().side == Side::upstream && sent.error().kind == FailureKind::reset) {
        co_return Result<void>();
    }
    co_return sent;
}

/// How an upload ended decides nothing any more once a response is under way, unless the client is
/// gone. An origin that waits for the rest is told that there is none: it would wait for ever.
Result<void> Exchange::late_end_of(const Result<void>& sent) {
    if (sent || net::party_of(sent.error()) != Side::client) return Result<void>();
    const FailureKind kind = sent.error().kind;
    if (kind == FailureKind::reset) return sent;
    if (kind == FailureKind::incomplete || kind == FailureKind::malformed ||
        kind == FailureKind::too_large) {
        lease_->side().abandon_request();
    }
    return Result<void>();
}

loop::Task<Result<void>> Exchange::respond() {
    ReceivedHead* received = nullptr;
    response_branch_ = state_.loop.branch();
    do {
        auto head = co_await lease_->side().read_head(head_deadline_);
        if (!head) co_return head.error();
        received = *head;
        if (received->framing.is_interim) {
            const Result<void> passed = co_await pass_interim(*received);
            if (!passed) co_return passed.error();
        }
    } while (received->framing.is_interim);

    if (received->framing.kind == Framing::Kind::tunnel) {
        co_return co_await switch_protocols(*received);
    }
    begin_response(*received);
    const RelayTerms terms{Side::upstream,
                           phase::response_content,
                           phase::client_write,
                           upstream_deadline(),
                           client_deadline(),
                           &ledger_.content_sent,
                           pipes()};
    const Result<void> relayed = co_await relay(state_.loop, lease_->side(), client_, terms);
    if (!relayed) co_return relayed.error();
    // Back to the pool before the last octets reach a slow client.
    if (upload_done_) lease_->give_back();
    if (!client_.has_rest()) co_return Result<void>();
    co_return co_await client_.drain(phase::client_write, client_deadline());
}

/// From now on the upstream has until then to answer.
void Exchange::await_head_until(const loop::Deadline& deadline) {
    head_deadline_ = deadline;
    const bool waits = response_branch_ != nullptr && !response_begun_;
    if (waits && response_branch_->parked != nullptr) {
        state_.loop.set_deadline(*response_branch_->parked, deadline);
    }
}

/// RFC 9110 section 15.2: "a proxy MUST forward 1xx responses"; 100 only to who asked for it.
loop::Task<Result<void>> Exchange::pass_interim(const ReceivedHead& received) {
    if (++interims_ > 10) {
        co_return Failure{Side::upstream,
                          FailureKind::malformed,
                          phase::upstream_wait,
                          0,
                          0,
                          "more than 10 interim responses"};
    }
    const std::uint16_t status = received.head.status;
    if (!client_.takes_interim() || (status == 100 && !expects_continue_)) {
        co_return Result<void>();
    }
    const std::string fields = client_fields(received, rewrite_);
    co_return co_await client_.send_interim(status, fields, client_deadline());
}

/// Everything that is wanted of the response's head is taken here, before the next suspension.
void Exchange::begin_response(const ReceivedHead& received) {
    const Framing& framing = received.framing;
    const std::string fields = client_fields(received, rewrite_);
    ResponseStart start;
    start.status = received.head.status;
    start.reason = received.head.reason.of(received.text);
    start.fields = fields;
    start.length = framing.length;
    if (framing.kind == Framing::Kind::length) start.content = ResponseStart::Content::length;
    if (framing.kind == Framing::Kind::chunked || framing.kind == Framing::Kind::until_close) {
        start.content = ResponseStart::Content::open;
    }
    if (framing.kind == Framing::Kind::none) {
        start.has_content = false;
        const auto announced =
            received.head.fields.value(http::FieldName::content_length, received.text);
        if (announced && !framing.drop_content_length) {
            start.content = ResponseStart::Content::length;
            start.length = std::strtoull(std::string(*announced).c_str(), nullptr, 10);
        }
    }
    enter_response(start.status, framing.kind, fields);
    client_.send_head(start);
}

/// Into the books: from here on the client has a head, so no other response can take its place.
void Exchange::enter_response(std::uint16_t status, Framing::Kind framing,
                              std::string_view fields) {
    ledger_.framing = name(framing);
    view_.show_framing(ledger_.framing);
    ledger_.status = status;
    for (std::size_t i = 0; i < site_->logs.size(); i++) {
        if (!site_->logs[i].format.wants_response()) continue;
        site_->logs[i].format.capture_response(fields, captured_responses_[i]);
    }
    response_begun_ = true;
    net::give_back(head_);
}

/// RFC 9110 section 15.2.2: the upstream has switched to a protocol that was asked for. The client
/// is told, and what was an exchange ends in a tunnel.
loop::Task<Result<void>> Exchange::switch_protocols(const ReceivedHead& received) {
    std::string fields = client_fields(received, rewrite_);
    http::HeadWriter writer(fields);
    writer.field(http::FieldName::connection, "Upgrade");
    writer.field(
        http::FieldName::upgrade,
        http::appended_value(received.head.fields, http::FieldName::upgrade, {}, received.text));
    enter_response(received.head.status, Framing::Kind::tunnel, fields);
    tunnel_ = lease_->take_transport();
    co_return co_await client_.send_interim(101, fields, client_deadline());
}

/// Tunnels have no end of their own, and an old process would live as long as its last one.
void Exchange::drain() {
    const loop::Milliseconds limit = *settings_->tunnel_drain_timeout;
    if (!tunnel_ || limit.count() == 0 || watch_.deadline_hook.is_linked()) return;
    watch_.call = [](loop::Waiter& woken) {
        Exchange& self = *static_cast<Exchange*>(woken.context);
        self.cancelled_as_ = FailureKind::drained;
        self.line_->cancel();
    };
    watch_.context = this;
    watch_.phase = phase::tunnel;
    state_.loop.withdraw(watch_);
    state_.loop.park(watch_, nullptr, loop::Deadline::after(limit));
}

loop::Task<void> Exchange::run_tunnel() {
    lease_.reset();
    rewrite_ = ResponseRewrite();
    if (state_.is_draining) drain();
    net::Transport& client = client_.switch_protocols();
    const TunnelTerms terms{tunnel_timeout(), pipes()};
    const Result<void> ended = co_await tunnel(client, *tunnel_, terms, tunnelled_);
    ledger_.content_sent = tunnelled_.to_client;
    tunnel_.reset();
    if (ended) co_return;
    ledger_.failed = true;
    ledger_.failure = net::settled(ended.error(), cancelled_as_);
    report(ledger_.failure);
}

/// RFC 9110 section 9.2.2 and RFC 9112 section 9.3.1: only what is idempotent, went out on a reused
/// connection, and brought no octet of an answer.
bool Exchange::may_try_again(const Failure& failure) const {
    const bool connection_died =
        failure.side == Side::upstream &&
        (failure.kind == FailureKind::closed || failure.kind == FailureKind::reset);
    return connection_died && lease_->is_reused() && !lease_->side().has_answered() &&
           content_ == RequestContent::none && http::is_idempotent(request_.method) &&
           !response_begun_;
}

/// The client has left, or takes nothing: nobody reads what the upstream still sends.
bool Exchange::is_unwanted(const Failure& failure) const {
    const Failure named = net::settled(failure, cancelled_as_);
    return net::party_of(named) == Side::client &&
           (named.kind == FailureKind::reset || named.phase == phase::client_write);
}

upstream::BorrowOptions Exchange::borrow_options() {
    const PassParameters& parameters = route_->rule.parameters;
    upstream::BorrowOptions options;
    const auto& connect = parameters.connection_timeout;
    options.connect.timeout = connect.is_written() ? *connect : upstream_timeout();
    options.connect.tcp_keep_alive = *parameters.tcp_keep_alive;
    options.tolerances = *settings_->proxy_accept;
    options.tolerances.count_in(tolerated_);
    options.may_reuse = *parameters.reuse && !only_fresh_;
    options.must_be_sure =
        content_ != RequestContent::none || !http::is_idempotent(request_.method);
    options.tls = tls_.get();
    options.greeting =
        proxy_header(*parameters.proxy_header, {address_, connection_.reached, connection_.tls});
    options.owner = &connection_;
    options.field_limit = static_cast<std::uint32_t>(*parameters.field_limit);
    options.idle_limit = !*parameters.reuse                     ? loop::Milliseconds(0)
                         : parameters.time_to_live.is_written() ? *parameters.time_to_live
                                                                : loop::Milliseconds(60'000);
    return options;
}

std::chrono::milliseconds Exchange::upstream_timeout() const {
    const auto& own = route_->rule.parameters.timeout;
    return own.is_written() ? *own : site_->proxy_timeout(*settings_);
}

std::chrono::milliseconds Exchange::tunnel_timeout() const {
    const auto& own = settings_->tunnel_timeout;
    return own.is_written() ? *own : upstream_timeout();
}

/// The exchange failed. Nothing sent yet: an answer says so. Else the response is cut so that it
/// cannot be taken for whole (RFC 9112 section 8).
loop::Task<void> Exchange::conclude(Failure failure) {
    ledger_.failed = true;
    ledger_.failure = failure;
    const bool nothing_sent = !response_begun_ || client_.withdraw_head();
    response_begun_ = !nothing_sent;
    report(failure);
    const bool by_client = net::party_of(failure) == Side::client;
    const bool client_is_gone = is_unwanted(failure);
    if (client_is_gone && nothing_sent) ledger_.status = status_client_gone;
    if (!nothing_sent || client_is_gone) {
        client_.cut();
        co_return;
    }
    if (by_client || failure.side == Side::admin) client_.end_after_response();
    co_await answer(make_answer(net::status_of(failure), *settings_));
}

loop::Task<void> Exchange::answer(Answer made) {
    client_.try_skip_content();
    ResponseStart start;
    start.status = made.status;
    start.reason = http::reason_phrase(made.status);
    start.fields = made.fields;
    start.content = ResponseStart::Content::length;
    start.length = made.content.size();
    response_begun_ = true;
    ledger_.status = made.status;
    ledger_.framing = "length";
    client_.send_head(start);
    Result<void> sent = client_.write_content(made.content, true);
    if (request_.method != http::Method::head) ledger_.content_sent += made.content.size();
    if (sent && client_.has_rest()) {
        sent = co_await client_.drain(phase::client_write, client_deadline());
    }
    if (sent) co_return;
    client_.cut();
    if (std::exchange(ledger_.failed, true)) co_return;
    ledger_.failure = net::settled(sent.error(), cancelled_as_);
    report(ledger_.failure);
}

}  // namespace headgate::proxy
