// Connecting to an endpoint: its name resolved, its addresses tried in turn.
#pragma once

#include <memory>

#include "proxy/net/plain_transport.h"
#include "upstream/endpoint.h"
#include "upstream/resolver.h"

namespace headgate::upstream {

struct ConnectOptions {
    loop::Milliseconds timeout{60'000};  // for DNS, and again for each address
    bool tcp_keep_alive = false;
};

/// A fresh connection. Fails as unresolved, unreachable (refused, no route), upstream_silent or
/// exhausted (no descriptor or port), each with the last address's errno. `endpoint` must outlive
/// the task.
loop::Task<net::Result<std::unique_ptr<net::PlainTransport>>> connect(loop::Loop& loop,
                                                                      Resolver& resolver,
                                                                      const Endpoint& endpoint,
                                                                      ConnectOptions options);

}  // namespace headgate::upstream
