// What a client still sends after it has been answered: read and dropped, so that the connection
// can go on, or so that it ends without a reset. See h1_client.h.
#include "proxy/h1_client.h"

#include <algorithm>

#include "mpm/loop/park.h"

namespace headgate::proxy {

using net::ContentRun;
using net::H1ContentReader;
using net::Result;
using net::Tried;
namespace phase = net::phase;

namespace {

// As Apache's SECONDS_TO_LINGER and MAX_SECS_TO_LINGER.
constexpr loop::Milliseconds linger_time{2000};  // without progress
constexpr loop::Milliseconds linger_all{30000};
constexpr int reads_in_a_row = 16;                 // then others have their turn
constexpr loop::Milliseconds drain_all{2000};      // of the rest of a request
constexpr std::uint64_t most_drained = 64 * 1024;  // of a request that was answered before its end
constexpr std::size_t skip_read = 4 * 1024;

}  // namespace

/// Who waits for 100 (Continue) may send its next request in place of the content.
bool H1Client::is_content_coming() const {
    return !turn_->awaits_continue || turn_->reader.consumed() > 0;
}

/// Whether what the client still sends of an answered request may be read and dropped, so that the
/// connection can go on: little enough, and certain to come. That of a chunked request is neither.
bool H1Client::may_drain_content() const {
    const std::uint64_t size = turn_->reader.delivered() + turn_->reader.due();
    const bool is_allowed = turn_->content_limit == 0 || size <= turn_->content_limit;
    return is_content_coming() && is_allowed &&
           turn_->reader.kind() == H1ContentReader::Kind::length &&
           turn_->reader.due() <= most_drained;
}

/// The chunks that are there may be all that come: only when the end is among them, and they are
/// little, the response need not say that it is the last.
void H1Client::try_skip_content() {
    if (!persists_ || turn_->reader.kind() != H1ContentReader::Kind::chunked) return;
    if (!is_content_coming()) return;
    for (std::uint64_t most = 0; most < most_drained && !has_all_content(); most += skip_read) {
        const Result<ContentRun> run = try_read_content(state_.loop.scratch().first(skip_read));
        if (!run || run->would_block) return;
    }
}

/// The response came before the request had ended (RFC 9112 section 9.3: "a server MUST read the
/// entire request message body or close the connection after sending its response").
loop::Task<void> H1Client::drain_content() {
    const loop::Deadline deadline = loop::Deadline::at(state_.loop.now() + drain_all);
    while (!has_all_content()) {
        const Result<ContentRun> run = turn_->reader.try_read(*transport_, state_.loop.scratch());
        loop::Wake wake = loop::Wake::ready;
        if (run && run->would_block) {
            wake = co_await wait(*transport_, net::Want::read, phase::linger, deadline);
        }
        if (run && wake == loop::Wake::ready) continue;
        persists_ = false;
        co_return;
    }
}

/// RFC 9112 section 9.6: half-closes, and reads what the client still sends for a while, so that a
/// reset does not overtake our last octets.
loop::Task<void> H1Client::linger() {
    transport_->finish_writing();
    const loop::TimePoint end = state_.loop.now() + linger_all;
    for (int reads = 1; state_.loop.now() < end; reads++) {
        const Tried tried = transport_->try_read(state_.loop.scratch());
        if (tried.is_done() && reads % reads_in_a_row != 0) continue;
        loop::Wake wake;
        if (tried.is_done()) {
            wake = co_await loop::yield(state_.loop, phase::linger);
            if (wake == loop::Wake::cancelled) co_return;
            continue;
        }
        if (!tried.would_block()) co_return;
        const loop::TimePoint idle_end = state_.loop.now() + linger_time;
        const loop::Deadline deadline = loop::Deadline::at(std::min(idle_end, end));
        wake = co_await wait(*transport_, tried.want(), phase::linger, deadline);
        if (wake != loop::Wake::ready) co_return;
    }
}

}  // namespace headgate::proxy
