// Reason phrases of the registered status codes (RFC 9110 section 15 and the IANA registry).
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::http {

/// "Bad Gateway" for 502; the phrase of the class ("Server Error") for a code without its own.
std::string_view reason_phrase(std::uint16_t status);

}  // namespace headgate::http
