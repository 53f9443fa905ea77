// The PROXY protocol header that an upstream gets in front of a connection, from what is known of
// the client's.
#pragma once

#include <string>
#include <string_view>

#include "mpm/loop/address.h"
#include "proxy/net/tls_transport.h"
#include "proxy/settings/proxy_header_sending.h"

namespace headgate::proxy {

/// Of one client connection.
struct ProxyHeaderFacts {
    const loop::Address& client;
    const loop::Address& reached;            // what it connected to
    const net::TlsTransport* tls = nullptr;  // null: it is plain
    std::string_view server_name = {};       // asked for; empty: as `tls` knows
};

/// The header's octets; empty when none is to be sent.
std::string proxy_header(const ProxyHeaderSending& sending, const ProxyHeaderFacts& facts);

}  // namespace headgate::proxy
