// See address.h.
#include "mpm/loop/address.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>
#include <iterator>

namespace headgate::loop {
namespace {

/// inet_ntop() prints with sprintf(), and every request asks for its client's address.
std::string v4_text(const void* octets) {
    char text[INET_ADDRSTRLEN];
    char* end = text;
    for (int i = 0; i < 4; i++) {
        if (i > 0) *end++ = '.';
        const unsigned octet = static_cast<const unsigned char*>(octets)[i];
        end = std::to_chars(end, std::end(text), octet).ptr;
    }
    return {text, end};
}

}  // namespace

std::optional<Address> Address::from_literal(std::string_view host, std::uint16_t port) {
    char text[INET6_ADDRSTRLEN];
    if (host.empty() || host.size() >= sizeof text) return std::nullopt;
    std::memcpy(text, host.data(), host.size());
    text[host.size()] = 0;
    in_addr v4;
    if (::inet_pton(AF_INET, text, &v4) == 1) return from_v4(v4, port);
    in6_addr v6;
    if (::inet_pton(AF_INET6, text, &v6) == 1) return from_v6(v6, port);
    return std::nullopt;
}

Address Address::from_v4(const in_addr& address, std::uint16_t port) {
    Address result;
    result.storage_.v4 = {};
    result.storage_.v4.sin_family = AF_INET;
    result.storage_.v4.sin_addr = address;
    result.storage_.v4.sin_port = htons(port);
    return result;
}

Address Address::from_v6(const in6_addr& address, std::uint16_t port) {
    Address result;
    result.storage_.v6 = {};
    result.storage_.v6.sin6_family = AF_INET6;
    result.storage_.v6.sin6_addr = address;
    result.storage_.v6.sin6_port = htons(port);
    return result;
}

Address Address::any_v6(std::uint16_t port) {
    return from_v6(in6addr_any, port);
}

Address Address::any_v4(std::uint16_t port) {
    return from_v4(in_addr{INADDR_ANY}, port);
}

Address Address::of_socket(int descriptor) {
    Address result;
    socklen_t size = capacity;
    if (::getsockname(descriptor, result.data(), &size) != 0) return {};
    return result;
}

socklen_t Address::size() const {
    return family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

std::uint16_t Address::port() const {
    if (family() == AF_INET) return ntohs(storage_.v4.sin_port);
    if (family() == AF_INET6) return ntohs(storage_.v6.sin6_port);
    return 0;
}

Address Address::with_port(std::uint16_t port) const {
    Address result = *this;
    if (family() == AF_INET) result.storage_.v4.sin_port = htons(port);
    if (family() == AF_INET6) result.storage_.v6.sin6_port = htons(port);
    return result;
}

std::string Address::host_text() const {
    if (family() == AF_INET) return v4_text(&storage_.v4.sin_addr);
    if (family() != AF_INET6) return "";
    const in6_addr& address = storage_.v6.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address)) return v4_text(address.s6_addr + 12);
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET6, &address, text, sizeof text);
    return text;
}

std::string Address::text() const {
    const std::string host = host_text();
    const std::string port_text = std::to_string(port());
    if (host.find(':') == std::string::npos) return host + ":" + port_text;
    return "[" + host + "]:" + port_text;
}

bool Address::is_any() const {
    if (family() == AF_INET) return storage_.v4.sin_addr.s_addr == INADDR_ANY;
    if (family() == AF_INET6) return IN6_IS_ADDR_UNSPECIFIED(&storage_.v6.sin6_addr);
    return false;
}

bool operator==(const Address& left, const Address& right) {
    if (left.family() != right.family()) return false;
    if (left.family() == AF_UNSPEC) return true;
    return left.port() == right.port() && left.host_text() == right.host_text();
}

}  // namespace headgate::loop
