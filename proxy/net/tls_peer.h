// What is known of the other end of a TLS connection: facts by the names that mod_ssl gives them,
// and the checks of an upstream's certificate that Apache makes whatever SSLProxyVerify says.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/net/tls_transport.h"

namespace headgate::net {

/// The value of SSL_PROTOCOL, SSL_CIPHER, SSL_CLIENT_S_DN_CN, ... (mod_ssl's environment
/// variables, as tls_fact_names.h knows them); empty when there is none, or no such name.
std::string tls_fact(const TlsTransport& transport, std::string_view name);
/// Null: of a plain connection, of which HTTPS is "off" and the versions alone are known.
std::string tls_fact(const TlsTransport* transport, std::string_view name);

/// Whether the handshake was a short one, of a session agreed before.
bool is_resumed(const TlsTransport& transport);

/// SSLProxyCheckPeerName with SSLProxyCheckPeerCN, and SSLProxyCheckPeerExpire.
struct PeerChecks {
    /// Whether the name asked for must be one of the certificate's, or the common name of its
    /// subject whatever other names it has.
    enum class Name : std::uint8_t { unchecked, any, common };
    Name name = Name::any;
    bool expiry = true;
};
/// Why the peer's certificate must not be believed (static text); null when it may be.
const char* fault_of_peer(const TlsTransport& transport, const std::string& name,
                          const PeerChecks& checks);

}  // namespace headgate::net
