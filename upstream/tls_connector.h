// TLS on a fresh connection to an upstream: server name, resumption, handshake, and what is checked
// of the certificate.
#pragma once

#include <memory>
#include <string>

#include "proxy/net/tls_context.h"
#include "proxy/net/tls_peer.h"
#include "proxy/net/tls_sessions.h"
#include "proxy/net/tls_transport.h"
#include "upstream/endpoint.h"

namespace headgate::upstream {

/// How one upstream is spoken to by TLS.
struct TlsOptions {
    std::shared_ptr<const net::TlsContext> context;
    std::string server_name;  // asked for, and looked for in the certificate; or an address
    net::PeerChecks checks;
    std::string protocols;  // asked for (ALPN), as on the wire; empty: none

    /// What connections and sessions are filed under: nothing is shared between names, contexts
    /// or protocols.
    std::string key(const Endpoint& endpoint) const;
};

/// Fails as tls_failed (with the reason), upstream_silent or cancelled. `options` and `sessions`
/// must outlive the task, `sessions` also the transport.
loop::Task<net::Result<std::unique_ptr<net::Transport>>> start_tls(
    std::unique_ptr<net::PlainTransport> plain, const Endpoint& endpoint, const TlsOptions& options,
    net::TlsSessions& sessions, loop::Deadline deadline);

}  // namespace headgate::upstream
