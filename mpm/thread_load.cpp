// See thread_load.h.
#include "mpm/thread_load.h"

namespace headgate::mpm {

bool ThreadLoad::is_busy(const Scoreboard& board, unsigned row, unsigned thread, bool serves_many,
                         Clock::time_point now) {
    const ThreadSlot& slot = board.slot(row, thread);
    if (!serves_many) return slot.state.load(std::memory_order_relaxed) == SlotState::busy;
    const std::size_t index = std::size_t{row} * board.threads() + thread;
    if (seen_.size() <= index) seen_.resize(index + 1);
    const Seen before = seen_[index];
    const Seen present = seen_[index] = {slot.ran_ns.get(), now};
    if (before.when == Clock::time_point{} || present.ran_ns < before.ran_ns) return false;
    const std::chrono::nanoseconds ran(present.ran_ns - before.ran_ns);
    return ran * 5 > (present.when - before.when) * 4;
}

}  // namespace headgate::mpm
