// LoopObserver: told when a loop runs tasks and when it has nothing left to do. For a runner
// that shows whether its thread is busy; a call is made twice a pass, on the loop's thread.
#pragma once

#include "mpm/loop/clock.h"

namespace headgate::loop {

class LoopObserver {
public:
    virtual ~LoopObserver() = default;
    virtual void runs() = 0;
    /// `ran`: wall time of the pass, with what is done before a sleep.
    virtual void rests(Duration ran) = 0;
};

}  // namespace headgate::loop
