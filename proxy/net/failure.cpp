// See failure.h.
#include "proxy/net/failure.h"

#include "proxy/net/transport.h"

namespace headgate::net {

Failure lost(Side side, loop::Phase phase, const Transport& transport, int error) {
    const bool is_said = error == broken_tls || error == ended_without_notice;
    return {side, FailureKind::reset, phase, 0, is_said ? 0 : error, transport.fault()};
}

std::uint16_t status_of(const Failure& failure) {
    if (failure.status != 0) return failure.status;
    const bool upstream = failure.side == Side::upstream;
    switch (failure.kind) {
        case FailureKind::cancelled:
        case FailureKind::stopped:
        case FailureKind::drained:
            return 503;
        case FailureKind::client_silent:
            return 408;
        case FailureKind::upstream_silent:
        case FailureKind::both_silent:
            return 504;
        case FailureKind::closed:
        case FailureKind::incomplete:
        case FailureKind::reset:
        case FailureKind::malformed:
            return upstream ? 502 : 400;
        case FailureKind::too_large:
            return upstream ? 502 : 413;
        case FailureKind::unresolved:
            return 502;
        case FailureKind::unreachable:
        case FailureKind::exhausted:
            return 503;
        case FailureKind::tls_failed:
            return failure.side == Side::client ? 400 : 502;
        case FailureKind::refused:
            return 403;
    }
    return 500;
}

const char* name(FailureKind kind) {
    switch (kind) {
        case FailureKind::cancelled:
            return "cancelled";
        case FailureKind::client_silent:
            return "client-silent";
        case FailureKind::upstream_silent:
            return "upstream-silent";
        case FailureKind::both_silent:
            return "both-silent";
        case FailureKind::stopped:
            return "stopped";
        case FailureKind::drained:
            return "drained";
        case FailureKind::closed:
            return "closed";
        case FailureKind::incomplete:
            return "incomplete";
        case FailureKind::reset:
            return "reset";
        case FailureKind::malformed:
            return "malformed";
        case FailureKind::too_large:
            return "too-large";
        case FailureKind::unresolved:
            return "unresolved";
        case FailureKind::unreachable:
            return "unreachable";
        case FailureKind::exhausted:
            return "exhausted";
        case FailureKind::tls_failed:
            return "tls-failed";
        case FailureKind::refused:
            return "refused";
    }
    return "unknown";
}

const char* name(Side side) {
    switch (side) {
        case Side::client:
            return "client";
        case Side::upstream:
            return "upstream";
        case Side::proxy:
            return "proxy";
        case Side::timeout:
            return "timeout";
        case Side::admin:
            return "admin";
    }
    return "unknown";
}

std::string full_name(const Failure& failure) {
    return std::string(name(failure.side)) + "/" + phase::name(failure.phase) + "/" +
           name(failure.kind);
}

std::size_t index_of(const Failure& failure) {
    const auto side = static_cast<std::size_t>(failure.side);
    const auto phase = static_cast<std::size_t>(failure.phase);
    return (side * loop::phase_limit + phase) * kind_limit + static_cast<std::size_t>(failure.kind);
}

Failure failure_of_index(std::size_t index) {
    const std::size_t side_and_phase = index / kind_limit;
    Failure failure;
    failure.side = static_cast<Side>(side_and_phase / loop::phase_limit);
    failure.phase = static_cast<loop::Phase>(side_and_phase % loop::phase_limit);
    failure.kind = static_cast<FailureKind>(index % kind_limit);
    return failure;
}

std::string name_of_index(std::size_t index) {
    return full_name(failure_of_index(index));
}

Side party_of(const Failure& failure) {
    if (failure.kind == FailureKind::client_silent) return Side::client;
    if (failure.kind == FailureKind::upstream_silent) return Side::upstream;
    return failure.side;
}

Failure failed_wait(Side party, loop::Phase phase, loop::Wake wake) {
    if (wake != loop::Wake::deadline) return {party, FailureKind::cancelled, phase, 0, 0, ""};
    const FailureKind kind = party == Side::client     ? FailureKind::client_silent
                             : party == Side::upstream ? FailureKind::upstream_silent
                                                       : FailureKind::both_silent;
    return {Side::timeout, kind, phase, 0, 0, ""};
}

Failure settled(const Failure& failure, FailureKind why) {
    if (failure.kind != FailureKind::cancelled) return failure;
    if (why == FailureKind::reset) {
        return {Side::client, FailureKind::reset, failure.phase, 0, 0, "the client left"};
    }
    const char* const detail = why == FailureKind::drained
                                   ? "ProxyTunnelDrainTimeout is over"
                                   : "this process waits no longer for its exchanges";
    return {Side::admin, why, failure.phase, 0, 0, detail};
}

}  // namespace headgate::net
