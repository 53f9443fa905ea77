// Wakeup: one task tells others, on the same loop, that something they wait for has happened.
#pragma once

#include "mpm/loop/park.h"

namespace headgate::loop {

class Wakeup {
public:
    /// Parks the running task until notified. The condition it waits for must be looked at again
    /// afterwards: another task may have been faster.
    Park wait(Loop& loop, Phase phase, const Deadline& deadline) {
        return {loop, &waiters_, phase, deadline};
    }
    void notify_one(Loop& loop) {
        if (!waiters_.empty()) loop.wake(waiters_.front(), Wake::ready);
    }
    void notify_all(Loop& loop) { loop.wake_all(waiters_, Wake::ready); }
    bool has_waiters() const { return !waiters_.empty(); }

private:
    SourceList waiters_;
};

}  // namespace headgate::loop
