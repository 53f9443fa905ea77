// The chunked transfer coding (RFC 9112 section 7.1): decoding in place, and the encoding's marks.
//
// The decoder keeps no octets: every call uses up all it is given, up to the end of the message.
// It is small enough to stay while an exchange is parked; a heap object exists only between the
// arrival of a trailer field and the end of the decoder.
//
// Not here: I/O, and forwarding of trailers.
#pragma once

#include "proxy/http/fields.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace headgate::http {

enum class ChunkFault : std::uint8_t {
    none,
    size,              ///< no hexadecimal digit where a chunk-size must be
    size_overflow,     ///< more than 2^63 - 1
    after_size,        ///< neither extension nor CR LF after a chunk-size
    extension,         ///< a control octet in an extension
    line_too_long,     ///< size and extension exceed 1 KiB
    extensions_total,  ///< extensions of the message exceed 16 KiB
    after_data,        ///< no CR LF after the data of a chunk
    bare_lf,           ///< LF without CR in a chunk line
    trailer,           ///< a malformed trailer section
    trailer_too_long,  ///< a trailer section of more than 8 KiB or 100 fields
};

/// "bad chunk-size" and so on, for a log line. Never null.
const char* reason(ChunkFault fault);

class ChunkedDecoder {
public:
    /// Who sent it. White space after a chunk-size is refused from a client, and tolerated (up to
    /// 10 octets) from an upstream; LF alone ends a chunk line of a forgiven upstream. Everything
    /// else is the same for all.
    enum class Sender : std::uint8_t { client, upstream, forgiven_upstream };
    enum class State : std::uint8_t { need_more, complete, error };

    struct Decoded {
        std::size_t content = 0;   ///< octets of content, now at the front of the given run
        std::size_t consumed = 0;  ///< octets of the run used; all of it unless complete or error
        State state = State::need_more;
    };

    struct Trailers {
        std::string_view text;  ///< what the slices of `fields` are over; lives in the decoder
        const Fields& fields;
    };

    explicit ChunkedDecoder(Sender sender);
    ~ChunkedDecoder();
    ChunkedDecoder(ChunkedDecoder&&) noexcept;
    ChunkedDecoder& operator=(ChunkedDecoder&&) noexcept;

    /// Decodes the next octets of the message body. Content is moved to the front of `raw`; what
    /// follows it up to `consumed` is scratch; octets after the end of the message are untouched.
    /// On error the content in front of the fault is still delivered; the fault is at `consumed`.
    /// Not to be called after complete or error.
    Decoded decode(std::span<char> raw);

    bool is_complete() const { return state_ == Reading::done; }
    ChunkFault fault() const { return fault_; }
    /// A forgiven upstream ended a chunk line with LF alone.
    bool has_bare_lf() const { return has_bare_lf_; }

    /// After complete: the trailer section without the names that must not stand in one (framing,
    /// routing and the like: is_allowed_in_trailers). Empty when there was none.
    Trailers trailers() const;

private:
    // The elements of RFC 9112 section 7.1; "_lf" waits for the LF of a CR LF.
    enum class Reading : std::uint8_t {
        size_start,
        size,
        space_after_size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start,
        trailer_field,
        final_lf,
        done,
        failed,
    };
    struct TrailerSection;

    bool fail(ChunkFault fault);
    bool forgives_bare_lf();
    bool read_line_octet(char octet);
    bool read_size(char octet);
    bool read_extension(char octet);
    bool read_after_size(char octet);
    bool end_size_line();
    std::size_t read_trailer(std::span<const char> raw);

    std::uint64_t left_ = 0;        // chunk-size while it is read, then data still to come
    std::uint32_t extensions_ = 0;  // octets of extensions in the whole message
    std::uint16_t line_ = 0;        // octets of the present chunk line
    std::uint8_t spaces_ = 0;       // after the present chunk-size
    Reading state_ = Reading::size_start;
    Sender sender_;
    ChunkFault fault_ = ChunkFault::none;
    bool has_bare_lf_ = false;
    std::unique_ptr<TrailerSection> trailer_;
};
static_assert(sizeof(ChunkedDecoder) <= 64);

/// Room that the longest chunk head needs: 16 digits, CR LF.
inline constexpr std::size_t chunk_head_room = 18;
/// Writes chunk-size and CR LF for `size` (> 0) octets of data at `out`, which has
/// chunk_head_room octets. Returns the end. Data and `chunk_end` follow.
char* chunk_head(std::uint64_t size, char* out);
inline constexpr std::string_view chunk_end = "\r\n";
/// Last chunk and an empty trailer section.
inline constexpr std::string_view last_chunk = "0\r\n\r\n";
/// Last chunk alone: trailer fields and an empty line follow.
inline constexpr std::string_view last_chunk_before_trailers = "0\r\n";

}  // namespace headgate::http
