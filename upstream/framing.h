// How the content of an upstream's response ends: RFC 9112 section 6.3 in one pure function.
//
// Known as soon as the head is read; from then on a wait for the rest of the exchange needs
// neither head nor parser.
#pragma once

#include "proxy/http/message.h"

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>

#include <cstdint>
#include <string_view>

namespace headgate::upstream {

struct Framing {
    enum class Kind : std::uint8_t { none, length, chunked, until_close, tunnel };

    Kind kind = Kind::none;
    /// As far as the head tells, the connection may be used again once the content is read to its
    /// end and nothing follows. What an interim response says counts for the final one too.
    bool upstream_reusable = false;
    /// 1xx other than 101: another response follows on the connection.
    bool is_interim = false;
    /// The head's Content-Length fields must not be forwarded. Otherwise, with Kind::length, one
    /// field with `length` is; with Kind::none (HEAD, 304) the field may be, if there is one.
    bool drop_content_length = false;
    std::uint64_t length = 0;  ///< Kind::length: octets of content

    friend bool operator==(const Framing&, const Framing&) = default;
};

/// "none", "length", "chunked", "close", "tunnel": the words of the access log.
const char* name(Framing::Kind kind);

/// What has to be known of the request to which the response belongs.
struct RequestFacts {
    http::Method method = http::Method::get;
    /// We sent Upgrade, with this protocol (or list of protocols).
    bool upgrade_requested = false;
    std::string_view upgrade_protocol = {};
    /// Every octet of the request, its content included, has been sent.
    bool request_complete = true;
};

/// Each one: the client is answered 502 and the connection is closed.
enum class FramingFault : std::uint8_t {
    unexpected_101,  ///< "unexpected-101": not asked for, or another protocol
    te_unsupported,  ///< "te-unsupported": anything but exactly one "chunked"
    cl_invalid,      ///< "cl-invalid"
    cl_conflict,     ///< "cl-conflict"
};

/// The token of the comment above.
const char* name(FramingFault fault);

void throw_exception_from_error(FramingFault, const boost::source_location&) = delete;
/// Test it, then `*` or `->`; value() does not compile.
using FramingResult = boost::system::result<Framing, FramingFault>;

/// Pure. `text` is what `head` was read from, unfolded if it had folds.
FramingResult response_framing(const http::ResponseHead& head, std::string_view text,
                               const RequestFacts& request);

}  // namespace headgate::upstream
