// The PROXY protocol, writing: what an upstream is told about a client's connection before any
// octet of it. Pure; reading is in proxy_protocol.h.
#pragma once

#include <optional>
#include <string>

#include "mpm/loop/address.h"

namespace headgate::net {

/// What is known of a client's TLS (section 2.2.6, PP2_TYPE_SSL). Empty texts are left out.
struct ProxyTlsFacts {
    bool shows_certificate = false;  // of the client
    bool is_verified = false;
    std::string version;      // "TLSv1.3"
    std::string cipher;       // "TLS_AES_256_GCM_SHA384"
    std::string common_name;  // of the client's certificate
};

/// What version 2 may say beyond addresses; version 1 says none of it.
struct ProxyHeaderExtras {
    std::string alpn;
    std::string authority;  // the server name that the client asked for
    std::optional<ProxyTlsFacts> tls;
    bool has_checksum = false;
};

/// Addresses of two families are both written as IPv6 ones, the IPv4 one mapped in. Without an
/// address on either side: UNKNOWN.
std::string write_proxy_v1(const loop::Address& source, const loop::Address& destination);
/// The same in version 2; without addresses: PROXY of no family.
std::string write_proxy_v2(const loop::Address& source, const loop::Address& destination,
                           const ProxyHeaderExtras& extras);

}  // namespace headgate::net
