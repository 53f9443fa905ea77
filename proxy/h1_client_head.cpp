// How a client's connection waits for a request, and reads its head: how long it may take, how
// large it may be, and what becomes of one that is no good. See h1_client.h.
#include "proxy/h1_client.h"

#include <algorithm>
#include <utility>

#include "mpm/loop/park.h"
#include "proxy/http/connection_options.h"
#include "proxy/net/proxy_protocol.h"
#include "proxy/status/sums.h"

namespace headgate::proxy {

using net::Failure;
using net::FailureKind;
using net::H1ContentReader;
using net::Side;
using net::Tried;
namespace phase = net::phase;

namespace {

constexpr std::size_t head_read = 16 * 1024;

H1ContentReader::Kind reading(http::RequestFraming::Kind kind) {
    switch (kind) {
        case http::RequestFraming::Kind::none:
            return H1ContentReader::Kind::none;
        case http::RequestFraming::Kind::length:
            return H1ContentReader::Kind::length;
        case http::RequestFraming::Kind::chunked:
            return H1ContentReader::Kind::chunked;
    }
    return H1ContentReader::Kind::none;
}

}  // namespace

/// Hands a head that is there to a new exchange. It is parsed where it was read, in the loop's
/// scratch, unless it comes in pieces.
H1Client::HeadTry H1Client::try_head() {
    while (true) {
        const std::span<char> scratch = state_.loop.scratch().first(head_read);
        const Tried tried = transport_->try_read(scratch);
        if (tried.would_block()) return {tried.want(), false, HeadEnd::gone};
        if (!tried.is_done()) {
            const auto kind =
                tried.state == Tried::State::end ? FailureKind::incomplete : FailureKind::reset;
            Failure failure{Side::client,        kind,
                            phase::request_head, 0,
                            tried.error,         "the client left inside its request head"};
            if (tried.error == net::broken_tls) failure = broken_tls();
            return {net::Want::read, true, end_without_head(&failure)};
        }
        bool is_done = false;
        const HeadEnd end = take_octets({scratch.data(), tried.bytes}, is_done);
        if (is_done) return {net::Want::read, true, end};
    }
}

/// A client that leaves between two requests is nothing to speak of. One that breaks its TLS is, as
/// it is where it speaks in the clear and sends what is no request: an attack, or a fault.
Failure H1Client::broken_tls() {
    const loop::Phase phase = has_begun_head() ? phase::request_head : phase::keep_alive;
    const Failure failure = net::lost(Side::client, phase, *transport_, net::broken_tls);
    if (has_begun_head()) return failure;  // then its exchange says so
    count_failure(state_.surroundings.scoreboard, failure);
    connection_.candidates->sites.front()->errors->write(
        state_.logs, LogLevel::info, LogId::client_lost, connection_.client.text(),
        describe(failure));
    return failure;
}

loop::Park H1Client::head_ready(net::Want want) {
    is_idle_ = !has_begun_head();
    head_wait_ = HeadWait::waits;
    const loop::Phase waiting = is_idle_ ? phase::keep_alive : phase::request_head;
    return wait(*transport_, want, waiting, head_deadline());
}

H1Client::HeadTry H1Client::end_wait(loop::Wake wake) {
    is_idle_ = false;
    const bool is_shed = std::exchange(head_wait_, HeadWait::none) == HeadWait::shed;
    if (wake == loop::Wake::ready) {
        const HeadTry head = try_head();  // it may all be there
        if (head.is_over || !is_shed) return head;
        wake = loop::Wake::cancelled;
    }
    if (is_shed) head_wait_ = HeadWait::shed;
    if (has_begun_head()) {
        const std::uint16_t status = wake == loop::Wake::deadline ? 408 : 503;
        return {net::Want::read, true, refuse(nullptr, {}, {http::HeadFault::none, status, 0})};
    }
    const Failure failure = net::failed_wait(Side::client, phase::request_head, wake);
    return {net::Want::read, true, end_without_head(&failure)};
}

/// An idle wait goes on when nothing of a request came (an empty line, half a TLS record): its time
/// does not begin anew.
loop::Deadline H1Client::head_deadline() {
    const ServerSettings& server = settings();
    if (has_begun_head()) {
        return turn_->pace.bound(loop::Deadline::after(*server.timeout), state_.loop.now());
    }
    if (state_.is_ending) return loop::Deadline::after(drain_grace);
    const loop::Milliseconds head_limit = server.head_limit->start;
    loop::Milliseconds limit = *server.timeout;
    if (has_served()) {
        limit = *server.keep_alive_timeout;
    } else if (head_limit.count() > 0) {
        limit = std::min(limit, head_limit);
    }
    const loop::Milliseconds idle = idle_for();
    // Nearly always it begins just now, and a time that others have too is cheaper to keep.
    if (idle.count() == 0) return loop::Deadline::after(limit);
    return loop::Deadline::at(state_.loop.now() + limit - idle);
}

std::uint32_t H1Client::milliseconds_now() const {
    const auto now = state_.loop.now().time_since_epoch();
    return static_cast<std::uint32_t>(std::chrono::duration_cast<loop::Milliseconds>(now).count());
}

loop::Milliseconds H1Client::idle_for() const {
    return loop::Milliseconds(milliseconds_now() - idle_since_);
}

/// RequestReadTimeout's header=, as in mod_reqtimeout: that of the first request begins with the
/// connection, that of others with their first octet.
void H1Client::begin_head_pace() {
    const ReadLimit& limit = *settings().head_limit;
    if (has_served()) {
        turn_->pace.begin(limit, state_.loop.now());
    } else {
        turn_->pace.begin_with_wait(limit, state_.loop.now() - idle_for());
    }
}

void H1Client::begin_exchange() {
    turn_ = std::make_unique<Turn>(*this);
    const ServerSettings& limits = settings();
    const auto fields = static_cast<std::uint32_t>(*limits.limit_request_fields);
    turn_->parser = std::make_unique<http::HeadParser>(
        http::HeadParser::Kind::request,
        http::HeadLimits{static_cast<std::uint32_t>(*limits.limit_request_line),
                         static_cast<std::uint32_t>(*limits.limit_request_field_size),
                         fields == 0 ? UINT32_MAX : fields,
                         static_cast<std::uint32_t>(*limits.limit_request_head)});
    connection_.exchanges++;
    turn_->reader.begin(H1ContentReader::Kind::none, 0);
}

H1Client::HeadEnd H1Client::take_octets(std::string_view got, bool& is_done) {
    if (turn_ == nullptr) begin_exchange();
    if (!has_begun_head()) begin_head_pace();
    turn_->received += got.size();
    turn_->pace.add(got.size(), state_.loop.now());
    if (!turn_->collected.empty()) {
        turn_->collected += got;
        got = turn_->collected;
    }
    const http::HeadParser::Status status = turn_->parser->parse(got);
    if (status == http::HeadParser::Status::need_more) {
        if (turn_->collected.empty()) turn_->collected = got;
        return HeadEnd::gone;
    }
    is_done = true;
    const HeadEnd end = status == http::HeadParser::Status::complete
                            ? accept(got)
                            : refuse(nullptr, got, turn_->parser->error());
    turn_->parser.reset();
    net::give_back(turn_->collected);
    return end;
}

/// A complete head: judged, and taken over by the exchange; what follows it goes back.
H1Client::HeadEnd H1Client::accept(std::string_view text) {
    const std::size_t size = turn_->parser->head_size();
    http::RequestHead head = turn_->parser->take_request();
    const std::string_view head_text = text.substr(0, size);
    transport_->unread(text.substr(size));
    turn_->received -= text.size() - size;
    turn_->version = head.version;
    turn_->is_head_request = head.method == http::Method::head;
    turn_->takes_trailers = http::accepts_trailers(head.fields, head_text);

    const auto request = judge_request(head, head_text, *connection_.candidates);
    if (!request) return refuse(&head, head_text, request.error());
    persists_ = may_persist(*request);
    begin_content(*request);
    turn_->exchange->prepare(*request, persists_);
    turn_->reader.judge_trailers(*turn_->exchange->site().settings.underscores);
    return HeadEnd::complete;
}

bool H1Client::may_persist(const Request& request) const {
    const ServerSettings& server = settings();
    const auto most = static_cast<std::uint32_t>(*server.max_keep_alive_requests);
    return *server.keep_alive && (most == 0 || connection_.exchanges < most) &&
           !state_.is_draining &&
           http::client_wants_keep_alive(request.head.version, request.head.fields, request.text);
}

void H1Client::begin_content(const Request& request) {
    const bool expects_continue = request.framing.expects_continue;
    turn_->reader.begin(reading(request.framing.kind), request.framing.length);
    turn_->reader.note_connection_options(request.head.fields, request.text);
    turn_->awaits_continue = expects_continue;
    // Who waits for 100 (Continue) is not slow before its first octet.
    turn_->pace.stop();
    if (!expects_continue) turn_->pace.begin(*settings().content_limit, state_.loop.now());
}

H1Client::HeadEnd H1Client::refuse(const http::RequestHead* head, std::string_view text,
                                   http::HeadError error) {
    persists_ = false;
    const bool is_tls = text.starts_with("\x16\x03");
    const bool is_late = error.code == http::HeadFault::none;
    const bool is_shed = head_wait_ == HeadWait::shed;
    const char* reason = is_late && error.status == 408 ? "the request head took too long"
                         : is_shed ? "memory is short, and the request's head was not complete"
                         : is_late ? "this process does not wait for the rest of the request"
                         : is_tls  ? "TLS on a port that speaks plain HTTP"
                         : net::read_proxy_header(text).has_begun
                             ? "a PROXY header where none is taken"
                             : http::reason(error.code);
    // RFC 9110 section 9.3.2: no response to HEAD has content, whatever else is wrong with it.
    const http::Method method = head != nullptr ? head->method : turn_->parser->method();
    turn_->is_head_request = method == http::Method::head;
    const char* told =
        is_tls ? "<p>This port speaks plain HTTP; the connection began with TLS.</p>\n" : "";
    const FailureKind lack = is_shed ? FailureKind::exhausted : FailureKind::stopped;
    turn_->exchange->refuse({head, text, error.status, reason, method, told, lack});
    return HeadEnd::refused;
}

H1Client::HeadEnd H1Client::end_without_head(const Failure* failure) {
    if (turn_ == nullptr) {
        // Nothing was ever said here whose end it would have to be sure of.
        if (connection_.exchanges == 0) transport_->forgo_goodbye();
        return HeadEnd::gone;
    }
    // Old clients send an empty line behind their content: that is no request that broke off.
    if (turn_->parser->has_begun()) {
        turn_->exchange->abandon(*failure);
    } else {
        turn_->exchange->discard();
    }
    turn_.reset();
    return HeadEnd::gone;
}

}  // namespace headgate::proxy
