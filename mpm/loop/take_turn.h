// Taking turns: of all threads of all processes one may do something, and then nobody for a while.
#pragma once

#include <atomic>
#include <cstdint>

#include "mpm/loop/clock.h"

namespace headgate::loop {

/// `next_ns`: in memory that all of them share; when the next one may, by the monotonic clock; 0 at
/// first. Whether the caller is the one: then it is nobody's turn until `between` has passed.
inline bool take_turn(std::atomic<std::int64_t>& next_ns, TimePoint now, Duration between) {
    const auto ns = [](Duration time) {
        return std::int64_t{std::chrono::nanoseconds(time).count()};
    };
    const std::int64_t now_ns = ns(now.time_since_epoch());
    std::int64_t next = next_ns.load(std::memory_order_relaxed);
    return next <= now_ns &&
           next_ns.compare_exchange_strong(next, now_ns + ns(between), std::memory_order_relaxed);
}

}  // namespace headgate::loop
