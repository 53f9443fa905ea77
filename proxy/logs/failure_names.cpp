// See failure_names.h. The switches have no default: a word that is added needs its sentence.
#include "proxy/logs/failure_names.h"

#include <iterator>

namespace headgate::proxy {

namespace {

using net::FailureKind;
using net::Side;

const char* words_for(Side side) {
    switch (side) {
        case Side::client:
            return "The client broke off, or asked for what it cannot have.";
        case Side::upstream:
            return "The upstream broke off, could not be reached, or sent what cannot be believed.";
        case Side::proxy:
            return "The reason lies with this program: its limits or its configuration.";
        case Side::timeout:
            return "A deadline passed.";
        case Side::admin:
            return "This process was told to end, and waited no longer.";
    }
    return "";
}

const char* words_for(FailureKind kind) {
    switch (kind) {
        case FailureKind::cancelled:
            return "The wait was ended.";
        case FailureKind::client_silent:
            return "The client let it pass: it sent nothing, or took nothing of what was sent.";
        case FailureKind::upstream_silent:
            return "The upstream let it pass, or the name server did.";
        case FailureKind::both_silent:
            return "Nothing came from either end of the tunnel.";
        case FailureKind::stopped:
            return "By GracefulShutdownTimeout, a second signal, or -k stop.";
        case FailureKind::drained:
            return "By ProxyTunnelDrainTimeout.";
        case FailureKind::closed:
            return "It ended the connection where a message had to begin.";
        case FailureKind::incomplete:
            return "It ended its output in the middle of a message.";
        case FailureKind::reset:
            return "It reset the connection, or writing to it failed.";
        case FailureKind::malformed:
            return "What it sent is not HTTP, or could be read in two ways.";
        case FailureKind::too_large:
            return "What it sent is above a limit of the configuration.";
        case FailureKind::unresolved:
            return "Its name has no address.";
        case FailureKind::unreachable:
            return "No connection to it could be made.";
        case FailureKind::exhausted:
            return "There was no descriptor, port or memory left.";
        case FailureKind::tls_failed:
            return "No TLS came about, or a certificate was not to be believed.";
        case FailureKind::refused:
            return "Something that it asked for is not allowed, or is not there.";
    }
    return "";
}

/// By number (net/phase.h).
constexpr const char* phase_words[] = {
    "between two requests",
    "in the request's head",
    "in the request's content",
    "while the upstream's name was looked up",
    "while the upstream was connected to",
    "in the TLS handshake with the client",
    "while the request was sent to the upstream",
    "while the upstream's answer was waited for",
    "in the response's content",
    "while the response was sent to the client",
    "in a tunnel",
    "while the client read the last octets",
    "while others had their turn",
    "on an idle upstream connection",
    "before a connection was accepted",
    "in a PROXY protocol header",
    "in the TLS handshake with the upstream",
};
static_assert(std::size(phase_words) == loop::phase_limit);

}  // namespace

std::optional<net::Failure> failure_named(std::string_view name) {
    for (std::size_t i = 0; i < net::failure_indices; i++) {
        const net::Failure failure = net::failure_of_index(i);
        if (net::full_name(failure) == name) return failure;
    }
    return std::nullopt;
}

std::string in_words(const net::Failure& failure) {
    return std::string(words_for(failure.side)) + " It happened " +
           phase_words[static_cast<std::size_t>(failure.phase)] + ". " + words_for(failure.kind);
}

}  // namespace headgate::proxy
