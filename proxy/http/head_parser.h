// Reads the head of an HTTP/1 message (RFC 9112 sections 2 to 5), or a trailer section.
//
// Strict: a request that a peer could read in another way is refused; a response is tolerated
// only where RFC 9112 allows it and nobody is misled (bare LF, obs-fold, one stray empty line),
// and the head says so. Copies nothing; nothing is looked at twice.
//
// Not here: what the fields mean. See request_framing.h, target.h, upstream/framing.h.
#pragma once

#include "proxy/http/head_error.h"
#include "proxy/http/message.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace headgate::http {

/// Octets, line ends not counted. Defaults as Apache's LimitRequestLine, LimitRequestFieldSize and
/// LimitRequestFields. A value of exactly the limit is allowed.
struct HeadLimits {
    std::uint32_t line = 8190;
    std::uint32_t field_size = 8190;  ///< one field line, folds included
    std::uint32_t fields = 100;
    std::uint32_t total = 65536;             ///< the whole head, line ends included
    bool strips_space_before_colon = false;  ///< in responses; refused otherwise
};

class HeadParser {
public:
    enum class Kind : std::uint8_t { request, response, trailers };
    enum class Status : std::uint8_t { need_more, complete, error };

    explicit HeadParser(Kind kind, const HeadLimits& limits = {});

    /// `text` is everything received since the head began: the same octets as at the last call,
    /// with more behind them. The buffer may have moved. Goes on where the last call stopped.
    /// After `complete` or `error`, answers the same again without reading.
    Status parse(std::string_view text);

    /// Has an octet of the head itself been seen? False while only a stray empty line has been.
    bool has_begun() const { return state_ > State::stray_lf; }

    /// Octets of the head with its empty line. After `complete` only.
    std::size_t head_size() const { return pos_; }
    /// After `error` only.
    HeadError error() const { return error_; }

    /// The method of a request, as soon as it has been read: a head that is refused may have one.
    Method method() const { return method_; }

    /// The head, moved out. After `complete` only, and once.
    RequestHead take_request();
    ResponseHead take_response();
    /// Kind::trailers: the trailer fields as received.
    Fields take_trailers();

private:
    // Named after the elements of RFC 9112's grammar; "_lf" waits for the LF of a CR LF.
    enum class State : std::uint8_t {
        start,
        stray_lf,
        method,
        target,
        request_version,
        request_line_cr,
        status_version,
        status_code,
        reason_phrase,
        start_line_lf,
        field_line,
        field_name,
        field_value_start,
        field_value,
        field_line_lf,
        after_field_line,
        head_lf,
        complete,
        error,
    };

    bool step(std::string_view text);
    bool read_start(char octet);
    bool read_stray_lf(char octet);
    bool read_method(std::string_view text);
    bool read_target(std::string_view text);
    bool read_version(std::string_view text);
    bool read_request_line_end(char octet);
    bool read_status_code(std::string_view text);
    bool read_reason(std::string_view text);
    bool read_start_line_lf(char octet);
    bool read_field_line(char octet);
    bool read_field_name(std::string_view text);
    bool end_name(std::string_view text);
    bool read_field_value_start(std::string_view text);
    bool read_field_value(std::string_view text);
    bool read_field_line_lf(char octet);
    bool read_after_field_line(std::string_view text);
    bool read_head_lf(std::string_view text);
    bool end_value(std::string_view text);
    bool end_head(std::string_view text);
    bool end_version(std::string_view text);
    bool has_room(std::string_view text, std::uint32_t limit);
    bool fail(HeadFault code, std::uint16_t request_status = 400);
    bool fail_start_line();

    HeadLimits limits_;
    State state_ = State::start;
    Kind kind_;
    Method method_ = Method::other;
    Version version_ = Version::http_1_1;
    bool has_bare_lf_ = false;
    bool has_obs_fold_ = false;
    bool has_stray_line_ = false;
    bool is_folded_ = false;  // the present field line
    bool has_spaced_name_ = false;
    std::uint16_t status_ = 0;
    std::uint32_t pos_ = 0;      // next octet to look at
    std::uint32_t mark_ = 0;     // where the present element began
    std::uint32_t line_at_ = 0;  // where the present line (with its folds) began
    Slice first_;                // method, or reason phrase
    Slice target_;
    Field field_;
    HeadError error_;
    Fields fields_;
};

/// Replaces each obs-fold in the values by spaces, in place (RFC 9112 section 5.2). To be called
/// on a response head with has_obs_fold, before its values are used. `text` as given to parse().
void unfold(std::span<char> text, const ResponseHead& head);

}  // namespace headgate::http
