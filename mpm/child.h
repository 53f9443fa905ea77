// Child: what a forked process does: drops privileges, runs its threads, exits. See README.md, the
// life of a process.
#pragma once

#include "mpm/application.h"
#include "mpm/control.h"
#include "mpm/listener.h"
#include "mpm/loop/want.h"
#include "mpm/model.h"
#include "mpm/scoreboard.h"

namespace headgate::mpm {

struct ChildPlan {
    const Model& model;
    bool serves_many;  // the runner: the model's, or for a helper always many
    Sizing sizing;
    const Settings& settings;
    HandlerFactory& handlers;
    Listeners& listeners;
    Scoreboard& scoreboard;
    unsigned row;      // of the scoreboard
    unsigned ordinal;  // among the children of its generation: which buckets it serves
    unsigned generation;
    std::time_t started;   // of the supervisor
    loop::Socket control;  // its end of the channel
};

/// How a child ends, as its exit status. Apache's numbers where it has them.
enum ChildExit { ended_well = 0, lacks_something = loop::want_status, cannot_start = 15 };

/// Serves until told to end, and exits the process; does not return.
[[noreturn]] void run_child(ChildPlan plan);

}  // namespace headgate::mpm
