// IdleLimit: how long one upstream keeps idle connections, learned from when it closed some. A
// connection that is retired earlier than that is never met at the moment of its end, when a
// request may get lost (RFC 9112 section 9.3.1).
#pragma once

#include "mpm/loop/clock.h"

namespace headgate::upstream {

class IdleLimit {
public:
    /// The upstream closed a connection that had been idle for so long. A limit is believed when
    /// two closings in a row agree: one that restarts closes connections of all ages.
    void closed_after(loop::Duration idle, loop::TimePoint now);

    /// How long a connection may idle: `configured`, or a tenth (at least 250 ms) less than the
    /// upstream's own limit. What was learned is forgotten after ten minutes, for it may have been
    /// raised since.
    loop::Milliseconds within(loop::Milliseconds configured, loop::TimePoint now) const;

private:
    loop::Duration latest_{};    // idle time at the last closing
    loop::Duration believed_{};  // 0: nothing
    loop::TimePoint believed_until_{};
};

}  // namespace headgate::upstream
