// A TCP connection in the hands of a test: it sends exactly these octets, and looks at exactly what
// comes back. Both a client of the proxy and the origin behind it are played with it, in the order
// in which the test is written: that order is the barrier, and there are no threads.
//
// Every wait ends with TooLate when patience does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "tests/support/socket_help.h"
#include "tests/support/tls_end.h"

namespace headgate::support {

/// A response as it was received.
struct Response {
    int status = 0;
    std::string head;       ///< status line and field lines, without the empty line
    std::string content;    ///< framing removed
    bool is_whole = false;  ///< its framing says so

    /// The value of the first field of that name; empty when there is none.
    std::string field(std::string_view name) const { return std::string(find_field(head, name)); }
};

class RawConnection {
public:
    explicit RawConnection(Descriptor socket) : socket_(std::move(socket)) {}
    /// Connects to a port of this machine. `receive_buffer` above 0 makes a slow reader of it.
    /// Speaks TLS where all tests do (tests_tls()); then what it cannot send at once, for nobody
    /// does the handshake with it, leaves as soon as something is waited for.
    explicit RawConnection(std::uint16_t port, int receive_buffer = 0);
    /// Speaks TLS.
    RawConnection(std::uint16_t port, const TlsTerms& terms);
    /// Speaks TLS on a connection that is there.
    RawConnection(Descriptor socket, const TlsTerms& terms);
    /// Never speaks TLS: for a port that does not, whatever all tests do.
    static RawConnection plain(std::uint16_t port);
    /// Sends `first` in the clear, and speaks TLS behind it.
    RawConnection(std::uint16_t port, const TlsTerms& terms, std::string_view first);

    /// Sends all of it; what the peer refuses to take is lost silently, as the peer's answer tells.
    void send(std::string_view octets);
    /// Sends each octet in a segment of its own.
    void send_one_by_one(std::string_view octets);
    /// Sends until the peer's buffers and ours are full; returns how many octets went.
    std::size_t send_until_blocked(std::string_view octets) const;
    /// Waits until the peer's process has read everything that was sent.
    void wait_until_read() const;

    /// Everything up to and including `end`. Less when the input ends before.
    std::string receive_until(std::string_view end);
    /// A head with the empty line behind it.
    std::string receive_head() { return receive_until("\r\n\r\n"); }
    /// Exactly so many octets. Less when the input ends before.
    std::string receive(std::size_t octets);
    /// What there is, at least one octet. Nothing at the end of the input.
    std::string receive_some();
    /// Everything to the end of the input.
    std::string receive_rest();
    /// One response; to a HEAD request it has no content.
    Response receive_response(bool to_head = false);

    /// How the input ended.
    enum class End { not_yet, fin, reset };
    /// Waits for the end of the input, which must have nothing before it.
    End receive_end();
    End end() const { return end_; }
    /// Whether the input has ended or holds something, right now.
    bool has_news() const;

    void finish_writing();
    void reset() { reset_connection(socket_); }
    void close();
    /// Octets on the socket itself, also where it speaks TLS.
    void send_beneath(std::string_view octets) const;
    /// Its own end, as "127.0.0.1:40000".
    std::string local_address() const;
    /// Null unless it speaks TLS.
    TlsEnd* tls() const { return tls_.get(); }
    /// Does the handshake; false when the peer refuses, and tls()->fault() says why.
    bool shake();

private:
    struct Unsent;
    static void send_unsent();

    bool fill();
    std::string take(std::size_t octets);
    void wait(short events) const;
    void send_waiting() const;

    Descriptor socket_;
    std::unique_ptr<TlsEnd> tls_;
    bool has_said_goodbye_ = false;   // under TLS
    std::shared_ptr<Unsent> unsent_;  // null: nothing waits for the handshake
    std::string input_;               // received and not yet handed out
    End end_ = End::not_yet;
};

}  // namespace headgate::support
