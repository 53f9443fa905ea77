// A clock that stands still until a test moves it, and the passes of a loop made by hand: time and
// scheduling in tests without a single sleep.
#pragma once

#include "mpm/loop/loop.h"

namespace headgate::support {

class ManualClock final : public loop::TimeSource {
public:
    loop::TimePoint now() const override { return now_; }
    void advance(loop::Duration by) { now_ += by; }

private:
    loop::TimePoint now_{std::chrono::hours(1)};
};

/// A loop on a manual clock. The clock comes first: it must outlive the loop.
struct ManualLoop {
    ManualClock clock;
    loop::Loop loop;

    explicit ManualLoop(bool keeps_thread = false)
        : loop(loop::Loop::Options{keeps_thread, &clock}) {}

    /// Passes until one has nothing to do; false when that does not happen within `most` passes.
    bool settle(int most = 100'000) {
        while (most-- > 0) {
            if (!loop.run_pass()) return true;
        }
        return false;
    }
    /// Moves the clock and settles.
    bool pass_time(loop::Duration by) {
        clock.advance(by);
        return settle();
    }
};

}  // namespace headgate::support
