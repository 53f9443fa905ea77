// UpstreamSide: the upstream's half of one exchange, whatever protocol it speaks. The exchange
// sends a head and content and reads heads and content; how these travel is the implementation's
// affair.
#pragma once

#include <string>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/net/content.h"
#include "upstream/framing.h"

namespace headgate::upstream {

/// A response head with what framing made of it. Slices are over `text`; everything is valid until
/// the next call to the side, or the next suspension.
struct ReceivedHead {
    http::ResponseHead head;
    std::string_view text;
    Framing framing;
};

/// How the content of the request is delimited towards the upstream.
enum class RequestContent : std::uint8_t { none, length, chunked };

class UpstreamSide : public net::ContentReader, public net::ContentWriter {
public:
    /// Takes the serialised request head. It leaves with the first content, or at flush/drain.
    /// `facts` must outlive the exchange.
    virtual void send_head(std::string head, RequestContent content, const RequestFacts& facts) = 0;

    /// The next response head, interim ones included. Each wait for octets is in
    /// phase::upstream_wait, before `deadline`, which is read at each wait: it may be moved
    /// meanwhile, and must outlive the task. Fails as malformed (with a reason), closed (nothing
    /// came), incomplete, reset, upstream_silent or too_large.
    virtual loop::Task<net::Result<ReceivedHead*>> read_head(const loop::Deadline& deadline) = 0;

    /// The rest of the request will never come. The origin is told by the end of our writing, and
    /// may still answer; the connection serves no other exchange.
    virtual void abandon_request() = 0;

    /// Whether any octet of a response has come: after that a request is not sent again.
    virtual bool has_answered() const = 0;

    /// Everything both ways is complete, and the connection may serve another exchange.
    virtual bool is_reusable() const = 0;

    /// Octets sent and received on the connection for this exchange.
    virtual std::uint64_t sent() const = 0;
};

}  // namespace headgate::upstream
