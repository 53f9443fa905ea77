// The door of a port where the PROXY protocol is spoken: what a proxy in front of us says about a
// connection is read before anything else of it, TLS included. From then on the client is who it
// says: for rules, fields, logs and status.
#pragma once

#include "proxy/tls_door.h"

namespace headgate::proxy {

/// Reads the header that the peer must or may send, and puts back what follows it. False: the
/// connection ends here, which is logged. Waits in phase::proxy_header, as long as
/// RequestReadTimeout gives a handshake (else a head), and never longer than Timeout. `arrival`
/// outlives the task.
loop::Task<bool> take_proxy_header(LoopState& state, Arrival& arrival);

}  // namespace headgate::proxy
