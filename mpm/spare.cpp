// See spare.h.
#include "mpm/spare.h"

#include <algorithm>

namespace headgate::mpm {

SpareKeeper::Decision SpareKeeper::decide(const Sizing& sizing, const Census& census) {
    constexpr unsigned fastest = 32;
    Decision decision;
    if (census.idle > sizing.max_spare && census.children > 1) {
        rate_ = 1;
        decision.end_one = !census.some_ending;
        return decision;
    }
    if (census.idle >= sizing.min_spare) {
        rate_ = 1;
        return decision;
    }
    const unsigned room = sizing.max_children - std::min(census.children, sizing.max_children);
    if (room == 0) {
        decision.at_limit = true;
        rate_ = 1;
        return decision;
    }
    decision.add = std::min(rate_, room);
    if (held_off_ > 0) {
        held_off_--;
    } else {
        rate_ = std::min(rate_ * 2, fastest);
    }
    return decision;
}

}  // namespace headgate::mpm
