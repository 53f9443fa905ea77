// See h1_client.h. The story is serve(): read a head, do the exchange, again. What is still read
// after the last response is in h1_client_end.cpp.
#include "proxy/h1_client.h"

#include <algorithm>
#include <ctime>

#include "mpm/loop/park.h"
#include "proxy/http/connection_options.h"
#include "proxy/http/date.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/reason_phrase.h"
#include "proxy/net/proxy_protocol.h"

namespace headgate::proxy {

using net::ContentRun;
using net::Failure;
using net::FailureKind;
using net::H1ContentReader;
using net::H1ContentWriter;
using net::Result;
using net::Side;
using net::Tried;
namespace phase = net::phase;

namespace {

constexpr std::uint32_t exchanges_per_turn = 16;
constexpr std::size_t head_read = 16 * 1024;
constexpr loop::Milliseconds drain_grace{1000};  // for a request that is already on its way

/// The value of a Date field, made once a second on each thread.
std::string_view date_now() {
    thread_local std::time_t made_at = 0;
    thread_local std::array<char, http::imf_fixdate_size> date;
    const std::time_t now = std::time(nullptr);
    if (now != made_at) {
        date = http::imf_fixdate(now);
        made_at = now;
    }
    return http::view(date);
}

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

H1Client::H1Client(LoopState& state, std::unique_ptr<net::Transport> transport,
                   const ConnectionFacts& connection)
    : state_(state), transport_(std::move(transport)), connection_(connection) {}

H1Client::Turn::Turn(H1Client& client)
    : output(*client.transport_, Side::client), reader(Side::client, phase::request_content) {
    exchange.emplace(client.state_, client, client.connection_);
}

H1Client::~H1Client() {
    state_.upstreams.forget(&connection_);
}

const ServerSettings& H1Client::settings() const {
    return connection_.candidates->sites.front()->settings;
}

/// Its frame is kept by every idle connection: all that needs no wait is in functions of their own.
loop::Task<void> H1Client::serve(std::unique_ptr<H1Client> client) {
    client->branch_ = client->state_.loop.branch();
    while (client->persists_) {
        HeadTry head = client->try_head();
        while (!head.is_over) {
            const loop::Wake wake = co_await client->head_ready(head.want);
            head = client->end_wait(wake);
        }
        if (head.end == HeadEnd::gone) co_return;
        co_await client->turn_->exchange->run();
        client->turn_->exchange.reset();
        if (client->persists_ && !client->has_all_content()) co_await client->drain_content();
        client->turn_.reset();
        if (client->persists_ && client->has_had_its_turn()) co_await client->let_others_run();
    }
    if (!client->is_cut_) co_await client->linger();
}

/// Answers of our own, to requests that are all there, never wait: who sends many of them would
/// have the thread for itself.
bool H1Client::has_had_its_turn() const {
    const bool has_more = transport_->has_unread() || transport_->is_ready(net::Want::read);
    return has_more && connection_.exchanges % exchanges_per_turn == 0;
}

loop::Task<void> H1Client::let_others_run() {
    const loop::Wake wake = co_await loop::yield(state_.loop, phase::turn);
    if (wake == loop::Wake::cancelled) persists_ = false;
}

void H1Client::drain() {
    if (turn_ && turn_->exchange) turn_->exchange->drain();
    persists_ = persists_ && is_idle_;
    if (state_.is_ending && is_idle_ && branch_ != nullptr && branch_->parked != nullptr) {
        state_.loop.set_deadline(*branch_->parked, loop::Deadline::after(drain_grace));
    }
}

// ---- the request's head

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
            const Failure failure{Side::client,        kind,
                                  phase::request_head, 0,
                                  tried.error,         "the client left inside its request head"};
            return {net::Want::read, true, end_without_head(&failure)};
        }
        bool is_done = false;
        const HeadEnd end = take_octets({scratch.data(), tried.bytes}, is_done);
        if (is_done) return {net::Want::read, true, end};
    }
}

loop::Park H1Client::head_ready(net::Want want) {
    is_idle_ = !has_begun_head();
    const loop::Phase waiting = is_idle_ ? phase::keep_alive : phase::request_head;
    return wait(*transport_, want, waiting, head_deadline());
}

H1Client::HeadTry H1Client::end_wait(loop::Wake wake) {
    is_idle_ = false;
    if (wake == loop::Wake::ready) return try_head();
    if (has_begun_head()) {
        const std::uint16_t status = wake == loop::Wake::deadline ? 408 : 503;
        return {net::Want::read, true, refuse(nullptr, {}, {http::HeadFault::none, status, 0})};
    }
    const Failure failure = net::failed_wait(Side::client, phase::request_head, wake);
    return {net::Want::read, true, end_without_head(&failure)};
}

loop::Deadline H1Client::head_deadline() {
    const ServerSettings& server = settings();
    if (has_begun_head()) {
        return turn_->pace.bound(loop::Deadline::after(*server.timeout), state_.loop.now());
    }
    if (state_.is_ending) return loop::Deadline::after(drain_grace);
    if (connection_.exchanges > 0) return loop::Deadline::after(*server.keep_alive_timeout);
    const loop::Milliseconds limit = server.head_limit->start;
    return loop::Deadline::after(limit.count() > 0 ? std::min(limit, *server.timeout)
                                                   : *server.timeout);
}

void H1Client::begin_exchange() {
    turn_ = std::make_unique<Turn>(*this);
    const ServerSettings& limits = settings();
    const auto fields = static_cast<std::uint32_t>(*limits.limit_request_fields);
    turn_->parser = std::make_unique<http::HeadParser>(
        http::HeadParser::Kind::request,
        http::HeadLimits{static_cast<std::uint32_t>(*limits.limit_request_line),
                         static_cast<std::uint32_t>(*limits.limit_request_field_size),
                         fields == 0 ? UINT32_MAX : fields, 64 * 1024});
    connection_.exchanges++;
    turn_->reader.begin(H1ContentReader::Kind::none, 0);
}

H1Client::HeadEnd H1Client::take_octets(std::string_view got, bool& is_done) {
    if (turn_ == nullptr) begin_exchange();
    if (!has_begun_head()) turn_->pace.begin(*settings().head_limit, state_.loop.now());
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
    const char* reason = is_late && error.status == 408 ? "the request head took too long"
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
    turn_->exchange->refuse({head, text, error.status, reason, method, told});
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

// ---- content

Result<ContentRun> H1Client::try_read_content(std::span<char> scratch) {
    Result<ContentRun> run = turn_->reader.try_read(*transport_, scratch);
    if (run) count_content(run->octets.size());
    return within_limit(run);
}

Result<ContentRun> H1Client::try_move_content(net::Pipe& pipe, std::size_t most) {
    const Result<ContentRun> run = turn_->reader.try_move(*transport_, pipe, most);
    count_content(pipe.held());
    return within_limit(run);
}

void H1Client::count_content(std::size_t octets) {
    if (octets == 0) return;
    turn_->received += octets;
    begin_content_pace();
    turn_->pace.add(octets, state_.loop.now());
}

void H1Client::begin_content_pace() {
    if (!turn_->pace.has_begun()) turn_->pace.begin(*settings().content_limit, state_.loop.now());
}

/// Heads have been judged when trailers come: what only a trusted proxy may say has no place in
/// them.
std::string H1Client::trailers() const {
    return without_claims(turn_->reader.trailers(), turn_->exchange->site().trust);
}

Result<ContentRun> H1Client::within_limit(Result<ContentRun> run) const {
    if (turn_->content_limit != 0 && turn_->reader.delivered() > turn_->content_limit) {
        return Failure{Side::client,
                       FailureKind::too_large,
                       phase::request_content,
                       413,
                       0,
                       "content above LimitRequestBody"};
    }
    return run;
}

loop::Park H1Client::content_ready(loop::Phase phase, const loop::Deadline& deadline) {
    const loop::Deadline bound = turn_->pace.bound(deadline, state_.loop.now());
    return wait(*transport_, net::Want::read, phase, bound);
}

Result<void> H1Client::write_content(std::span<const char> octets, bool is_last) {
    return turn_->writer.write(turn_->output, octets, is_last);
}

Result<void> H1Client::write_pipe(net::PipeLoan pipe, bool is_last) {
    return turn_->writer.write(turn_->output, std::move(pipe), is_last);
}

loop::Task<Result<void>> H1Client::drain(loop::Phase phase, loop::Deadline deadline) {
    return turn_->output.drain(phase, deadline);
}

// ---- responses

void H1Client::send_head(const ResponseStart& start) {
    const bool is_open = start.content == ResponseStart::Content::open;
    const bool sends_chunked = is_open && turn_->version == http::Version::http_1_1;
    const bool ends_by_close = is_open && !sends_chunked;
    if (ends_by_close || (!has_all_content() && !may_drain_content())) persists_ = false;
    persists_ = persists_ && !state_.is_draining;

    std::string head;
    head.reserve(start.fields.size() + 160);
    http::HeadWriter writer(head);
    writer.status_line(start.status, start.reason);
    head += start.fields;
    if (!http::has_field_line(start.fields, "Date"))
        writer.field(http::FieldName::date, date_now());
    if (start.content == ResponseStart::Content::length) writer.content_length(start.length);
    if (sends_chunked) writer.field(http::FieldName::transfer_encoding, "chunked");
    if (!persists_) {
        writer.field(http::FieldName::connection, "close");
    } else if (turn_->version == http::Version::http_1_0) {
        writer.field(http::FieldName::connection, "keep-alive");
    }
    writer.end();
    turn_->written_at_head = turn_->output.written();
    turn_->output.hold(std::move(head));

    const bool sends_none = turn_->is_head_request || !start.has_content;
    turn_->writer.begin(sends_none ? H1ContentWriter::Kind::none
                        : start.content == ResponseStart::Content::length
                            ? H1ContentWriter::Kind::length
                        : sends_chunked ? H1ContentWriter::Kind::chunked
                                        : H1ContentWriter::Kind::until_close);
}

bool H1Client::withdraw_head() {
    if (turn_->output.written() != turn_->written_at_head || transport_->is_committed())
        return false;
    turn_->output.discard();
    return true;
}

loop::Task<Result<void>> H1Client::send_interim(std::uint16_t status, std::string_view fields,
                                                loop::Deadline deadline) {
    if (status == 100) {
        turn_->awaits_continue = false;
        begin_content_pace();
    }
    std::string head;
    http::HeadWriter writer(head);
    writer.status_line(status, http::reason_phrase(status));
    head += fields;
    writer.end();
    turn_->output.hold(std::move(head));
    return turn_->output.drain(phase::client_write, deadline);
}

net::Transport& H1Client::switch_protocols() {
    persists_ = false;
    is_cut_ = true;  // the tunnel ends both directions itself
    return *transport_;
}

void H1Client::cut() {
    persists_ = false;
    is_cut_ = true;
    // Length and chunked framing tell a client that something is missing; FIN alone would not.
    if (turn_->writer.kind() == H1ContentWriter::Kind::until_close) transport_->reset_on_close();
}

}  // namespace headgate::proxy
