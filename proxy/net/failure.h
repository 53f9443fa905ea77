// Failure: why a step of an exchange did not succeed, as a value. Side, phase and kind say what
// happened; the status code, the word in the access log and whether to try again all follow from
// it.
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
enum class Side : std::uint8_t { client, upstream, proxy };

enum class FailureKind : std::uint8_t {
    cancelled,    // ended from our own side: drain, stop, or the other direction failed
    timed_out,    // a deadline passed
    closed,       // the peer ended its input where a message still had to begin
    incomplete,   // the peer ended its input inside a message
    reset,        // RST or another error of the connection
    malformed,    // what the peer sent is not HTTP, or must not be believed
    too_large,    // above a configured limit
    unresolved,   // the upstream's name has no address
    unreachable,  // no connection to the upstream
    exhausted,    // we have no descriptor, port or memory for it
    tls_failed,   // no handshake, or a certificate that must not be believed
    refused,      // not allowed, or nothing there: an answer of ours
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
/// "cancelled", "timed-out", ... Never null.
const char* name(FailureKind kind);
const char* name(Side side);

/// A number below failure_indices for side and kind, to count by; and back: "client/timed-out".
inline constexpr std::size_t kind_limit = 16;
inline constexpr std::size_t failure_indices = 3 * kind_limit;
static_assert(static_cast<std::size_t>(FailureKind::refused) < kind_limit);
inline std::size_t index_of(const Failure& failure) {
    return static_cast<std::size_t>(failure.side) * kind_limit +
           static_cast<std::size_t>(failure.kind);
}
std::string name_of_index(std::size_t index);

/// The failure that a wait's end means; `wake` is deadline or cancelled.
inline Failure failed_wait(Side side, loop::Phase phase, loop::Wake wake) {
    const auto kind =
        wake == loop::Wake::deadline ? FailureKind::timed_out : FailureKind::cancelled;
    return {side, kind, phase, 0, 0, ""};
}

}  // namespace headgate::net
