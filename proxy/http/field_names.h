// The field names that a reverse proxy cares about, as numbers.
//
// Not a registry: a name that no code here asks for by number is `other`, and is told apart by
// its text. Names are case-insensitive (RFC 9110 section 5.1).
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::http {

/// At most 64 of them, so that a set of names fits one 64-bit mask (see Fields).
enum class FieldName : std::uint8_t {
    other,
    accept,
    accept_encoding,
    age,
    authorization,
    cache_control,
    connection,
    content_encoding,
    content_length,
    content_location,
    content_range,
    content_type,
    cookie,
    date,
    etag,
    expect,
    expires,
    forwarded,
    host,
    http2_settings,
    if_match,
    if_modified_since,
    if_none_match,
    if_range,
    if_unmodified_since,
    keep_alive,
    last_modified,
    location,
    max_forwards,
    origin,
    pragma,
    proxy_authenticate,
    proxy_authentication_info,
    proxy_authorization,
    proxy_connection,
    range,
    referer,
    refresh,
    server,
    set_cookie,
    strict_transport_security,
    te,
    trailer,
    transfer_encoding,
    upgrade,
    uri,
    user_agent,
    vary,
    via,
    warning,
    www_authenticate,
    x_accel_buffering,
    x_forwarded_for,
    x_forwarded_host,
    x_forwarded_port,
    x_forwarded_proto,
    x_forwarded_server,
    x_real_ip,
    count_,
};
static_assert(static_cast<int>(FieldName::count_) <= 64);

/// The number of a name in any case; `other` when it is none of ours.
/// `name` must be a token (RFC 9110 section 5.6.2), as the head parser delivers it.
FieldName field_name(std::string_view name);

/// The usual spelling, for writing ("Content-Length"); empty for `other`.
std::string_view spelling(FieldName name);

/// ASCII comparison without regard to case, the rule for names, codings and connection options.
bool equals_ignore_case(std::string_view left, std::string_view right);

/// RFC 9110 section 6.5.1: "a sender MUST NOT generate a trailer field unless [it] knows the
/// corresponding header field name's definition permits". False for names of framing, routing,
/// connection control, authentication, request modifiers and content format.
bool is_allowed_in_trailers(FieldName name);

}  // namespace headgate::http
