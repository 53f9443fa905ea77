// What a client still sends after it has been answered: read and dropped, so that the connection
// can go on, or so that it ends without a reset. See h1_client.h.
#include "proxy/h1_client.h"

namespace headgate::proxy {

using net::ContentRun;
using net::Result;
using net::Tried;
namespace phase = net::phase;

namespace {

constexpr loop::Milliseconds linger_time{2000};  // without progress, at most
constexpr int linger_reads = 64;

}  // namespace

/// The response came before the request had ended (RFC 9112 section 9.3: "a server MUST read the
/// entire request message body or close the connection after sending its response").
loop::Task<void> H1Client::drain_content() {
    while (!has_all_content()) {
        const Result<ContentRun> run = reader_.try_read(*transport_, state_.loop.scratch());
        loop::Wake wake = loop::Wake::ready;
        if (run && run->would_block) {
            const loop::Deadline deadline = loop::Deadline::after(linger_time);
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
    for (int reads = 0; reads < linger_reads;) {
        const Tried tried = transport_->try_read(state_.loop.scratch());
        if (tried.is_done()) reads++;
        if (tried.is_done()) continue;
        if (!tried.would_block()) co_return;
        const loop::Deadline deadline = loop::Deadline::after(linger_time);
        const loop::Wake wake = co_await wait(*transport_, tried.want(), phase::linger, deadline);
        if (wake != loop::Wake::ready) co_return;
    }
}

}  // namespace headgate::proxy
