// A TCP connection that is watched rather than waited for: what has come is in `input`, how it
// ended in `end`. Several are looked after at once, by wait_for() below.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tests/support/socket_help.h"
#include "tests/support/tls_end.h"
#include "tests/support/waiting.h"

namespace headgate::support {

class Wire {
public:
    /// Under TLS `fin` is a close_notify, and `reset` any other end.
    enum class End { open, fin, reset };

    Wire() = default;
    explicit Wire(Descriptor socket) : socket_(std::move(socket)) {}
    /// A client of the proxy: speaks TLS where all tests do (tests_tls()).
    static Wire to_proxy(Descriptor socket);

    std::string input;  ///< everything received
    End end = End::open;

    int number() const { return socket_.number(); }
    bool is_open() const { return socket_.is_open(); }
    /// Sends all of it; what the peer refuses to take is lost silently.
    void send(std::string_view octets);
    /// Takes what there is, without waiting. Whether there was something: octets or the end.
    bool pump();
    /// Whether the process at the other end has read everything, or will never read again.
    bool is_read_by_peer() const;
    void finish_writing();
    void reset() { reset_connection(socket_); }
    void close() { socket_.close(); }

private:
    ssize_t receive(char* into, std::size_t size);

    Descriptor socket_;
    std::unique_ptr<TlsEnd> tls_;
};

/// Pumps the wires until `condition` is true; `extra` is one more descriptor to wake up for, or -1.
/// False when `limit` passes before.
bool wait_for(std::span<Wire* const> wires, int extra, const std::function<bool()>& condition,
              std::chrono::milliseconds limit = patience);

/// The same for a condition that no descriptor tells of: looks again and again.
bool watch_for(std::span<Wire* const> wires, const std::function<bool()>& condition,
               std::chrono::milliseconds limit);

}  // namespace headgate::support
