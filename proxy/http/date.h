// Date values as HTTP writes them (RFC 9110 section 5.6.7): IMF-fixdate, always GMT.
#pragma once

#include <array>
#include <cstddef>
#include <ctime>
#include <string_view>

namespace headgate::http {

inline constexpr std::size_t imf_fixdate_size = 29;

/// `seconds` since 1970 as "Sun, 06 Nov 1994 08:49:37 GMT". Years 0 to 9999. Not terminated.
std::array<char, imf_fixdate_size> imf_fixdate(std::time_t seconds);

inline std::string_view view(const std::array<char, imf_fixdate_size>& date) {
    return {date.data(), date.size()};
}

}  // namespace headgate::http
