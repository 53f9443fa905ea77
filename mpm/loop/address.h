// Address: where a connection comes from or goes to: IPv4, IPv6, or a path in the file system.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::loop {

class Address {
public:
    Address() { storage_.base.sa_family = AF_UNSPEC; }

    /// From an IPv4 or IPv6 literal without brackets; nullopt for anything else (no names here).
    static std::optional<Address> from_literal(std::string_view host, std::uint16_t port);
    /// Every address of the machine: IPv6 with IPv4 mapped in, or IPv4 alone.
    static Address any_v6(std::uint16_t port);
    static Address any_v4(std::uint16_t port);
    /// From raw octets in network order, as DNS delivers them.
    static Address from_v4(const in_addr& address, std::uint16_t port);
    static Address from_v6(const in6_addr& address, std::uint16_t port);

    /// Our own end of a connected socket; family() is AF_UNSPEC when unknown.
    static Address of_socket(int descriptor);

    const sockaddr* data() const { return &storage_.base; }
    sockaddr* data() { return &storage_.base; }
    socklen_t size() const;
    static constexpr socklen_t capacity = sizeof(sockaddr_in6);

    sa_family_t family() const { return storage_.base.sa_family; }
    std::uint16_t port() const;
    Address with_port(std::uint16_t port) const;
    /// "192.0.2.1", "2001:db8::1" (an IPv4-mapped address as IPv4); empty when unspecified.
    std::string host_text() const;
    /// "192.0.2.1:80", "[2001:db8::1]:80".
    std::string text() const;
    bool is_any() const;

    friend bool operator==(const Address& left, const Address& right);

private:
    union {
        sockaddr base;
        sockaddr_in v4;
        sockaddr_in6 v6;
    } storage_{};
};

}  // namespace headgate::loop
