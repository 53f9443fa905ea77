// Content as it flows through an exchange: what a reader gives to a writer, with the end of the
// message, the end of input and failures kept apart (RFC 9110 section 6.4: octets without framing).
#pragma once

#include <span>
#include <string>

#include "mpm/loop/park.h"
#include "proxy/net/failure.h"
#include "proxy/net/pipe.h"
#include "proxy/net/transport.h"

namespace headgate::net {

/// What one try to read content gave.
struct ContentRun {
    std::span<char> octets;    // valid until the next call or suspension; may be empty
    bool is_last = false;      // the message ends behind these octets, by its framing
    bool would_block = false;  // nothing was there: wait on source(), then try again
};

/// A side of an exchange that content can be read from.
class ContentReader {
public:
    virtual ~ContentReader() = default;
    /// Reads and decodes what is there now into `scratch`. After is_last it is not called again.
    virtual Result<ContentRun> try_read_content(std::span<char> scratch) = 0;
    /// After is_last: the trailer section as serialised lines, without the names that must not
    /// stand in one. Empty when there was none.
    virtual std::string trailers() const { return {}; }
    /// How many of the next octets are content as they stand, and can be moved through a pipe: 0
    /// where content is coded, or its length is not known to lie ahead.
    virtual std::uint64_t movable() const { return 0; }
    /// Moves what is there now, at most `most` <= movable() octets, into an empty pipe, and says
    /// what try_read_content() would say, but for the octets. Nothing moved, neither would_block
    /// nor is_last: it cannot be done here, and movable() is 0 from now on.
    virtual Result<ContentRun> try_move_content(Pipe&, std::size_t) { return ContentRun{}; }
    /// Parks the running task until there may be more to read.
    virtual loop::Park content_ready(loop::Phase phase, const loop::Deadline& deadline) = 0;
};

/// A side of an exchange that content can be written to.
class ContentWriter {
public:
    virtual ~ContentWriter() = default;
    /// Writes as much as possible now, framed as the head said; the rest is kept. `is_last` ends
    /// the message. Not to be called while has_rest().
    virtual Result<void> write_content(std::span<const char> octets, bool is_last) = 0;
    /// Before the last write: trailer fields to end the message with, as serialised lines. Dropped
    /// where the message's framing has no room for them, or the receiver did not ask for them.
    virtual void set_trailers(const std::string& /*lines*/) {}
    /// What the receiver's connection has taken without being slow; null: it keeps no account, or
    /// is gone.
    virtual std::uint32_t* taken_in_a_row() { return nullptr; }
    /// What may wait in the kernel to be sent.
    virtual void keep_unsent(int /*most*/) {}
    /// Whether content may come in a pipe.
    virtual bool takes_pipes() const { return false; }
    /// The same for the content that a pipe holds (some). The pipe is kept while octets are in it;
    /// how many they may be is the caller's affair.
    virtual Result<void> write_pipe(PipeLoan, bool) { return {}; }
    /// Octets that the transport has not taken, a held head included.
    virtual bool has_rest() const = 0;
    /// Waits until the rest is written.
    virtual loop::Task<Result<void>> drain(loop::Phase phase, loop::Deadline deadline) = 0;
};

}  // namespace headgate::net
