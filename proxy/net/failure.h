// Failure: why a step of an exchange did not succeed, as a value. Side, phase and kind say what
// happened; the status code, the word in the access log and whether to try again all follow from
// it. Together they are its name, in %{end}x, in the error log and in the counters of the status:
//
//   side      kinds
//   client    closed, incomplete, reset, malformed, too-large, tls-failed, refused
//   upstream  closed, incomplete, reset, malformed, too-large, tls-failed, unresolved, unreachable
//   proxy     exhausted, and tls-failed where our own configuration is the reason
//   timeout   client-silent, upstream-silent, both-silent: who let a deadline pass. In the phase
//             "resolve" it is the name server; in "client-write" the client, which does not read
//   admin     stopped, drained: somebody had this process end, and it waited no longer
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "mpm/loop/waiter.h"
#include "proxy/net/phase.h"

namespace headgate::net {

/// Whose doing it was.
enum class Side : std::uint8_t { client, upstream, proxy, timeout, admin };
inline constexpr std::size_t side_count = 5;

enum class FailureKind : std::uint8_t {
    cancelled,        // a wait was ended from our own side; settled() says why, before it is named
    client_silent,    // a deadline passed that the client let pass
    upstream_silent,  // the same, and the upstream
    both_silent,      // the same, and both ends of a tunnel
    stopped,          // the process had to end: GracefulShutdownTimeout, a second TERM, -k stop
    drained,          // ProxyTunnelDrainTimeout: a tunnel of a process that drains
    closed,           // the peer ended its input where a message still had to begin
    incomplete,       // the peer ended its input inside a message
    reset,            // RST or another error of the connection
    malformed,        // what the peer sent is not HTTP, or must not be believed
    too_large,        // above a configured limit
    unresolved,       // the upstream's name has no address
    unreachable,      // no connection to the upstream
    exhausted,        // we have no descriptor, port or memory for it
    tls_failed,       // no handshake, or a certificate that must not be believed
    refused,          // not allowed, or nothing there: an answer of ours
};

struct Failure {
    Side side = Side::proxy;
    FailureKind kind = FailureKind::cancelled;
    loop::Phase phase{};
    std::uint16_t status = 0;  // what to answer, when the fault itself says so; else 0
    int error = 0;             // errno, when a system call said it
    const char* detail = "";   // static text for the error log; never null
};

void throw_exception_from_error(const Failure&, const boost::source_location&) = delete;

class Transport;
/// The failure that an error of a connection means, in the words of its TLS where these say more.
Failure lost(Side side, loop::Phase phase, const Transport& transport, int error);

/// A value or a Failure. Test it, then use `*` and `error()`; value() does not compile.
template <class T>
using Result = boost::system::result<T, Failure>;

/// The status that the client is answered when nothing was sent to it yet (RFC 9110 section 15).
std::uint16_t status_of(const Failure& failure);
/// "closed", "upstream-silent", ... Never null.
const char* name(FailureKind kind);
const char* name(Side side);

/// "timeout/upstream-wait/upstream-silent": side, phase, kind.
std::string full_name(const Failure& failure);

/// A number below failure_indices for side, phase and kind, to count by; and its full name.
inline constexpr std::size_t kind_limit = 16;
inline constexpr std::size_t failure_indices = side_count * loop::phase_limit * kind_limit;
static_assert(static_cast<std::size_t>(FailureKind::refused) < kind_limit);
std::size_t index_of(const Failure& failure);
Failure failure_of_index(std::size_t index);
std::string name_of_index(std::size_t index);

/// With whom it happened: client or upstream, also where the deadline was the end of it; else the
/// failure's own side.
Side party_of(const Failure& failure);

/// The failure that a wait for `party` means when it ends so; `wake` is deadline or cancelled.
/// Party proxy: a wait for either end.
Failure failed_wait(Side party, loop::Phase phase, loop::Wake wake);

/// What a failure is called, where the exchange knows why its waits were cancelled: `why` is reset
/// (the client left), stopped or drained. Any other failure stays as it is.
Failure settled(const Failure& failure, FailureKind why);

}  // namespace headgate::net
