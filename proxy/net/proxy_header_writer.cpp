// See proxy_header_writer.h.
#include "proxy/net/proxy_header_writer.h"

#include <cstring>
#include <string_view>

#include "proxy/net/crc32c.h"
#include "proxy/net/proxy_protocol.h"

namespace headgate::net {
namespace {

constexpr std::size_t size_at = 14;      // of the header: how much follows
constexpr std::size_t most_text = 1024;  // of one TLV

/// Both ends of a connection in one family.
struct Ends {
    loop::Address source;
    loop::Address destination;
    bool are_v4 = false;
};

/// IPv4 when it is that, mapped or not.
std::optional<in_addr> v4_of(const loop::Address& address) {
    in_addr v4{};
    if (address.family() == AF_INET) {
        sockaddr_in socket{};
        std::memcpy(&socket, address.data(), sizeof socket);
        return socket.sin_addr;
    }
    sockaddr_in6 socket{};
    std::memcpy(&socket, address.data(), sizeof socket);
    if (!IN6_IS_ADDR_V4MAPPED(&socket.sin6_addr)) return std::nullopt;
    std::memcpy(&v4, socket.sin6_addr.s6_addr + 12, sizeof v4);
    return v4;
}

in6_addr v6_of(const loop::Address& address) {
    in6_addr v6{};
    if (address.family() == AF_INET6) {
        sockaddr_in6 socket{};
        std::memcpy(&socket, address.data(), sizeof socket);
        return socket.sin6_addr;
    }
    const in_addr v4 = *v4_of(address);
    v6.s6_addr[10] = v6.s6_addr[11] = 0xff;
    std::memcpy(v6.s6_addr + 12, &v4, sizeof v4);
    return v6;
}

bool is_ip(const loop::Address& address) {
    return address.family() == AF_INET || address.family() == AF_INET6;
}

std::optional<Ends> ends_of(const loop::Address& source, const loop::Address& destination) {
    if (!is_ip(source) || !is_ip(destination)) return std::nullopt;
    const auto from = v4_of(source);
    const auto to = v4_of(destination);
    if (from && to) {
        return Ends{loop::Address::from_v4(*from, source.port()),
                    loop::Address::from_v4(*to, destination.port()), true};
    }
    return Ends{loop::Address::from_v6(v6_of(source), source.port()),
                loop::Address::from_v6(v6_of(destination), destination.port()), false};
}

/// As text, an IPv4 address that is mapped in included: host_text() would unmap it.
std::string text_of(const loop::Address& address, bool is_v4) {
    const std::string text = address.host_text();
    return is_v4 || text.find(':') != text.npos ? text : "::ffff:" + text;
}

void append_number(std::string& out, std::size_t number) {
    out += static_cast<char>(number >> 8 & 0xff);
    out += static_cast<char>(number & 0xff);
}

void append_tlv(std::string& out, unsigned type, std::string_view value) {
    value = value.substr(0, most_text);
    out += static_cast<char>(type);
    append_number(out, value.size());
    out += value;
}

void append_text(std::string& out, unsigned type, std::string_view value) {
    if (!value.empty()) append_tlv(out, type, value);
}

template <class Octets>
void append_octets(std::string& out, const Octets& octets) {
    out.append(reinterpret_cast<const char*>(&octets), sizeof octets);
}

void append_ends(std::string& out, const Ends& ends) {
    for (const loop::Address* end : {&ends.source, &ends.destination}) {
        if (ends.are_v4) {
            append_octets(out, *v4_of(*end));
        } else {
            append_octets(out, v6_of(*end));
        }
    }
    append_number(out, ends.source.port());
    append_number(out, ends.destination.port());
}

std::string tls_value(const ProxyTlsFacts& facts) {
    constexpr char is_tls = 0x01;
    constexpr char shows_certificate = 0x02;
    constexpr char in_session = 0x04;
    std::string value;
    value +=
        static_cast<char>(is_tls | (facts.shows_certificate ? shows_certificate | in_session : 0));
    // "zero if the client presented a certificate and it was successfully verified".
    value += std::string(3, '\0');
    value += facts.shows_certificate && facts.is_verified ? '\0' : '\1';
    append_text(value, proxy_tlv::ssl_version, facts.version);
    append_text(value, proxy_tlv::ssl_cn, facts.common_name);
    append_text(value, proxy_tlv::ssl_cipher, facts.cipher);
    return value;
}

void write_size(std::string& header) {
    const std::size_t size = header.size() - size_at - 2;
    header[size_at] = static_cast<char>(size >> 8);
    header[size_at + 1] = static_cast<char>(size & 0xff);
}

/// The last TLV, over everything before it and itself as zero.
void append_checksum(std::string& header) {
    append_tlv(header, proxy_tlv::crc32c, std::string_view("\0\0\0\0", 4));
    write_size(header);
    const std::uint32_t sum = crc32c(header);
    for (std::size_t i = 0; i < 4; i++)
        header[header.size() - 4 + i] = static_cast<char>(sum >> (24 - 8 * i) & 0xff);
}

}  // namespace

std::string write_proxy_v1(const loop::Address& source, const loop::Address& destination) {
    const auto ends = ends_of(source, destination);
    if (!ends) return "PROXY UNKNOWN\r\n";
    return std::string(proxy_v1_signature) + (ends->are_v4 ? "TCP4 " : "TCP6 ") +
           text_of(ends->source, ends->are_v4) + " " + text_of(ends->destination, ends->are_v4) +
           " " + std::to_string(ends->source.port()) + " " +
           std::to_string(ends->destination.port()) + "\r\n";
}

std::string write_proxy_v2(const loop::Address& source, const loop::Address& destination,
                           const ProxyHeaderExtras& extras) {
    const auto ends = ends_of(source, destination);
    std::string header(proxy_v2_signature);
    header += '\x21';  // version 2, PROXY
    header += !ends ? '\0' : ends->are_v4 ? '\x11' : '\x21';
    append_number(header, 0);
    if (ends) append_ends(header, *ends);
    append_text(header, proxy_tlv::alpn, extras.alpn);
    append_text(header, proxy_tlv::authority, extras.authority);
    if (extras.tls) append_tlv(header, proxy_tlv::ssl, tls_value(*extras.tls));
    write_size(header);
    if (extras.has_checksum) append_checksum(header);
    return header;
}

}  // namespace headgate::net
