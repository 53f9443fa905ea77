// See h1_content.h.
#include "proxy/net/h1_content.h"

#include <algorithm>

#include "proxy/http/head_writer.h"

namespace headgate::net {
namespace {

constexpr std::string_view last_chunk_behind = "\r\n0\r\n\r\n";

}  // namespace

void H1ContentReader::begin(Kind kind, std::uint64_t length, bool forgives_bare_lf) {
    kind_ = kind;
    left_ = length;
    delivered_ = 0;
    consumed_ = 0;
    cannot_move_ = false;
    underscores_ = http::Underscores::keep;
    complete_ = kind == Kind::none || (kind == Kind::length && length == 0);
    decoder_.reset();
    options_.reset();
    if (kind == Kind::chunked) {
        using Sender = http::ChunkedDecoder::Sender;
        decoder_ =
            std::make_unique<http::ChunkedDecoder>(side_ == Side::client ? Sender::client
                                                   : forgives_bare_lf    ? Sender::forgiven_upstream
                                                                         : Sender::upstream);
    }
}

Result<ContentRun> H1ContentReader::try_read(Transport& transport, std::span<char> scratch) {
    if (complete_) return ContentRun{{}, true, false};
    const Tried tried = transport.try_read(scratch);
    if (const auto none = nothing(transport, tried)) return *none;
    const std::span<char> got = scratch.first(tried.bytes);
    if (kind_ == Kind::length) return take_length(transport, got);
    if (kind_ == Kind::chunked) return take_chunked(transport, got);
    count(got.size());
    return ContentRun{got, false, false};
}

std::uint64_t H1ContentReader::movable(const Transport& transport) const {
    if (complete_ || cannot_move_ || transport.has_unread() || !transport.may_splice()) return 0;
    if (kind_ == Kind::length) return left_;
    return kind_ == Kind::until_close ? UINT64_MAX : 0;
}

Result<ContentRun> H1ContentReader::try_move(Transport& transport, Pipe& pipe, std::size_t most) {
    const Tried tried = transport.try_splice_in(pipe, most);
    if (tried.state == Tried::State::error && cannot_splice(tried.error)) {
        cannot_move_ = true;
        return ContentRun{};
    }
    if (const auto none = nothing(transport, tried)) return *none;
    count(tried.bytes);
    return ContentRun{{}, complete_, false};
}

/// What it means that no octets came.
std::optional<Result<ContentRun>> H1ContentReader::nothing(const Transport& transport,
                                                           const Tried& tried) {
    if (tried.is_done()) return std::nullopt;
    if (tried.would_block()) return ContentRun{{}, false, true};
    if (tried.state == Tried::State::end) return ended();
    return lost(side_, phase_, transport, tried.error);
}

void H1ContentReader::count(std::size_t octets) {
    delivered_ += octets;
    consumed_ += octets;
    if (kind_ != Kind::length) return;
    left_ -= octets;
    complete_ = left_ == 0;
}

Result<ContentRun> H1ContentReader::take_length(Transport& transport, std::span<char> got) {
    const std::size_t ours = std::min<std::uint64_t>(got.size(), left_);
    count(ours);
    transport.unread({got.data() + ours, got.size() - ours});
    return ContentRun{got.first(ours), complete_, false};
}

Result<ContentRun> H1ContentReader::take_chunked(Transport& transport, std::span<char> got) {
    using State = http::ChunkedDecoder::State;
    const http::ChunkedDecoder::Decoded decoded = decoder_->decode(got);
    consumed_ += decoded.consumed;
    if (decoded.state == State::error) {
        return Failure{side_, FailureKind::malformed,         phase_, 0,
                       0,     http::reason(decoder_->fault())};
    }
    if (decoded.state == State::complete && has_refused_trailer()) {
        return Failure{side_,  FailureKind::malformed,
                       phase_, 0,
                       0,      http::reason(http::HeadFault::name_with_underscore)};
    }
    complete_ = decoded.state == State::complete;
    delivered_ += decoded.content;
    transport.unread({got.data() + decoded.consumed, got.size() - decoded.consumed});
    return ContentRun{got.first(decoded.content), complete_, false};
}

bool H1ContentReader::has_refused_trailer() const {
    if (underscores_ != http::Underscores::refuse) return false;
    const http::ChunkedDecoder::Trailers trailers = decoder_->trailers();
    return std::any_of(
        trailers.fields.begin(), trailers.fields.end(),
        [&](const http::Field& field) { return http::has_underscore(field, trailers.text); });
}

Result<ContentRun> H1ContentReader::ended() {
    if (kind_ == Kind::until_close) {
        complete_ = true;
        return ContentRun{{}, true, false};
    }
    const char* detail = kind_ == Kind::length ? "end of input before Content-Length octets came"
                                               : "end of input inside a chunked message";
    return Failure{side_, FailureKind::incomplete, phase_, 0, 0, detail};
}

void H1ContentReader::note_connection_options(const http::Fields& fields, std::string_view text) {
    if (kind_ != Kind::chunked || !fields.has(http::FieldName::connection)) return;
    options_ = std::make_unique<std::string>();
    for (const http::Field& field : fields) {
        if (field.id != http::FieldName::connection) continue;
        *options_ += http::value(field, text);
        *options_ += ',';
    }
}

bool H1ContentReader::is_connection_option(std::string_view name) const {
    if (!options_) return false;
    http::ListElements elements(*options_);
    while (const auto option = elements.next()) {
        if (http::equals_ignore_case(*option, name)) return true;
    }
    return false;
}

std::string H1ContentReader::trailers() const {
    std::string lines;
    if (!decoder_) return lines;
    const http::ChunkedDecoder::Trailers trailers = decoder_->trailers();
    http::HeadWriter writer(lines);
    for (const http::Field& field : trailers.fields) {
        const std::string_view name = http::name(field, trailers.text);
        const bool is_dropped =
            underscores_ == http::Underscores::drop && http::has_underscore(field, trailers.text);
        if (!is_dropped && !is_connection_option(name))
            writer.field(name, http::value(field, trailers.text));
    }
    return lines;
}

void H1ContentWriter::set_trailers(const std::string& lines) {
    if (kind_ != Kind::chunked || lines.empty()) return;
    end_ = std::make_unique<std::string>(http::last_chunk_before_trailers);
    *end_ += lines + "\r\n";
}

Result<void> H1ContentWriter::write(Output& output, std::span<const char> octets, bool is_last) {
    const std::string_view data(octets.data(), octets.size());
    if (kind_ == Kind::none) return output.flush();
    if (kind_ != Kind::chunked) return output.push({data});
    const std::string_view whole_end = end_ ? std::string_view(*end_) : http::last_chunk;
    const std::string_view end = is_last ? whole_end : std::string_view();
    if (data.empty()) return output.push({end});
    char size[http::chunk_head_room];
    const std::string_view head(size, http::chunk_head(data.size(), size) - size);
    return output.push({head, data, http::chunk_end, end});
}

Result<void> H1ContentWriter::write(Output& output, PipeLoan pipe, bool is_last) {
    if (kind_ != Kind::chunked) return output.push({}, std::move(pipe), "");
    char size[http::chunk_head_room];
    const std::string_view head(size, http::chunk_head(pipe->held(), size) - size);
    return output.push(head, std::move(pipe), is_last ? last_chunk_behind : http::chunk_end);
}

}  // namespace headgate::net
