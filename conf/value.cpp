// Argument texts to values. See value.h.
#include "conf/value.h"

#include <algorithm>
#include <charconv>

namespace headgate::conf {

namespace {

char lower_char(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

template <class T>
bool is_number(std::string_view text, T& number) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc{} && end == text.data() + text.size();
}

bool is_port(std::string_view text, std::uint16_t& port) {
    return is_number(text, port) && port != 0;
}

bool is_host_text(std::string_view text) {
    const auto is_good = [](char byte) {
        const char small = lower_char(byte);
        return (small >= 'a' && small <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' ||
               byte == '.' || byte == '_';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), is_good);
}

bool is_ipv6_text(std::string_view text) {
    const auto is_good = [](char byte) {
        const char small = lower_char(byte);
        return (small >= 'a' && small <= 'f') || (byte >= '0' && byte <= '9') || byte == ':' ||
               byte == '.' || byte == '%';
    };
    return text.find(':') != text.npos && std::all_of(text.begin(), text.end(), is_good);
}

/// How many microseconds a unit of ap_timeout_parameter_parse is; 0 for none of them.
std::int64_t unit_microseconds(std::string_view unit) {
    const std::string small = lower(unit);
    if (small == "us") {
        return 1;
    }
    if (small == "ms") {
        return 1000;
    }
    if (small == "s") {
        return 1000 * 1000;
    }
    if (small == "m" || small == "mi" || small == "min") {
        return 60LL * 1000 * 1000;
    }
    if (small == "h") {
        return 3600LL * 1000 * 1000;
    }
    return small == "d" ? 86400LL * 1000 * 1000 : 0;
}

/// Splits the port off; false when what follows the host is no port.
bool take_port(std::string_view text, Address& result) {
    return text.empty() || text == ":*" ||
           (text.front() == ':' && is_port(text.substr(1), result.port));
}

}  // namespace

std::string lower(std::string_view text) {
    std::string small(text);
    std::transform(small.begin(), small.end(), small.begin(), lower_char);
    return small;
}

bool is_equal_name(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           std::equal(left.begin(), left.end(), right.begin(),
                      [](char a, char b) { return lower_char(a) == lower_char(b); });
}

bool has_name_prefix(std::string_view text, std::string_view prefix) {
    return text.size() >= prefix.size() && is_equal_name(text.substr(0, prefix.size()), prefix);
}

Parsed<bool> on_off(std::string_view text) {
    if (is_equal_name(text, "on")) {
        return {true, {}};
    }
    if (is_equal_name(text, "off")) {
        return {false, {}};
    }
    return {std::nullopt, "On or Off"};
}

Parsed<std::string> text_value(std::string_view text) {
    if (text.empty()) {
        return {std::nullopt, "a text that is not empty"};
    }
    return {std::string(text), {}};
}

Parsed<std::int64_t> integer_within(std::string_view text, std::int64_t low, std::int64_t high) {
    std::int64_t number = 0;
    if (is_number(text, number) && number >= low && number <= high) {
        return {number, {}};
    }
    return {std::nullopt, "a number from " + std::to_string(low) + " to " + std::to_string(high)};
}

Parsed<std::uint64_t> size_bytes(std::string_view text) {
    Parsed<std::uint64_t> wrong{std::nullopt, "a number of bytes such as 8190, 64K, 10M or 1G"};
    int shift = 0;
    if (!text.empty()) {
        const char unit = lower_char(text.back());
        shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    }
    if (shift != 0) {
        text.remove_suffix(1);
    }
    std::uint64_t number = 0;
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!is_number(text, number) || number > (most >> shift)) {
        return wrong;
    }
    return {number << shift, {}};
}

Parsed<std::chrono::milliseconds> duration(std::string_view text, std::chrono::milliseconds bare) {
    Parsed<std::chrono::milliseconds> wrong{std::nullopt,
                                            "a time such as 60, 5s, 500ms, 2min or 1h"};
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
        ++digits;
    }
    std::int64_t number = 0;
    if (!is_number(text.substr(0, digits), number)) {
        return wrong;
    }
    const std::string_view unit = text.substr(digits);
    const std::int64_t microseconds = unit.empty() ? bare.count() * 1000 : unit_microseconds(unit);
    constexpr std::int64_t longest = 10LL * 365 * 86400 * 1000 * 1000;
    if (microseconds == 0 || number > longest / microseconds) {
        return wrong;
    }
    return {std::chrono::milliseconds((number * microseconds + 999) / 1000), {}};
}

Parsed<std::chrono::milliseconds> duration_seconds(std::string_view text) {
    return duration(text, std::chrono::seconds(1));
}

Parsed<Address> address(std::string_view text) {
    Parsed<Address> wrong{std::nullopt,
                          "an address such as *:80, 192.0.2.1:80 or [2001:db8::1]:80"};
    Address result;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == text.npos || !is_ipv6_text(text.substr(1, end - 1))) {
            return wrong;
        }
        result.host = std::string(text.substr(1, end - 1));
        result.is_ipv6 = true;
        return take_port(text.substr(end + 1), result) ? Parsed<Address>{result, {}} : wrong;
    }
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view host = text.substr(0, colon);
    if (host == "*" || is_equal_name(host, "_default_")) {
        result.host = "*";
    } else if (is_host_text(host)) {
        result.host = std::string(host);
    } else {
        return wrong;
    }
    return take_port(text.substr(colon), result) ? Parsed<Address>{result, {}} : wrong;
}

Parsed<Address> listen_address(std::string_view text) {
    Address any{"*", 0, false};
    if (is_port(text, any.port)) {
        return {any, {}};
    }
    Parsed<Address> parsed = address(text);
    if (!parsed.value || parsed.value->port == 0) {
        return {std::nullopt,
                "a port, or an address with one, such as 80, 192.0.2.1:80 or [::1]:80"};
    }
    return parsed;
}

}  // namespace headgate::conf
