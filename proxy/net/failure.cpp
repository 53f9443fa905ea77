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
            return 503;
        case FailureKind::timed_out:
            return upstream ? 504 : 408;
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
            return upstream ? 502 : 400;
        case FailureKind::refused:
            return 403;
    }
    return 500;
}

const char* name(FailureKind kind) {
    switch (kind) {
        case FailureKind::cancelled:
            return "cancelled";
        case FailureKind::timed_out:
            return "timed-out";
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
    }
    return "unknown";
}

std::string name_of_index(std::size_t index) {
    return std::string(name(static_cast<Side>(index / kind_limit))) + "/" +
           name(static_cast<FailureKind>(index % kind_limit));
}

}  // namespace headgate::net
