// LoopObserver: told when a loop runs tasks and when it has run all that were ready. For a runner
// that shows whether its thread is busy; a call is made twice a pass, on the loop's thread.
#pragma once

#include "mpm/loop/clock.h"

namespace headgate::loop {

class LoopObserver {
public:
    virtual ~LoopObserver() = default;
    virtual void runs() = 0;
    /// `ran`: wall time since runs().
    virtual void rests(Duration ran) = 0;
};

}  // namespace headgate::loop
