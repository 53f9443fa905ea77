// What belongs to one connection and is not forwarded (RFC 9110 section 7.6.1), and persistence
// (RFC 9112 section 9.3).
#pragma once

#include "proxy/http/message.h"

#include <string_view>

namespace headgate::http {

/// Is this field for the next recipient only? Connection, Keep-Alive, Proxy-Connection, TE,
/// Transfer-Encoding, Upgrade, HTTP2-Settings, Proxy-Authenticate, Proxy-Authorization and
/// Proxy-Authentication-Info (Apache removes them too), and every field that a Connection field of
/// the same message names. Content-Length is not among them: framing decides what is written.
bool is_hop_by_hop(const Field& field, const Fields& fields, std::string_view text);

/// Connection lists `option`, in any case.
bool has_connection_option(const Fields& fields, std::string_view option, std::string_view text);

/// RFC 9112 section 9.3: "close" ends it; else 1.1 persists; else "keep-alive" does; else not.
/// For requests and responses.
bool is_persistent(Version version, const Fields& fields, std::string_view text);

/// May the client's connection be used after the answer?
inline bool client_wants_keep_alive(Version version, const Fields& fields, std::string_view text) {
    return is_persistent(version, fields, text);
}

/// TE lists "trailers" (RFC 9110 section 10.1.4): the sender takes trailer fields.
bool accepts_trailers(const Fields& fields, std::string_view text);

}  // namespace headgate::http
