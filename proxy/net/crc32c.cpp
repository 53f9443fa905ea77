// See crc32c.h. An octet at a time by a table: headers are short, and few.
#include "proxy/net/crc32c.h"

#include <array>

namespace headgate::net {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // with its bits reversed

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t octet = 0; octet < table.size(); octet++) {
        std::uint32_t rest = octet;
        for (int bit = 0; bit < 8; bit++)
            rest = rest >> 1 ^ ((rest & 1) != 0 ? polynomial : 0);
        table[octet] = rest;
    }
    return table;
}

constexpr std::array<std::uint32_t, 256> table = make_table();

}  // namespace

std::uint32_t crc32c(std::string_view octets) {
    std::uint32_t sum = 0xffffffff;
    for (const char octet : octets)
        sum = sum >> 8 ^ table[(sum ^ static_cast<unsigned char>(octet)) & 0xff];
    return ~sum;
}

}  // namespace headgate::net
