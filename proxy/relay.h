// Relaying content one way: read some, write all. Awaiting the write before the next read is the
// whole of the flow control; only what the writer has not taken is ever kept.
//
// Small, coded and slow contents are copied through the loop's scratch buffer. Large ones that both
// sides take as they stand are moved inside the kernel (splice(2)), through a pipe of the loop's
// stock that is lent for one piece at a time.
#pragma once

#include "proxy/net/content.h"

namespace headgate::proxy {

struct RelayTerms {
    net::Side reading_side = net::Side::upstream;
    loop::Phase reading{};
    loop::Phase writing{};
    loop::Deadline read_deadline;     // of one wait for content
    loop::Deadline write_deadline;    // of one wait for room
    std::uint64_t* octets = nullptr;  // counts content relayed, when given
    net::PipeStock* pipes = nullptr;  // null: everything is copied
};

/// Until the message ends by its framing. The last octets are written or kept by `to`, not drained:
/// the source can be given back first. A failure names the side that failed.
loop::Task<net::Result<void>> relay(loop::Loop& loop, net::ContentReader& from,
                                    net::ContentWriter& to, RelayTerms terms);

}  // namespace headgate::proxy
