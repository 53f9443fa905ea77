// ClientSide: the client's half of one exchange, whatever protocol it speaks. The exchange reads
// the request's content from it and sends heads and content to it; how these travel is its own
// affair.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/net/content.h"

namespace headgate::proxy {

/// A final response, before the client's protocol has framed it.
struct ResponseStart {
    enum class Content : std::uint8_t {
        none,    // no content follows, and none is announced (204, 304 without a length)
        length,  // `length` octets, also announced where none follow (HEAD, 304)
        open,    // the end is not known ahead: chunked, END_STREAM, or close
    };
    std::uint16_t status = 0;
    std::string_view reason;  // used during the call
    std::string_view fields;  // serialised lines; used during the call
    Content content = Content::none;
    bool has_content = true;  // false: HEAD or 304; octets are announced, not sent
    std::uint64_t length = 0;
};

class ClientSide : public net::ContentReader, public net::ContentWriter {
public:
    /// Content beyond this many octets fails as too_large; 0: no limit.
    virtual void limit_content(std::uint64_t octets) = 0;

    /// Frames and holds a final head: it leaves with the first content, or at drain().
    virtual void send_head(const ResponseStart& start) = 0;

    /// The request failed: whatever is answered, nothing else is read from this client.
    virtual void end_after_response() = 0;

    /// Takes a held head back, if no octet of it has left: then another may be sent instead.
    virtual bool withdraw_head() = 0;

    /// Sends an interim response now. Only where takes_interim().
    virtual loop::Task<net::Result<void>> send_interim(std::uint16_t status,
                                                       std::string_view fields,
                                                       loop::Deadline deadline) = 0;
    virtual bool takes_interim() const = 0;

    /// After an interim response 101 was sent: the bare connection, which speaks another protocol
    /// from now on and serves no other exchange. Input that was read too far is in it (unread).
    virtual net::Transport& switch_protocols() = 0;

    /// The response that has begun cannot be completed: ends it so that no client can take what it
    /// has for the whole.
    virtual void cut() = 0;

    /// Where to wait for the client to be gone: its connection reset, or its stream. The end of its
    /// input alone is not that (RFC 9112 section 9.6). Null: it cannot be told.
    virtual loop::SourceList* departures() = 0;
    virtual bool has_departed() const = 0;

    /// The request's content is wanted by nobody: drops what of it is there now, where it may help
    /// the connection to go on. Before send_head(), and while nobody else reads.
    virtual void try_skip_content() = 0;

    /// Whether the request's content has been read to its end.
    virtual bool has_all_content() const = 0;

    /// Octets on the wire for this exchange so far.
    virtual std::uint64_t received() const = 0;
    virtual std::uint64_t sent() const = 0;
};

}  // namespace headgate::proxy
