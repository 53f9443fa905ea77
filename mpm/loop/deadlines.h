// Deadlines: every wait's latest end. Waits of one duration expire in the order they began, so each
// distinct duration has a FIFO, and adding or removing one is a few pointer writes; computed
// deadlines (minimum rates, DNS) share one ordered list, searched from its end.
#pragma once

#include <list>

#include "mpm/loop/waiter.h"

namespace headgate::loop {

class Deadlines {
public:
    /// Links the waiter; it unlinks itself when its wait ends first.
    void add(Waiter& waiter, const Deadline& deadline, TimePoint now);

    /// The earliest deadline; TimePoint::max() when there is none.
    TimePoint next() const;

    /// Unlinks and returns one waiter whose time has come, or null.
    Waiter* pop_expired(TimePoint now);

private:
    struct Fifo {
        Milliseconds duration;
        DeadlineList waiters;
    };
    std::list<Fifo> fifos_;
    DeadlineList computed_;
};

}  // namespace headgate::loop
