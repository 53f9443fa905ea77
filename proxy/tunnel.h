// Tunnel: what a connection becomes when the upstream has switched protocols (RFC 9110 section
// 7.8): octets both ways, of which nothing is understood. A pump for each direction; the end of one
// direction is passed on as such, and the other one goes on.
//
// Not a mode of the relay: it knows no message, and nobody else knows half-closed connections.
#pragma once

#include "proxy/net/failure.h"
#include "proxy/net/pipe.h"
#include "proxy/net/transport.h"
#include "proxy/proxy_header_guard.h"

namespace headgate::proxy {

/// Octets relayed. Owned by the caller, kept up to date while the tunnel is open.
struct TunnelCounts {
    std::uint64_t to_client = 0;
    std::uint64_t to_upstream = 0;
};

struct TunnelTerms {
    loop::Milliseconds idle;  // without an octet from either end, or with one that takes none
    net::PipeStock* pipes = nullptr;  // outlives the tunnel; null: everything is copied
    /// Of what comes from the client, which fails as malformed in phase::proxy_header; outlives the
    /// tunnel. Null: a PROXY header passes as anything else does.
    ProxyHeaderGuard* guard = nullptr;
};

/// Until both directions have ended. Octets that either transport holds already (unread) belong to
/// the tunnel. When nothing has come from either end for `idle`, or one end has taken nothing for
/// that long, it fails as both_silent. Large runs between plain ends are moved inside the kernel.
/// Each wait is in phase::tunnel; an idle tunnel keeps no buffer and no pipe. Unless silence is
/// what ended it, both ends of one that fails reset on close, for what they got may not be all.
/// Transports and counts must outlive the task.
loop::Task<net::Result<void>> tunnel(net::Transport& client, net::Transport& upstream,
                                     TunnelTerms terms, TunnelCounts& counts);

}  // namespace headgate::proxy
