// ThreadLoad: which threads count as busy for spare keeping. Where a thread serves one connection
// at a time its slot says so. Where it serves many, its slot is busy only in the instants in which
// it runs, so the time it ran since it was last asked about decides: more than 80 %.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "mpm/scoreboard.h"

namespace headgate::mpm {

class ThreadLoad {
public:
    using Clock = std::chrono::steady_clock;

    /// To be asked once a pass about each thread. One that was not asked about before, or whose row
    /// has another child now, is not busy.
    bool is_busy(const Scoreboard& board, unsigned row, unsigned thread, bool serves_many,
                 Clock::time_point now);

private:
    struct Seen {
        std::uint64_t ran_ns = 0;
        Clock::time_point when{};
    };
    std::vector<Seen> seen_;  // by slot
};

}  // namespace headgate::mpm
