// Classes of octets (RFC 9110 section 5.6), and a fast search for the end of a run of text.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace headgate::http {

namespace octet_class {
inline constexpr std::uint8_t token = 1;
inline constexpr std::uint8_t target = 2;
inline constexpr std::uint8_t digit = 4;
inline constexpr std::uint8_t letter = 8;

constexpr std::array<std::uint8_t, 256> make_table() {
    std::array<std::uint8_t, 256> table{};
    for (std::size_t c = 0x21; c < 0x7f; ++c) {
        table[c] = c == '#' ? 0 : target;
    }
    for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
        table[static_cast<unsigned char>(c)] |= token;
    }
    for (std::size_t c = '0'; c <= '9'; ++c) {
        table[c] |= token | digit;
    }
    for (std::size_t c = 'A'; c <= 'Z'; ++c) {
        table[c] |= token | letter;
        table[c | 0x20] |= token | letter;
    }
    return table;
}
inline constexpr std::array<std::uint8_t, 256> table = make_table();

constexpr bool is(char octet, std::uint8_t wanted) {
    return (table[static_cast<unsigned char>(octet)] & wanted) != 0;
}
}  // namespace octet_class

/// RFC 9110 section 5.6.2: tchar.
constexpr bool is_token_octet(char c) {
    return octet_class::is(c, octet_class::token);
}
/// Visible ASCII but "#": what a request target may consist of here.
constexpr bool is_target_octet(char c) {
    return octet_class::is(c, octet_class::target);
}
constexpr bool is_digit(char c) {
    return octet_class::is(c, octet_class::digit);
}
constexpr bool is_letter_or_digit(char c) {
    return octet_class::is(c, octet_class::digit | octet_class::letter);
}

constexpr bool is_white_space(char c) {
    return c == ' ' || c == '\t';
}
constexpr bool is_line_end(char c) {
    return c == '\r' || c == '\n';
}

/// 0 to 15, or -1 when `c` is no hexadecimal digit.
constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char low = static_cast<char>(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// First octet in [at, stop) that is neither text nor HTAB (a control octet or DEL); else `stop`.
/// Eight octets a step: values make up most of a head.
inline std::uint32_t find_control(std::string_view text, std::uint32_t at, std::size_t stop) {
    constexpr std::uint64_t each = 0x0101010101010101;
    std::size_t i = at;
    while (i < stop) {
        if constexpr (std::endian::native == std::endian::little) {
            // The lowest marked octet is always a true one: a borrow only runs upward from it.
            while (stop - i >= 8) {
                std::uint64_t word;
                std::memcpy(&word, text.data() + i, sizeof word);
                const std::uint64_t del = word ^ (each * 0x7f);
                const std::uint64_t marks =
                    (((word - each * 0x20) & ~word) | ((del - each) & ~del)) & (each * 0x80);
                if (marks != 0) {
                    i += static_cast<std::size_t>(std::countr_zero(marks)) / 8;
                    break;
                }
                i += 8;
            }
            if (i >= stop) {
                break;
            }
        }
        const auto octet = static_cast<unsigned char>(text[i]);
        if ((octet < 0x20 && octet != '\t') || octet == 0x7f) {
            break;
        }
        ++i;
    }
    return static_cast<std::uint32_t>(i);
}

}  // namespace headgate::http
