// Transport: the byte channel of one connection, plain or TLS, as everything above sees it.
//
// The contract is: try; if it would block, wait for what it says; try again. Nothing here blocks,
// suspends, or knows HTTP. End of input and error are separate facts.
#pragma once

#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mpm/loop/loop.h"
#include "mpm/loop/park.h"
#include "mpm/loop/socket.h"

namespace headgate::net {

class Pipe;

/// Tried::error of an input that ended without close_notify.
inline constexpr int ended_without_notice = ENOLINK;
/// Tried::error of what is no TLS, or broken: fault() says what.
inline constexpr int broken_tls = EPROTO;

enum class Want : std::uint8_t { read, write };

/// What one try did.
struct Tried {
    enum class State : std::uint8_t {
        done,        // `bytes` > 0 were moved
        want_read,   // nothing moved: wait for reading, then try again
        want_write,  // nothing moved: wait for writing, then try again
        end,         // reading: the peer has finished its output
        error,       // the connection is unusable; `error` is an errno value
    };
    State state = State::done;
    std::size_t bytes = 0;
    int error = 0;

    bool is_done() const { return state == State::done; }
    bool would_block() const { return state == State::want_read || state == State::want_write; }
    Want want() const { return state == State::want_write ? Want::write : Want::read; }
};

class Transport {
public:
    virtual ~Transport() = default;

    /// Octets given back by unread() come first.
    virtual Tried try_read(std::span<char> into) = 0;

    /// Gathers. After a would-block the next try begins with the same octets. At most 16 pieces.
    virtual Tried try_write(std::span<const iovec> from) = 0;

    /// How many octets may wait in the kernel to be sent, from now on. Where there is a kernel.
    virtual void keep_unsent(int /*most*/) {}

    /// Whether octets can be moved through a pipe, unseen. Not where they are coded on their way.
    virtual bool may_splice() const { return false; }
    /// Moves at most `most` octets that have arrived into an empty pipe. Not while has_unread().
    virtual Tried try_splice_in(Pipe& pipe, std::size_t most);
    /// Writes from a pipe what is taken now; the rest stays in it.
    virtual Tried try_splice_out(Pipe& pipe);

    /// Puts octets back in front of the input: they are copied, and read first.
    virtual void unread(std::string_view octets) = 0;
    /// Whether unread octets are waiting: then a wait for reading would sleep past them.
    virtual bool has_unread() const = 0;

    /// What a waiter is parked on for `want`.
    virtual loop::SourceList& source(Want want) = 0;
    /// Whether `want` may be tried as far as is known: an edge that came before a wait began would
    /// not come again during it.
    virtual bool is_ready(Want want) const = 0;

    /// Where to wait for the connection to break (RST or another error; an end of input alone is
    /// none), whoever else waits for it. Null: this transport cannot tell.
    virtual loop::SourceList* breaks() { return nullptr; }
    /// Whether it has broken already, as far as the loop has seen.
    virtual bool has_broken() const { return false; }
    /// Whether the peer's end of output has come, as far as the loop has seen.
    virtual bool is_closed_by_peer() const { return false; }

    /// Tells the peer that nothing more comes (FIN; close_notify under TLS).
    virtual void finish_writing() = 0;
    /// The peer has been sent nothing: if it has hung up, a goodbye of ours (TLS) is left out.
    virtual void forgo_goodbye() {}
    /// What the peer has been sent is not the whole: closing says no goodbye (TLS), which would
    /// make an end of it that nobody has to doubt.
    virtual void withhold_goodbye() {}
    /// From here on closing resets: the peer must not take what it got for complete.
    virtual void reset_on_close() = 0;
    /// For an idle connection: whether anything has arrived (octets, end or error), asked of the
    /// kernel when `ask_kernel`, else of what the loop has seen.
    virtual bool has_news(bool ask_kernel) = 0;

    /// The descriptor, for those who pass sockets on or splice; -1 when there is none.
    virtual int descriptor() const = 0;

    /// Gives the socket up, unwatched, for moving it to another loop; the transport is done then.
    /// Not open where octets mean nothing without their transport (TLS).
    virtual loop::Socket release() { return {}; }

    /// Whether octets of a try that would have blocked are on their way all the same, so that the
    /// next try cannot begin with others (a TLS record, once made).
    virtual bool is_committed() const { return false; }

    /// Why a try ended in an error, as far as this knows more than the errno value: static text.
    virtual const char* fault() const { return "connection lost"; }

    virtual loop::Loop& loop() = 0;

    /// What the peer has taken in a row without making us wait for it, by the account of whoever
    /// relays to it: from one message to the next.
    std::uint32_t taken_in_a_row = 0;
};

inline Tried Transport::try_splice_in(Pipe&, std::size_t) {
    return {Tried::State::error, 0, EINVAL};
}

inline Tried Transport::try_splice_out(Pipe&) {
    return {Tried::State::error, 0, EINVAL};
}

/// Parks the running task until `transport` can do what it wanted.
inline loop::Park wait(Transport& transport, Want want, loop::Phase phase,
                       const loop::Deadline& deadline) {
    return {transport.loop(), &transport.source(want), phase, deadline, transport.is_ready(want)};
}

}  // namespace headgate::net
