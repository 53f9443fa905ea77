// Texts of directive arguments to values. Pure functions; what is wrong is said by what was
// expected, so that every message names the allowed values.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::conf {

/// A value, or what would have been one.
template <class T>
struct Parsed {
    std::optional<T> value;
    std::string expected;  ///< words for "expected ..."; only without a value
};

/// "On" or "Off", in any case.
Parsed<bool> on_off(std::string_view text);

/// Any text; a path is resolved by its user.
Parsed<std::string> text_value(std::string_view text);

/// A decimal integer within [low, high], nothing else around it.
Parsed<std::int64_t> integer_within(std::string_view text, std::int64_t low, std::int64_t high);

/// The same as a parser of its own, for rows.
template <std::int64_t low, std::int64_t high = std::numeric_limits<std::int32_t>::max()>
Parsed<int> integer(std::string_view text) {
    const Parsed<std::int64_t> parsed = integer_within(text, low, high);
    if (!parsed.value) {
        return {std::nullopt, parsed.expected};
    }
    return {static_cast<int>(*parsed.value), {}};
}

/// A number of bytes, at least 0; K, M and G (1024) may follow, which Apache does not know.
Parsed<std::uint64_t> size_bytes(std::string_view text);

/// Apache's ap_timeout_parameter_parse: a number and us, ms, s, m/mi/min, h or d; a bare number
/// counts `bare`. Never negative. Microseconds are rounded up.
Parsed<std::chrono::milliseconds> duration(std::string_view text, std::chrono::milliseconds bare);

/// duration() where a bare number means seconds, as in Timeout.
Parsed<std::chrono::milliseconds> duration_seconds(std::string_view text);

/// Where to listen, or what a virtual host answers to.
struct Address {
    std::string host;        ///< a literal or name, IPv6 without brackets; "*" for every address
    std::uint16_t port = 0;  ///< 0: not given, or "*"
    bool is_ipv6 = false;    ///< was in brackets

    friend bool operator==(const Address&, const Address&) = default;
};

/// HOST:PORT, [IPv6]:PORT, *:PORT, HOST, *, HOST:*; _default_ is *.
Parsed<Address> address(std::string_view text);

/// Listen: the same, where a bare number is a port and the port is required.
Parsed<Address> listen_address(std::string_view text);

/// Names of directives, sections and keywords are equal in any case (ASCII).
bool is_equal_name(std::string_view left, std::string_view right);
bool has_name_prefix(std::string_view text, std::string_view prefix);
std::string lower(std::string_view text);

}  // namespace headgate::conf
