// The phases of an exchange and of a connection: what a wait is for. mpm/ carries them as opaque
// numbers; here they have their names, which the access log, the status page and failures show.
#pragma once

#include <iterator>

#include "mpm/loop/account.h"

namespace headgate::net::phase {

inline constexpr loop::Phase keep_alive{0};        // client connection idle between exchanges
inline constexpr loop::Phase request_head{1};      // for the rest of a request head
inline constexpr loop::Phase request_content{2};   // for the client's next octets of content
inline constexpr loop::Phase resolve{3};           // for DNS
inline constexpr loop::Phase connect{4};           // for the upstream's SYN ACK
inline constexpr loop::Phase tls{5};               // for a handshake with the client
inline constexpr loop::Phase send_request{6};      // for room towards the upstream
inline constexpr loop::Phase upstream_wait{7};     // for the response head: the upstream thinks
inline constexpr loop::Phase response_content{8};  // for the upstream's next octets of content
inline constexpr loop::Phase client_write{9};      // for room towards a slow client
inline constexpr loop::Phase tunnel{10};           // for either end of a tunnel
inline constexpr loop::Phase linger{11};           // for the client to have read our last octets
inline constexpr loop::Phase turn{12};             // for other exchanges to have their turn
inline constexpr loop::Phase idle_upstream{13};    // pooled connection
inline constexpr loop::Phase accepting{14};        // for connections, or for a free slot
inline constexpr loop::Phase proxy_header{15};     // for a PROXY protocol header
inline constexpr loop::Phase upstream_tls{16};     // for a handshake with the upstream

/// "keep-alive", "request-head", ...: the words of logs and status. Never null.
const char* name(loop::Phase phase);

}  // namespace headgate::net::phase
