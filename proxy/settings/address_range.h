// AddressRange: addresses that have their first bits in common, as configurations name them.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "mpm/loop/address.h"

namespace headgate::proxy {

/// IPv4 addresses count as IPv6 ones with IPv4 mapped in (RFC 4291 section 2.5.5.2), so that a
/// range holds a peer however its socket was made.
class AddressRange {
public:
    /// "192.0.2.1", "192.0.2.0/24", "192.0.2.0/255.255.255.0", "192.0.2" (the first octets),
    /// "2001:db8::/32"; nullopt for anything else.
    static std::optional<AddressRange> parse(std::string_view text);

    bool holds(const loop::Address& address) const;
    friend bool operator==(const AddressRange&, const AddressRange&) = default;

    /// Loopback, link-local and private use (RFC 1918, RFC 4193, and with Apache's mod_remoteip
    /// every IPv6 address outside 2000::/3).
    static bool is_internal(const loop::Address& address);

private:
    using Octets = std::array<unsigned char, 16>;
    static Octets octets_of(const loop::Address& address);
    static std::optional<AddressRange> parse_first_octets(std::string_view text);
    Octets octets_{};
    unsigned bits_ = 128;
};

}  // namespace headgate::proxy
