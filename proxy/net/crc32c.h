// CRC-32C (Castagnoli; RFC 3720 appendix B.4), which PROXY protocol headers may carry. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::net {

std::uint32_t crc32c(std::string_view octets);

}  // namespace headgate::net
