// How the content of a request ends (RFC 9112 section 6.3), and what is refused on the way.
//
// The strictest reading that any common peer has wins: a request that two recipients could
// delimit in different ways is answered with an error. A request never ends by close.
#pragma once

#include "proxy/http/message.h"
#include "proxy/http/result.h"

#include <cstdint>
#include <string_view>

namespace headgate::http {

struct RequestFraming {
    enum class Kind : std::uint8_t { none, length, chunked };

    Kind kind = Kind::none;
    /// Upgrade may be forwarded: HTTP/1.1, listed in Connection, and no content is due, so that no
    /// octet of content can be taken for the new protocol's.
    bool may_upgrade = false;
    /// The client waits for 100 (Continue) before it sends content.
    bool expects_continue = false;
    std::uint64_t length = 0;  ///< Kind::length: octets of content, may be 0

    bool has_content() const { return kind == Kind::chunked || length > 0; }
};

/// Pure. `text` is what `head` was read from. After an error the connection is not used again.
Result<RequestFraming> request_framing(const RequestHead& head, std::string_view text);

/// "none", "length", "chunked".
const char* name(RequestFraming::Kind kind);

}  // namespace headgate::http
