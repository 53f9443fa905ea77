// What TunnelTo says: the connections of a virtual host are passed on as they are, whatever they
// speak (after TLS, where SSLEngine is on).
#pragma once

#include "conf/source.h"
#include "proxy/settings/pass.h"
#include "upstream/endpoint.h"

namespace headgate::proxy {

/// One TunnelTo.
struct TunnelRule {
    conf::Span span;  ///< of the target
    upstream::Endpoint endpoint;
    bool is_tls = false;        ///< tls://: by SSLProxy..., which the virtual host must have on
    PassParameters parameters;  ///< connectiontimeout, timeout, keepalive and proxyprotocol
};

}  // namespace headgate::proxy
