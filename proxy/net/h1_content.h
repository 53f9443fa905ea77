// Content on an HTTP/1 connection, read and written by its framing (RFC 9112 sections 6 and 7).
// Used for both sides of an exchange. A few words of state; no octets are kept here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http/chunked.h"
#include "proxy/http/request_hygiene.h"
#include "proxy/net/content.h"
#include "proxy/net/output.h"

namespace headgate::net {

/// Reads the content of one message from a transport.
class H1ContentReader {
public:
    enum class Kind : std::uint8_t { none, length, chunked, until_close };

    /// `side`: whose content it is; `phase`: what a wait for it is called in a failure.
    H1ContentReader(Side side, loop::Phase phase) : side_(side), phase_(phase) {}

    /// Begins a message; `length` counts for Kind::length alone.
    /// `forgives_bare_lf`: of an upstream, in chunk lines.
    void begin(Kind kind, std::uint64_t length, bool forgives_bare_lf = false);

    /// Octets behind the end of the message are put back into the transport (unread).
    Result<ContentRun> try_read(Transport& transport, std::span<char> scratch);

    /// See ContentReader.
    std::uint64_t movable(const Transport& transport) const;
    Result<ContentRun> try_move(Transport& transport, Pipe& pipe, std::size_t most);

    /// The message has been read to its end.
    bool is_complete() const { return complete_; }
    /// Content octets delivered so far.
    std::uint64_t delivered() const { return delivered_; }
    /// Octets of the message body so far: content, and what codes it.
    std::uint64_t consumed() const { return consumed_; }
    /// What a length-delimited message still owes, in octets.
    std::uint64_t due() const { return kind_ == Kind::length ? left_ : 0; }
    Kind kind() const { return kind_; }
    /// RFC 9110 section 7.6.1: trailer fields that the message's Connection names are not
    /// forwarded. To be called after begin(), with the message's head.
    void note_connection_options(const http::Fields& fields, std::string_view text);
    /// What becomes of trailer fields whose names have underscores; they are kept until this is
    /// called, after begin(). Refused: the message is malformed.
    void judge_trailers(http::Underscores rule) { underscores_ = rule; }
    /// After the end of a chunked message: see ContentReader::trailers().
    std::string trailers() const;
    /// A chunk line ended with LF alone, and was forgiven.
    bool has_bare_lf() const { return decoder_ && decoder_->has_bare_lf(); }

private:
    std::optional<Result<ContentRun>> nothing(const Transport& transport, const Tried& tried);
    void count(std::size_t octets);
    Result<ContentRun> take_length(Transport& transport, std::span<char> got);
    Result<ContentRun> take_chunked(Transport& transport, std::span<char> got);
    Result<ContentRun> ended();
    bool is_connection_option(std::string_view name) const;
    bool has_refused_trailer() const;

    Side side_;
    Kind kind_ = Kind::none;
    bool complete_ = false;
    bool cannot_move_ = false;  // tried, and refused by the kernel
    http::Underscores underscores_ = http::Underscores::keep;
    loop::Phase phase_;
    std::uint64_t left_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t consumed_ = 0;
    std::unique_ptr<http::ChunkedDecoder> decoder_;  // null: not chunked
    std::unique_ptr<std::string> options_;  // of Connection, where trailers may follow; else null
};

/// Writes the content of one message into an output.
class H1ContentWriter {
public:
    enum class Kind : std::uint8_t { none, length, chunked, until_close };

    void begin(Kind kind) {
        kind_ = kind;
        end_.reset();
    }
    Kind kind() const { return kind_; }

    /// Serialised lines for the end of a chunked message; no effect on others.
    void set_trailers(const std::string& lines);

    /// Kind::none writes nothing of the octets (HEAD); the end of a chunked message is written when
    /// `is_last`. The head, if one is held, leaves in the same call.
    Result<void> write(Output& output, std::span<const char> octets, bool is_last);
    /// See ContentWriter.
    Result<void> write(Output& output, PipeLoan pipe, bool is_last);
    bool takes_pipes(const Output& output) const {
        return kind_ != Kind::none && output.may_splice();
    }

private:
    Kind kind_ = Kind::none;
    std::unique_ptr<std::string> end_;  // last chunk with trailers; null: without
};

}  // namespace headgate::net
