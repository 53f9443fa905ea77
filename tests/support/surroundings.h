// What the processes give a handler or a runner, for tests without processes: a scoreboard of one
// child with one thread.
#pragma once

#include "mpm/connection_handler.h"

namespace headgate::support {

struct OneThread {
    /// Room for so many connections in the live table.
    explicit OneThread(unsigned connections = 1, const char* model = "event")
        : scoreboard(1, 1, connections),
          records(scoreboard.slot(0, 0), &scoreboard.connection(0, 0), connections),
          surroundings{scoreboard.slot(0, 0), records, scoreboard, model, 0, 0} {}

    mpm::ThreadSlot& slot() { return scoreboard.slot(0, 0); }

    mpm::Scoreboard scoreboard;
    mpm::LiveRecords records;
    mpm::Surroundings surroundings;
};

}  // namespace headgate::support
