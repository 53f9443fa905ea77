// What Protocols says: the application protocols that a TLS handshake offers (ALPN, RFC 7301). A
// virtual host of requests has http/1.1 so far; one with TunnelTo offers whatever it names, for it
// passes any protocol on.
#pragma once

#include <string>
#include <vector>

#include "conf/diagnostic.h"
#include "proxy/settings/settings.h"

namespace headgate::proxy {

/// Names as ALPN has them on the wire, each with its size in front (RFC 7301 section 3.1).
std::string protocol_list(const std::vector<conf::Word>& names);

/// What a virtual host with requests offers. Clients that offer http/1.0 alone, as curl --http1.0
/// does, get that: it is a name of its own (RFC 7301 section 6), and served like any 1.0 client's.
inline constexpr const char* protocols_of_requests = "\x08http/1.1\x08http/1.0";

/// Of a virtual host with requests, by its own settings: says what it cannot speak yet, and what
/// has no effect. (What the server around it says is about those with TunnelTo as well.)
void check_protocols_of_requests(const ServerSettings& own, conf::Diagnostics& diagnostics);

}  // namespace headgate::proxy
