// See address_range.h.
#include "proxy/settings/address_range.h"

#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace headgate::proxy {
namespace {

constexpr unsigned mapped_bits = 96;  // in front of an IPv4 address that is mapped in

std::optional<unsigned> number_within(std::string_view text, unsigned most) {
    unsigned number = 0;
    const char* const end = text.data() + text.size();
    const auto [parsed, failed] = std::from_chars(text.data(), end, number);
    if (text.empty() || failed != std::errc{} || parsed != end || number > most) {
        return std::nullopt;
    }
    return number;
}

/// The bits of "255.255.255.0": 24. Nullopt when they are not all in front.
std::optional<unsigned> bits_of_mask(std::string_view text) {
    const auto mask = loop::Address::from_literal(text, 0);
    if (!mask || mask->family() != AF_INET) return std::nullopt;
    sockaddr_in v4{};
    std::memcpy(&v4, mask->data(), sizeof v4);
    const std::uint32_t ones = ntohl(v4.sin_addr.s_addr);
    const auto count = static_cast<unsigned>(std::countl_one(ones));
    if (count != static_cast<unsigned>(std::popcount(ones))) return std::nullopt;
    return count;
}

}  // namespace

AddressRange::Octets AddressRange::octets_of(const loop::Address& address) {
    Octets octets{};
    if (address.family() == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, address.data(), sizeof v4);
        octets[10] = octets[11] = 0xff;
        std::memcpy(octets.data() + 12, &v4.sin_addr, 4);
    } else if (address.family() == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address.data(), sizeof v6);
        std::memcpy(octets.data(), &v6.sin6_addr, 16);
    }
    return octets;
}

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = loop::Address::from_literal(text.substr(0, slash), 0);
    if (!address) {
        return slash == text.npos ? parse_first_octets(text) : std::nullopt;
    }
    AddressRange range;
    range.octets_ = octets_of(*address);
    if (slash == text.npos) return range;
    const std::string_view mask = text.substr(slash + 1);
    const bool is_v4 = address->family() == AF_INET;
    const bool is_dotted = is_v4 && mask.find('.') != mask.npos;
    const auto bits = is_dotted ? bits_of_mask(mask) : number_within(mask, is_v4 ? 32 : 128);
    if (!bits) return std::nullopt;
    range.bits_ = *bits + (is_v4 ? mapped_bits : 0);
    return range;
}

/// "10", "10.1", "10.1.2", perhaps with a "." behind.
std::optional<AddressRange> AddressRange::parse_first_octets(std::string_view text) {
    if (text.ends_with('.')) text.remove_suffix(1);
    AddressRange range;
    range.octets_[10] = range.octets_[11] = 0xff;
    unsigned count = 0;
    while (!text.empty() && count < 3) {
        const std::size_t dot = std::min(text.find('.'), text.size());
        const auto number = number_within(text.substr(0, dot), 255);
        if (!number || dot + 1 == text.size()) return std::nullopt;
        range.octets_[12 + count++] = static_cast<unsigned char>(*number);
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    if (count == 0 || !text.empty()) return std::nullopt;
    range.bits_ = mapped_bits + 8 * count;
    return range;
}

bool AddressRange::holds(const loop::Address& address) const {
    if (address.family() != AF_INET && address.family() != AF_INET6) return false;
    const Octets octets = octets_of(address);
    const std::size_t whole = bits_ / 8;
    if (std::memcmp(octets.data(), octets_.data(), whole) != 0) return false;
    const unsigned rest = bits_ % 8;
    return rest == 0 || ((octets[whole] ^ octets_[whole]) >> (8 - rest)) == 0;
}

bool AddressRange::is_internal(const loop::Address& address) {
    static const std::array v4_internal{*parse("10.0.0.0/8"), *parse("172.16.0.0/12"),
                                        *parse("192.168.0.0/16"), *parse("169.254.0.0/16"),
                                        *parse("127.0.0.0/8")};
    static const AddressRange v4_mapped = *parse("::ffff:0:0/96");
    static const AddressRange v6_global = *parse("2000::/3");
    if (!v4_mapped.holds(address)) return !v6_global.holds(address);
    return std::any_of(v4_internal.begin(), v4_internal.end(),
                       [&](const AddressRange& range) { return range.holds(address); });
}

}  // namespace headgate::proxy
