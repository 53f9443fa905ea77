// The chunked decoder: one step per octet of a chunk line, one move per run of chunk data.
#include "proxy/http/chunked.h"

#include "proxy/http/head_parser.h"
#include "proxy/http/octets.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

namespace headgate::http {

namespace {

constexpr std::uint64_t largest_size = (std::uint64_t{1} << 63) - 1;
constexpr std::uint16_t longest_line = 1024;
constexpr std::uint32_t most_extensions = 16 * 1024;
constexpr std::uint8_t most_spaces = 10;

constexpr HeadLimits trailer_limits{.line = 8192, .field_size = 8192, .fields = 100, .total = 8192};

// In the order of the enumeration.
constexpr std::array<const char*, 11> reasons = {
    "no fault",
    "bad chunk-size",
    "chunk-size above 2^63 - 1",
    "neither extension nor CR LF after chunk-size",
    "control octet in chunk extension",
    "chunk line above 1 KiB",
    "chunk extensions above 16 KiB",
    "no CR LF after chunk data",
    "LF without CR in a chunk line",
    "malformed trailer section",
    "trailer section above 8 KiB or 100 fields",
};
static_assert(reasons.size() == static_cast<std::size_t>(ChunkFault::trailer_too_long) + 1);

const Fields no_fields;

}  // namespace

// The text of the section as received, and its parser while it arrives.
struct ChunkedDecoder::TrailerSection {
    std::string text;
    HeadParser parser{HeadParser::Kind::trailers, trailer_limits};
    Fields fields;
};

const char* reason(ChunkFault fault) {
    return reasons[static_cast<std::size_t>(fault)];
}

ChunkedDecoder::ChunkedDecoder(Sender sender) : sender_(sender) {}
ChunkedDecoder::~ChunkedDecoder() = default;
ChunkedDecoder::ChunkedDecoder(ChunkedDecoder&&) noexcept = default;
ChunkedDecoder& ChunkedDecoder::operator=(ChunkedDecoder&&) noexcept = default;

ChunkedDecoder::Decoded ChunkedDecoder::decode(std::span<char> raw) {
    Decoded result;
    std::size_t at = 0;
    while (at < raw.size() && state_ < Reading::done) {
        if (state_ == Reading::data) {
            const std::size_t run = std::min<std::uint64_t>(left_, raw.size() - at);
            if (at != result.content) {
                std::memmove(raw.data() + result.content, raw.data() + at, run);
            }
            result.content += run;
            at += run;
            left_ -= run;
            state_ = left_ == 0 ? Reading::data_cr : Reading::data;
        } else if (state_ == Reading::trailer_field) {
            at += read_trailer(raw.subspan(at));
        } else if (read_line_octet(raw[at])) {
            ++at;
        }
    }
    result.consumed = at;
    result.state = state_ == Reading::done     ? State::complete
                   : state_ == Reading::failed ? State::error
                                               : State::need_more;
    return result;
}

// 7.1: "chunked-body = *chunk last-chunk trailer-section CRLF",
// "chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF". True when the octet is used up.
bool ChunkedDecoder::read_line_octet(char octet) {
    switch (state_) {
        case Reading::size_start:
        case Reading::size:
            return read_size(octet);
        case Reading::space_after_size:
            return read_after_size(octet);
        case Reading::extension:
            return read_extension(octet);
        case Reading::size_lf:
            return octet == '\n' ? end_size_line() : fail(ChunkFault::extension);
        case Reading::data_cr:
            state_ = Reading::data_lf;
            if (octet == '\n' && forgives_bare_lf()) {
                state_ = Reading::size_start;
                return true;
            }
            return octet == '\r' ||
                   fail(octet == '\n' ? ChunkFault::bare_lf : ChunkFault::after_data);
        case Reading::data_lf:
            state_ = Reading::size_start;
            return octet == '\n' || fail(ChunkFault::after_data);
        case Reading::trailer_start:
            if (octet == '\n') {
                if (!forgives_bare_lf()) return fail(ChunkFault::bare_lf);
                state_ = Reading::done;
                return true;
            }
            state_ = octet == '\r' ? Reading::final_lf : Reading::trailer_field;
            return octet == '\r';
        case Reading::final_lf:
            state_ = Reading::done;
            return octet == '\n' || fail(ChunkFault::trailer);
        case Reading::data:
        case Reading::trailer_field:
        case Reading::done:
        case Reading::failed:
            return false;
    }
    return false;
}

// 7.1: "chunk-size = 1*HEXDIG". "A recipient MUST anticipate potentially large hexadecimal
// numerals and prevent parsing errors due to integer conversion overflows".
bool ChunkedDecoder::read_size(char octet) {
    const int digit = hex_value(octet);
    if (digit < 0) {
        return state_ == Reading::size_start ? fail(ChunkFault::size) : read_after_size(octet);
    }
    if (state_ == Reading::size_start) {
        state_ = Reading::size;
        left_ = 0;
        line_ = 0;
        spaces_ = 0;
    }
    if (left_ > largest_size >> 4) {
        return fail(ChunkFault::size_overflow);
    }
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    return ++line_ <= longest_line || fail(ChunkFault::line_too_long);
}

// 7.1.1: "chunk-ext = *( BWS ";" BWS chunk-ext-name [...] )". The white space is no part of what a
// sender may generate, and is a way to smuggle; origins exist that pad the size with it.
bool ChunkedDecoder::read_after_size(char octet) {
    if (octet == '\r') {
        state_ = Reading::size_lf;
        return true;
    }
    if (octet == ';') {
        state_ = Reading::extension;
        return read_extension(octet);
    }
    if (octet == '\n') {
        return forgives_bare_lf() ? end_size_line() : fail(ChunkFault::bare_lf);
    }
    if (!is_white_space(octet) || sender_ == Sender::client || ++spaces_ > most_spaces) {
        return fail(ChunkFault::after_size);
    }
    state_ = Reading::space_after_size;
    return ++line_ <= longest_line || fail(ChunkFault::line_too_long);
}

// 7.1.1: "A recipient MUST ignore unrecognized chunk extensions. A server ought to limit the total
// length of chunk extensions received in a request".
bool ChunkedDecoder::read_extension(char octet) {
    const auto value = static_cast<unsigned char>(octet);
    if (octet == '\r') {
        state_ = Reading::size_lf;
        return true;
    }
    if (octet == '\n') {
        return forgives_bare_lf() ? end_size_line() : fail(ChunkFault::bare_lf);
    }
    if ((value < 0x20 && octet != '\t') || value == 0x7f) {
        return fail(ChunkFault::extension);
    }
    if (++line_ > longest_line) {
        return fail(ChunkFault::line_too_long);
    }
    return ++extensions_ <= most_extensions || fail(ChunkFault::extensions_total);
}

// 7.1: "last-chunk = 1*("0") [ chunk-ext ] CRLF".
bool ChunkedDecoder::end_size_line() {
    state_ = left_ == 0 ? Reading::trailer_start : Reading::data;
    return true;
}

// 7.1.2: "trailer-section = *( field-line CRLF )". Returns the octets used up.
std::size_t ChunkedDecoder::read_trailer(std::span<const char> raw) {
    if (!trailer_) {
        trailer_ = std::make_unique<TrailerSection>();
    }
    std::string& text = trailer_->text;
    const std::size_t before = text.size();
    const std::size_t taken = std::min(raw.size(), trailer_limits.total - before);
    text.append(raw.data(), taken);
    switch (trailer_->parser.parse(text)) {
        case HeadParser::Status::need_more:
            return taken;
        case HeadParser::Status::error:
            fail(trailer_->parser.error().code == HeadFault::head_too_large
                     ? ChunkFault::trailer_too_long
                     : ChunkFault::trailer);
            return trailer_->parser.error().offset - before;
        case HeadParser::Status::complete:
            break;
    }
    text.resize(trailer_->parser.head_size());
    trailer_->fields = trailer_->parser.take_trailers();
    trailer_->fields.remove_if(
        [](const Field& field) { return !is_allowed_in_trailers(field.id); });
    state_ = Reading::done;
    return text.size() - before;
}

bool ChunkedDecoder::forgives_bare_lf() {
    const bool is_forgiven = sender_ == Sender::forgiven_upstream;
    has_bare_lf_ = has_bare_lf_ || is_forgiven;
    return is_forgiven;
}

bool ChunkedDecoder::fail(ChunkFault fault) {
    fault_ = fault;
    state_ = Reading::failed;
    return false;
}

ChunkedDecoder::Trailers ChunkedDecoder::trailers() const {
    if (!trailer_ || state_ != Reading::done) {
        return {{}, no_fields};
    }
    return {trailer_->text, trailer_->fields};
}

char* chunk_head(std::uint64_t size, char* out) {
    constexpr std::string_view digits = "0123456789abcdef";
    int shift = 60;
    while (shift > 0 && (size >> shift & 15) == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        *out++ = digits[size >> shift & 15];
    }
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

}  // namespace headgate::http
