// Content-Length values (RFC 9110 section 8.6), for requests and responses alike.
//
// What a faulty value leads to is decided by request_framing and upstream/framing.
#pragma once

#include "proxy/http/fields.h"

#include <cstdint>
#include <string_view>

namespace headgate::http {

enum class LengthVerdict : std::uint8_t {
    absent,
    single,    ///< one value in one field line
    repeated,  ///< the same value several times, as field lines
    list,      ///< the same value several times, with a list ("5, 5") among the field lines
    conflict,  ///< different valid values
    invalid,   ///< some value is empty, not all digits, or above 2^63 - 1
};

struct ContentLength {
    LengthVerdict verdict = LengthVerdict::absent;
    std::uint64_t value = 0;  ///< single, repeated, list
};

/// Reads every Content-Length field. `invalid` wins over `conflict`, `list` over `repeated`.
ContentLength content_length(const Fields& fields, std::string_view text);

/// One value: digits only, leading zeros allowed, at most 2^63 - 1. False when it is none.
bool parse_length(std::string_view digits, std::uint64_t& value);

}  // namespace headgate::http
