// Handover: what a supervisor passes on when it replaces its own program by a newer one (USR2), in
// the same process: listening sockets, the scoreboard, and the children that still serve. Also the
// sockets that systemd hands to a program it starts (LISTEN_FDS).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "mpm/loop/socket.h"

namespace headgate::mpm {

struct Handover {
    struct Child {
        pid_t pid;
        unsigned row;
        unsigned ordinal;
        unsigned generation;
        int control;  // descriptor of our end of its channel
    };
    struct Generation {
        unsigned number;
        bool is_draining;
        std::int64_t cut_at_ns;  // of the monotonic clock: when what it still has in hand is cut
    };
    std::time_t started = 0;
    unsigned generation = 0;
    unsigned rows = 0, threads = 0, connections = 0;  // of the scoreboard
    int scoreboard = -1;                              // its memory
    std::vector<int> listeners;
    std::vector<Child> children;
    std::vector<Generation> generations;  // the present one is the last
};

/// Puts it into the environment and lets its descriptors survive an exec.
void leave(const Handover& handover);

/// What an earlier program left in the environment, taken out of it. Nothing when there is none, or
/// when it was left in a form that this program does not know.
std::optional<Handover> take_handover();

/// Sockets from systemd's LISTEN_FDS, if they are meant for this process.
std::vector<loop::Socket> take_systemd_sockets();

/// A socket that this process has inherited open, made as our own are.
loop::Socket take_inherited(int descriptor);

}  // namespace headgate::mpm
