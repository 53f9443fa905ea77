// The door of a TLS port: from the first octet of a connection to the end of its handshake. The
// ClientHello is read whole before any TLS state is made: it says for which virtual host it is.
#pragma once

#include <boost/intrusive/list.hpp>

#include "proxy/loop_state.h"
#include "proxy/net/plain_transport.h"
#include "proxy/status/live_view.h"

namespace headgate::proxy {

/// A connection at the door; afterwards `transport` is what its protocol runs on. Who serves it
/// charges `account` for as long as it lives, so that each of its waits is seen.
struct Arrival
    : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Arrival(const mpm::Surroundings& around, std::unique_ptr<net::PlainTransport> with,
            const ConnectionFacts& known);
    ~Arrival() { loop_.withdraw(end_); }
    Arrival(const Arrival&) = delete;
    Arrival& operator=(const Arrival&) = delete;

    /// The process ends: all of its waits together, however many are to come, last so long yet.
    void hasten(loop::Milliseconds limit);

    std::unique_ptr<net::PlainTransport> plain;
    ConnectionFacts facts;
    std::string server_name;                    // of a ClientHello that is passed on unread
    std::unique_ptr<net::Transport> transport;  // null: it has ended, and that is logged
    loop::Branch* branch = nullptr;             // of who waits at the door
    loop::Account account;
    LiveView view;

private:
    loop::Loop& loop_;
    loop::Waiter end_;  // for hasten()
};

/// Counts why a connection got no further than a door, and logs it; not that the process ended.
void report_at_door(LoopState& state, const ConnectionFacts& facts, const net::Failure& failure,
                    LogLevel level, LogId id);

/// Lets it in, or not: with TLS, or unread where the named virtual host passes it on so. Every wait
/// is in phase::tls and ends with Timeout. A request in the clear is let in as it is: it gets an
/// answer that says what is wrong. `arrival` outlives the task.
loop::Task<void> open_door(LoopState& state, Arrival& arrival);

}  // namespace headgate::proxy
