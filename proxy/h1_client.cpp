// See h1_client.h. The story is serve(): read a head, do the exchange, again. How a head is read is
// in h1_client_head.cpp, what is still read after the last response in h1_client_end.cpp.
#include "proxy/h1_client.h"

#include <ctime>

#include "mpm/loop/park.h"
#include "proxy/http/date.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/reason_phrase.h"

namespace headgate::proxy {

using net::ContentRun;
using net::Failure;
using net::FailureKind;
using net::H1ContentReader;
using net::H1ContentWriter;
using net::Result;
using net::Side;
namespace phase = net::phase;

namespace {

constexpr std::uint32_t exchanges_per_turn = 16;

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

}  // namespace

H1Client::H1Client(LoopState& state, std::unique_ptr<net::Transport> transport,
                   const ConnectionFacts& connection)
    : state_(state),
      transport_(std::move(transport)),
      connection_(connection),
      idle_since_(milliseconds_now()) {}

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
        client->end_turn();
        if (client->persists_ && client->has_had_its_turn()) co_await client->let_others_run();
    }
    if (!client->is_cut_) co_await client->linger();
}

void H1Client::end_turn() {
    turn_.reset();
    idle_since_ = milliseconds_now();
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

/// One that something has come for has its turn in any case, and ends there.
void H1Client::shed() {
    if (head_wait_ != HeadWait::waits) return;
    head_wait_ = HeadWait::shed;
    branch_->interrupt(loop::Wake::cancelled);
}

// ---- content

Result<ContentRun> H1Client::try_read_content(std::span<char> scratch) {
    const std::uint64_t before = turn_->reader.consumed();
    const Result<ContentRun> run = turn_->reader.try_read(*transport_, scratch);
    count_content(turn_->reader.consumed() - before);
    return within_limit(run);
}

Result<ContentRun> H1Client::try_move_content(net::Pipe& pipe, std::size_t most) {
    const Result<ContentRun> run = turn_->reader.try_move(*transport_, pipe, most);
    count_content(pipe.held());
    return within_limit(run);
}

/// All of the message body: who sends sizes of chunks and no content is slow as well.
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
    transport_->withhold_goodbye();
    // Length and chunked framing tell a client that something is missing; FIN alone would not. Old
    // clients take the end of the connection for that of the content, whatever length was
    // announced.
    const bool ends_by_close = turn_->writer.kind() == H1ContentWriter::Kind::until_close;
    if (ends_by_close || turn_->version == http::Version::http_1_0) transport_->reset_on_close();
}

}  // namespace headgate::proxy
