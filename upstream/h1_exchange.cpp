// See h1_exchange.h.
#include "upstream/h1_exchange.h"

#include <algorithm>

#include "mpm/loop/park.h"
#include "proxy/http/connection_options.h"

namespace headgate::upstream {

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

constexpr std::size_t first_read = 16 * 1024;
constexpr std::uint32_t most_status_line = 8190;
constexpr std::uint32_t most_fields = 1000;

H1ContentReader::Kind reading(Framing::Kind kind) {
    switch (kind) {
        case Framing::Kind::none:
            return H1ContentReader::Kind::none;
        case Framing::Kind::length:
            return H1ContentReader::Kind::length;
        case Framing::Kind::chunked:
            return H1ContentReader::Kind::chunked;
        case Framing::Kind::until_close:
        case Framing::Kind::tunnel:
            return H1ContentReader::Kind::until_close;
    }
    return H1ContentReader::Kind::none;
}

}  // namespace

H1Exchange::H1Exchange(std::unique_ptr<net::Transport> transport, std::uint32_t field_limit,
                       const Tolerances& tolerances)
    : transport_(std::move(transport)),
      output_(*transport_, Side::upstream),
      reader_(Side::upstream, phase::response_content),
      field_limit_(field_limit),
      tolerances_(tolerances) {}

// ---- request

void H1Exchange::send_head(std::string head, RequestContent content, const RequestFacts& facts) {
    facts_ = &facts;
    output_.hold(std::move(head));
    request_sent_ = content == RequestContent::none;
    writer_.begin(content == RequestContent::none     ? H1ContentWriter::Kind::none
                  : content == RequestContent::length ? H1ContentWriter::Kind::length
                                                      : H1ContentWriter::Kind::chunked);
}

Result<void> H1Exchange::write_content(std::span<const char> octets, bool is_last) {
    if (is_last) request_sent_ = true;
    return writer_.write(output_, octets, is_last);
}

Result<void> H1Exchange::write_pipe(net::PipeLoan pipe, bool is_last) {
    if (is_last) request_sent_ = true;
    return writer_.write(output_, std::move(pipe), is_last);
}

loop::Task<Result<void>> H1Exchange::drain(loop::Phase phase, loop::Deadline deadline) {
    return output_.drain(phase, deadline);
}

// ---- response

loop::Task<Result<ReceivedHead*>> H1Exchange::read_head(const loop::Deadline& deadline) {
    const http::HeadLimits limits{most_status_line, field_limit_, most_fields, most_response_head,
                                  tolerances_.has(Tolerance::space_before_colon)};
    parser_ = std::make_unique<http::HeadParser>(http::HeadParser::Kind::response, limits);
    net::give_back(collected_);
    while (true) {
        const std::span<char> scratch = transport_->loop().scratch().first(first_read);
        const Tried tried = transport_->try_read(scratch);
        if (tried.is_done()) {
            has_answered_ = true;
            const std::string_view got(scratch.data(), tried.bytes);
            if (!collected_.empty()) collected_ += got;
            const Result<bool> parsed = parse(collected_.empty() ? got : collected_);
            if (!parsed) co_return parsed.error();
            if (*parsed) co_return &received_;
            if (collected_.empty()) collected_ = got;
            continue;
        }
        if (tried.state == Tried::State::end) {
            co_return collected_.empty()
                ? failure(FailureKind::closed, "closed without an answer")
                : failure(FailureKind::incomplete, "end of input in the head");
        }
        if (tried.state == Tried::State::error) {
            co_return net::lost(Side::upstream, phase::upstream_wait, *transport_, tried.error);
        }
        const loop::Wake wake =
            co_await wait(*transport_, tried.want(), phase::upstream_wait, deadline);
        if (wake != loop::Wake::ready) {
            co_return net::failed_wait(Side::upstream, phase::upstream_wait, wake);
        }
    }
}

/// Whether the head is complete; then received_ describes it, and what follows it is unread.
Result<bool> H1Exchange::parse(std::string_view text) {
    const auto status = parser_->parse(text);
    if (status == http::HeadParser::Status::need_more) return false;
    if (status == http::HeadParser::Status::error) {
        const http::HeadError error = parser_->error();
        const bool too_large = error.code == http::HeadFault::head_too_large;
        return failure(too_large ? FailureKind::too_large : FailureKind::malformed,
                       http::reason(error.code));
    }
    const std::size_t size = parser_->head_size();
    transport_->unread(text.substr(size));
    received_.head = parser_->take_response();
    received_.text = text.substr(0, size);
    parser_.reset();
    if (received_.head.has_obs_fold) {
        http::unfold({const_cast<char*>(text.data()), size}, received_.head);
    }
    const Result<void> framed = frame(received_.text);
    if (!framed) return framed.error();
    return true;
}

Result<void> H1Exchange::frame(std::string_view text) {
    const http::Version version = received_.head.version;
    if (!tolerances_.is_empty()) forgive(text);
    RequestFacts facts = *facts_;
    facts.request_complete = request_sent_ && output_.is_empty();
    const FramingResult framing = response_framing(received_.head, text, facts);
    received_.head.version = version;
    if (!framing) return failure(FailureKind::malformed, name(framing.error()));
    received_.framing = *framing;
    if (!framing->upstream_reusable) may_reuse_ = false;
    if (!framing->is_interim) {
        reader_.begin(reading(framing->kind), framing->length,
                      tolerances_.has(Tolerance::bare_lf_chunks));
        reader_.note_connection_options(received_.head.fields, text);
    }
    return {};
}

/// Takes from the head what this upstream is forgiven, before framing objects to it.
void H1Exchange::forgive(std::string_view text) {
    http::ResponseHead& head = received_.head;
    const auto uses = [this](Tolerance tolerance, bool applies) {
        if (!applies || !tolerances_.has(tolerance)) return false;
        tolerances_.used(tolerance);
        return true;
    };
    if (head.has_spaced_name) uses(Tolerance::space_before_colon, true);
    if (uses(Tolerance::bare_lf, head.has_bare_lf)) head.has_bare_lf = false;
    const auto coding = head.fields.value(http::FieldName::transfer_encoding, text);
    const bool is_identity = head.fields.count(http::FieldName::transfer_encoding) == 1 &&
                             http::equals_ignore_case(*coding, "identity");
    if (uses(Tolerance::identity_coding, is_identity)) {
        head.fields.remove_if([](const http::Field& field) {
            return field.id == http::FieldName::transfer_encoding;
        });
    }
    // A coding is not to be believed of HTTP/1.0 (RFC 9112 section 6.1): such a one still closes.
    const bool persists = head.version == http::Version::http_1_0 &&
                          !head.fields.has(http::FieldName::transfer_encoding) &&
                          http::has_connection_option(head.fields, "keep-alive", text);
    if (uses(Tolerance::http_1_0_keep_alive, persists)) head.version = http::Version::http_1_1;
}

Result<ContentRun> H1Exchange::try_read_content(std::span<char> scratch) {
    if (!collected_.empty()) net::give_back(collected_);
    Result<ContentRun> run = reader_.try_read(*transport_, scratch);
    if (run && run->is_last && reader_.has_bare_lf()) {
        tolerances_.used(Tolerance::bare_lf_chunks);
        may_reuse_ = false;
    }
    return run;
}

loop::Park H1Exchange::content_ready(loop::Phase phase, const loop::Deadline& deadline) {
    return wait(*transport_, net::Want::read, phase, deadline);
}

bool H1Exchange::may_drop_rest(std::uint64_t most) const {
    const bool is_request_over = request_sent_ && output_.is_empty();
    if (!may_reuse_ || !is_request_over || reader_.is_complete()) return false;
    // Chunks say how much is due as they come; an end that is the connection's leaves none to keep.
    return reader_.kind() == H1ContentReader::Kind::chunked ||
           (reader_.kind() == H1ContentReader::Kind::length && reader_.due() <= most);
}

Result<ContentRun> H1Exchange::try_drop_rest(std::span<char> scratch) {
    const Result<ContentRun> run = reader_.try_read(*transport_, scratch);
    if (run && run->is_last && reader_.has_bare_lf()) may_reuse_ = false;
    return run;
}

bool H1Exchange::is_reusable() const {
    return may_reuse_ && request_sent_ && output_.is_empty() && reader_.is_complete() &&
           !transport_->has_unread();
}

Failure H1Exchange::failure(FailureKind kind, const char* detail, int error) const {
    return {Side::upstream, kind, phase::upstream_wait, 0, error, detail};
}

}  // namespace headgate::upstream
