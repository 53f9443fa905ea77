// See connector.h.
#include "upstream/connector.h"

#include <cerrno>

namespace headgate::upstream {

using net::Failure;
using net::FailureKind;
using net::PlainTransport;
using net::Result;
using net::Side;
namespace phase = net::phase;

namespace {

using Connected = Result<std::unique_ptr<PlainTransport>>;

Failure connect_failure(int error) {
    const bool ours = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM ||
                      error == EADDRNOTAVAIL;
    if (ours) return {Side::proxy, FailureKind::exhausted, phase::connect, 0, error, "no socket"};
    if (error == ETIMEDOUT) {
        return net::failed_wait(Side::upstream, phase::connect, loop::Wake::deadline);
    }
    return {Side::upstream, FailureKind::unreachable, phase::connect, 0, error, "connect failed"};
}

loop::Task<Connected> finish_connect(loop::Loop& loop, loop::Connecting connecting,
                                     ConnectOptions options) {
    if (connecting.error != 0 && connecting.error != EINPROGRESS) {
        co_return connect_failure(connecting.error);
    }
    connecting.socket.tune_for_relay();
    if (options.tcp_keep_alive) connecting.socket.keep_alive_probes();
    auto transport = std::make_unique<PlainTransport>(loop, std::move(connecting.socket));
    if (connecting.error == EINPROGRESS) {
        transport->readiness().writable = false;
        const loop::Deadline deadline = loop::Deadline::after(options.timeout);
        const loop::Wake wake =
            co_await wait(*transport, net::Want::write, phase::connect, deadline);
        if (wake != loop::Wake::ready) {
            co_return net::failed_wait(Side::upstream, phase::connect, wake);
        }
        const int error = loop::connect_result(transport->descriptor());
        if (error != 0) co_return connect_failure(error);
    }
    co_return std::move(transport);
}

}  // namespace

loop::Task<Connected> connect(loop::Loop& loop, Resolver& resolver, const Endpoint& endpoint,
                              ConnectOptions options) {
    if (!endpoint.unix_path.empty()) {
        co_return co_await finish_connect(loop, loop::start_connect_unix(endpoint.unix_path),
                                          options);
    }
    const loop::Deadline deadline = loop::Deadline::after(options.timeout);
    auto addresses = co_await resolver.resolve(endpoint.host, endpoint.port, deadline);
    if (!addresses) co_return addresses.error();
    Connected connected = connect_failure(ENETUNREACH);
    for (const loop::Address& address : *addresses) {
        connected = co_await finish_connect(loop, loop::start_connect(address), options);
        if (connected || connected.error().kind == FailureKind::cancelled) break;
    }
    co_return std::move(connected);
}

}  // namespace headgate::upstream
