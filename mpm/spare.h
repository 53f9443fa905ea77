// Spare keeping: how many children to add or to end, looked at once a second (Apache's rules:
// one ended a pass; 1, 2, 4, ... 32 added while there are too few idle threads).
#pragma once

#include "mpm/sizing.h"

namespace headgate::mpm {

class SpareKeeper {
public:
    struct Census {
        unsigned children = 0;  // of the present generation, not draining
        unsigned idle = 0;      // threads of these that are not busy
        bool some_ending = false;
    };
    struct Decision {
        unsigned add = 0;
        bool end_one = false;
        bool at_limit = false;  // more are wanted than MaxRequestWorkers allows
    };
    Decision decide(const Sizing& sizing, const Census& census);

    /// After a reload the doubling is held off for ten passes.
    void hold_off() { held_off_ = 10; }
    void reset() { rate_ = 1; }

private:
    unsigned rate_ = 1;
    unsigned held_off_ = 0;
};

}  // namespace headgate::mpm
