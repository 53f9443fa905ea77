// Time as the loop sees it: a monotonic clock that a test can replace by one it moves by hand.
#pragma once

#include <chrono>

namespace headgate::loop {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using Milliseconds = std::chrono::milliseconds;

/// Where a loop reads the time. The default reads the system's monotonic clock (about 24 ns a
/// call); tests derive a manual one. The object must outlive the loops that use it.
class TimeSource {
public:
    virtual ~TimeSource() = default;
    virtual TimePoint now() const { return Clock::now(); }

    /// The system's clock, for the life of the program.
    static const TimeSource& system() {
        static const TimeSource source;
        return source;
    }
};

}  // namespace headgate::loop
