// See tls_connector.h.
#include "upstream/tls_connector.h"

#include "mpm/loop/address.h"

namespace headgate::upstream {

using net::Failure;
using net::FailureKind;
using net::Result;
using net::Side;

std::string TlsOptions::key(const Endpoint& endpoint) const {
    return endpoint.key + "|" + server_name + "|" + std::to_string(context->number()) +
           (protocols.empty() ? "" : "|" + protocols);
}

loop::Task<Result<std::unique_ptr<net::Transport>>> start_tls(
    std::unique_ptr<net::PlainTransport> plain, const Endpoint& endpoint, const TlsOptions& options,
    net::TlsSessions& sessions, loop::Deadline deadline) {
    auto tls = std::make_unique<net::TlsTransport>(std::move(plain), options.context);
    // RFC 6066 section 3: "Literal IPv4 and IPv6 addresses are not permitted".
    const bool is_literal = loop::Address::from_literal(options.server_name, 0).has_value();
    if (!is_literal) tls->ask_for(options.server_name);
    if (!options.protocols.empty()) tls->ask_for_protocols(options.protocols);
    tls->resume_from(sessions, options.key(endpoint));
    const Result<void> shaken = co_await handshake(*tls, Side::upstream, deadline);
    if (!shaken) co_return shaken.error();
    const char* fault = net::fault_of_peer(*tls, options.server_name, options.checks);
    if (fault != nullptr) {
        co_return Failure{Side::upstream, FailureKind::tls_failed, net::phase::upstream_tls, 0, 0,
                          fault};
    }
    co_return std::move(tls);
}

}  // namespace headgate::upstream
