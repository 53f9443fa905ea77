// Readiness: what a loop knows of one descriptor, and who waits for it. Owned by the loop, not by
// the coroutine that uses the descriptor, so that an event that arrives late finds something valid.
//
// The set is edge-triggered: `readable` and `writable` say what may be tried. They are taken back
// by whoever finds the descriptor drained (would-block, or a short read while the peer has not
// closed).
#pragma once

#include "mpm/loop/waiter.h"

namespace headgate::loop {

struct Readiness {
    int descriptor = -1;
    bool readable = true;
    bool writable = true;
    bool closed_by_peer = false;  // FIN, RST or an error is known to be waiting
    bool failed = false;          // RST or an error, not a FIN alone
    SourceList readers;
    SourceList writers;
    SourceList watchers;  // wait for `failed` alone: client gone while it owes us nothing

    /// After a read that returned fewer bytes than asked: nothing is left, unless the peer's end is
    /// still to be read (that edge has been reported and comes no second time).
    void drained_by_short_read() {
        if (!closed_by_peer) readable = false;
    }
};

}  // namespace headgate::loop
