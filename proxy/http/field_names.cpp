// Field names: the table, and its lookup by length.
//
// Few names share a length, and fewer a length and a first letter: after one look into an index
// by length about one comparison is left.
#include "proxy/http/field_names.h"

#include <array>
#include <cstddef>

namespace headgate::http {

namespace {

constexpr std::size_t name_count = static_cast<std::size_t>(FieldName::count_);

// In the order of the enumeration.
constexpr std::array<std::string_view, name_count> spellings = {
    "",
    "Accept",
    "Accept-Encoding",
    "Age",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Location",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Date",
    "ETag",
    "Expect",
    "Expires",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Keep-Alive",
    "Last-Modified",
    "Location",
    "Max-Forwards",
    "Origin",
    "Pragma",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Range",
    "Referer",
    "Refresh",
    "Server",
    "Set-Cookie",
    "Strict-Transport-Security",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "URI",
    "User-Agent",
    "Vary",
    "Via",
    "Warning",
    "WWW-Authenticate",
    "X-Accel-Buffering",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Real-IP",
};
static_assert(!spellings.back().empty());

constexpr std::size_t longest = 25;

// Names sorted by length; those of length n are sorted[start[n]] to sorted[start[n + 1] - 1].
struct ByLength {
    std::array<std::uint8_t, name_count> sorted{};
    std::array<std::uint8_t, longest + 2> start{};
};

constexpr ByLength make_index() {
    ByLength index;
    std::size_t filled = 0;
    for (std::size_t length = 0; length <= longest; ++length) {
        index.start[length] = static_cast<std::uint8_t>(filled);
        for (std::size_t i = 1; i < name_count; ++i) {
            if (spellings[i].size() == length) {
                index.sorted[filled++] = static_cast<std::uint8_t>(i);
            }
        }
    }
    index.start[longest + 1] = static_cast<std::uint8_t>(filled);
    return index;
}
constexpr ByLength by_length = make_index();
static_assert(by_length.start[longest + 1] == name_count - 1, "a name is longer than `longest`");

// Of the octets of a token, bit 0x20 tells only the case of letters, as long as one side holds
// nothing but letters, digits and "-": the spellings above.
constexpr bool same_token(const char* left, const char* right, std::size_t size) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < size; ++i) {
        difference |=
            (static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(right[i])) & 0xdfU;
    }
    return difference == 0;
}

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace

FieldName field_name(std::string_view name) {
    if (name.size() > longest || name.empty()) {
        return FieldName::other;
    }
    const std::size_t end = by_length.start[name.size() + 1];
    for (std::size_t i = by_length.start[name.size()]; i < end; ++i) {
        const std::string_view candidate = spellings[by_length.sorted[i]];
        if (((candidate[0] ^ name[0]) & 0xdf) == 0 &&
            same_token(candidate.data(), name.data(), name.size())) {
            return static_cast<FieldName>(by_length.sorted[i]);
        }
    }
    return FieldName::other;
}

std::string_view spelling(FieldName name) {
    return spellings[static_cast<std::size_t>(name)];
}

bool equals_ignore_case(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) {
        return false;
    }
    for (std::size_t i = 0; i < left.size(); ++i) {
        if (lower(left[i]) != lower(right[i])) {
            return false;
        }
    }
    return true;
}

bool is_allowed_in_trailers(FieldName name) {
    switch (name) {
        case FieldName::age:
        case FieldName::authorization:
        case FieldName::cache_control:
        case FieldName::connection:
        case FieldName::content_encoding:
        case FieldName::content_length:
        case FieldName::content_location:
        case FieldName::content_range:
        case FieldName::content_type:
        case FieldName::cookie:
        case FieldName::date:
        case FieldName::expect:
        case FieldName::expires:
        case FieldName::forwarded:
        case FieldName::host:
        case FieldName::http2_settings:
        case FieldName::if_match:
        case FieldName::if_modified_since:
        case FieldName::if_none_match:
        case FieldName::if_range:
        case FieldName::if_unmodified_since:
        case FieldName::keep_alive:
        case FieldName::location:
        case FieldName::max_forwards:
        case FieldName::origin:
        case FieldName::pragma:
        case FieldName::proxy_authenticate:
        case FieldName::proxy_authorization:
        case FieldName::proxy_connection:
        case FieldName::range:
        case FieldName::refresh:
        case FieldName::set_cookie:
        case FieldName::strict_transport_security:
        case FieldName::te:
        case FieldName::trailer:
        case FieldName::transfer_encoding:
        case FieldName::upgrade:
        case FieldName::uri:
        case FieldName::vary:
        case FieldName::via:
        case FieldName::warning:
        case FieldName::www_authenticate:
        case FieldName::x_accel_buffering:
        case FieldName::x_forwarded_for:
        case FieldName::x_forwarded_host:
        case FieldName::x_forwarded_port:
        case FieldName::x_forwarded_proto:
        case FieldName::x_forwarded_server:
        case FieldName::x_real_ip:
            return false;
        default:
            return true;
    }
}

}  // namespace headgate::http
