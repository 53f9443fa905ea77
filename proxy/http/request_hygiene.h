// Rules about a request's head that are neither its syntax nor its framing: names that a recipient
// may mistake for others, and how far a request may travel.
#pragma once

#include "proxy/http/message.h"
#include "proxy/http/result.h"

#include <cstdint>
#include <string_view>

namespace headgate::http {

/// What becomes of a field whose name has an underscore. CGI and its heirs (FastCGI, WSGI, Rack,
/// PHP) turn "-" into "_": to them X_Real_IP is X-Real-IP, which somebody else was to write.
enum class Underscores : std::uint8_t { refuse, drop, keep };

/// Whether the rule is about a field: one whose name is none that we know.
bool has_underscore(const Field& field, std::string_view text);

/// Applies it to a request's fields. Refused with 400 under Underscores::refuse.
Result<void> judge_underscores(RequestHead& head, std::string_view text, Underscores rule);

/// How often a request may still be forwarded when it does not say.
inline constexpr std::uint32_t unbounded_forwards = UINT32_MAX;

/// Max-Forwards of a TRACE or OPTIONS request (RFC 9110 section 7.6.2); unbounded_forwards when it
/// has none, and for other methods, which it does not concern. Refused with 400: what is not one
/// number.
Result<std::uint32_t> max_forwards(const RequestHead& head, std::string_view text);

}  // namespace headgate::http
