// See proxy_protocol.h.
#include "proxy/net/proxy_protocol.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "proxy/net/crc32c.h"

namespace headgate::net {
namespace {

using State = ProxyHeader::State;

constexpr std::size_t most_v1 = 107;  // section 2.1, its CRLF included
constexpr std::size_t v2_head = 16;
constexpr std::size_t tlv_head = 3;
constexpr std::size_t v4_addresses = 12;
constexpr std::size_t v6_addresses = 36;
constexpr std::size_t unix_addresses = 216;
constexpr std::size_t most_unique_id = 128;  // section 2.2.5

ProxyHeader malformed(const char* fault) {
    ProxyHeader header;
    header.state = State::malformed;
    header.has_begun = true;
    header.fault = fault;
    return header;
}

// ---- version 1
// ------------------------------------------------------------------------------------

/// Takes the next word and the one blank behind it; nullopt without either.
std::optional<std::string_view> take_word(std::string_view& line) {
    const std::size_t blank = line.find(' ');
    if (blank == line.npos || blank == 0) return std::nullopt;
    const std::string_view word = line.substr(0, blank);
    line.remove_prefix(blank + 1);
    return word;
}

/// "TCP ports: decimal integers in the range [0..65535], without leading zeroes".
std::optional<std::uint16_t> read_port(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return port;
}

/// Behind "TCP4 " or "TCP6 ".
ProxyHeader read_v1_addresses(std::string_view line, sa_family_t family) {
    const auto source = take_word(line);
    const auto destination = take_word(line);
    const auto source_port_text = take_word(line);
    if (!source || !destination || !source_port_text) return malformed("addresses are missing");
    const auto source_port = read_port(*source_port_text);
    const auto destination_port = read_port(line);
    if (!source_port || !destination_port) return malformed("a port is no port");
    const auto from = loop::Address::from_literal(*source, *source_port);
    const auto to = loop::Address::from_literal(*destination, *destination_port);
    if (!from || !to || from->family() != family || to->family() != family) {
        return malformed("an address is none of its family");
    }
    ProxyHeader header;
    header.keeps_addresses = false;
    header.source = *from;
    header.destination = *to;
    return header;
}

ProxyHeader read_v1(std::string_view octets) {
    const std::size_t end = octets.substr(0, most_v1).find("\r\n");
    if (end == octets.npos) {
        if (octets.size() >= most_v1) return malformed("more than 107 octets in version 1");
        ProxyHeader header;
        header.has_begun = true;
        return header;
    }
    std::string_view line = octets.substr(0, end);
    line.remove_prefix(proxy_v1_signature.size());
    if (line.find_first_of(std::string_view("\0\r\n", 3)) != line.npos) {
        return malformed("an octet that cannot be there");
    }
    ProxyHeader header;
    if (line.starts_with("TCP4 ")) {
        header = read_v1_addresses(line.substr(5), AF_INET);
    } else if (line.starts_with("TCP6 ")) {
        header = read_v1_addresses(line.substr(5), AF_INET6);
    } else if (line != "UNKNOWN" && !line.starts_with("UNKNOWN ")) {
        // "any other protocol": the sender MUST say UNKNOWN, whose rest the receiver ignores.
        return malformed("neither TCP4, TCP6 nor UNKNOWN");
    }
    if (header.state == State::malformed) return header;
    header.has_begun = true;
    header.state = State::complete;
    header.size = end + 2;
    return header;
}

// ---- version 2
// ------------------------------------------------------------------------------------

unsigned octet_at(std::string_view octets, std::size_t at) {
    return static_cast<unsigned char>(octets[at]);
}

unsigned number_at(std::string_view octets, std::size_t at) {
    return octet_at(octets, at) << 8 | octet_at(octets, at + 1);
}

/// "the CRC32c checksum of the PROXY header", with its own four octets zero.
bool is_sum_right(std::string_view header, std::size_t at) {
    std::string zeroed(header);
    std::uint32_t said = 0;
    for (std::size_t i = at; i < at + 4; i++) {
        said = said << 8 | octet_at(header, i);
        zeroed[i] = '\0';
    }
    return crc32c(zeroed) == said;
}

/// Whether the TLVs in `octets` fill it exactly.
bool are_whole(std::string_view octets) {
    while (octets.size() >= tlv_head) {
        const std::size_t size = tlv_head + number_at(octets, 1);
        if (size > octets.size()) return false;
        octets.remove_prefix(size);
    }
    return octets.empty();
}

/// What is wrong with one TLV whose value is header[at, at + size); null: nothing.
const char* fault_of_tlv(std::string_view header, unsigned type, std::size_t at, std::size_t size) {
    switch (type) {
        case proxy_tlv::crc32c:
            if (size != 4) return "a checksum that does not have 4 octets";
            return is_sum_right(header, at) ? nullptr : "the checksum is wrong";
        case proxy_tlv::unique_id:
            return size > most_unique_id ? "a unique id of more than 128 octets" : nullptr;
        case proxy_tlv::ssl:
            // Five octets in front: what the client did, and whether it was verified.
            return size < 5 || !are_whole(header.substr(at + 5, size - 5))
                       ? "facts about TLS that do not fit their size"
                       : nullptr;
        default:
            return nullptr;
    }
}

const char* fault_of_tlvs(std::string_view header, std::size_t at) {
    if (!are_whole(header.substr(at))) return "TLVs that do not fit the header's size";
    bool has_sum = false;
    while (at < header.size()) {
        const unsigned type = octet_at(header, at);
        const std::size_t size = number_at(header, at + 1);
        at += tlv_head;
        if (const char* fault = fault_of_tlv(header, type, at, size)) return fault;
        if (type == proxy_tlv::crc32c && has_sum) return "two checksums";
        has_sum = has_sum || type == proxy_tlv::crc32c;
        at += size;
    }
    return nullptr;
}

loop::Address address_at(std::string_view header, bool is_v4, std::size_t at, std::size_t port_at) {
    const auto port = static_cast<std::uint16_t>(number_at(header, port_at));
    if (is_v4) {
        in_addr v4{};
        std::memcpy(&v4, header.data() + at, sizeof v4);
        return loop::Address::from_v4(v4, port);
    }
    in6_addr v6{};
    std::memcpy(&v6, header.data() + at, sizeof v6);
    return loop::Address::from_v6(v6, port);
}

/// A header that has come whole, of the command PROXY.
ProxyHeader read_v2_addresses(std::string_view header) {
    ProxyHeader result;
    const unsigned family = octet_at(header, 13) >> 4;
    const unsigned protocol = octet_at(header, 13) & 15;
    if (family > 3 || protocol > 2) return malformed("an unknown family or protocol");
    const bool is_v4 = family == 1;
    const bool is_v6 = family == 2;
    const std::size_t room = is_v4         ? v4_addresses
                             : is_v6       ? v6_addresses
                             : family == 3 ? unix_addresses
                                           : 0;
    if (header.size() < v2_head + room) return malformed("too short for its addresses");
    if (const char* fault = fault_of_tlvs(header, v2_head + room)) return malformed(fault);
    // Section 2.2: of datagrams and of Unix sockets there is nothing that we could use.
    if (protocol != 1 || (!is_v4 && !is_v6)) return result;
    const std::size_t one = is_v4 ? 4 : 16;
    result.keeps_addresses = false;
    result.source = address_at(header, is_v4, v2_head, v2_head + 2 * one);
    result.destination = address_at(header, is_v4, v2_head + one, v2_head + 2 * one + 2);
    return result;
}

ProxyHeader read_v2(std::string_view octets) {
    ProxyHeader header;
    header.has_begun = true;
    if (octets.size() > 12 && octet_at(octets, 12) >> 4 != 2) {
        return malformed("a version that is not 2");
    }
    if (octets.size() > 12 && (octet_at(octets, 12) & 15) > 1) {
        return malformed("neither LOCAL nor PROXY");
    }
    if (octets.size() < v2_head) return header;
    const std::size_t size = v2_head + number_at(octets, 14);
    if (size > most_proxy_header) return malformed("larger than any use of it");
    if (octets.size() < size) return header;
    const bool is_local = (octet_at(octets, 12) & 15) == 0;
    // LOCAL: "the receiver must accept this connection as valid and must use the real connection
    // endpoints and discard the protocol block".
    if (!is_local) header = read_v2_addresses(octets.substr(0, size));
    if (header.state == State::malformed) return header;
    header.has_begun = true;
    header.state = State::complete;
    header.size = size;
    return header;
}

/// Whether as much of `signature` as could have come is there.
bool may_begin(std::string_view octets, std::string_view signature) {
    const std::size_t count = std::min(octets.size(), signature.size());
    return octets.substr(0, count) == signature.substr(0, count);
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view octets) {
    if (octets.starts_with(proxy_v1_signature)) return read_v1(octets);
    if (octets.starts_with(proxy_v2_signature)) return read_v2(octets);
    ProxyHeader header;
    const bool may_come =
        may_begin(octets, proxy_v1_signature) || may_begin(octets, proxy_v2_signature);
    if (!may_come) header.state = State::absent;
    return header;
}

}  // namespace headgate::net
