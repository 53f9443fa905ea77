// Signals of the supervisor, taken from a descriptor instead of in handlers: nothing happens in the
// middle of something else.
#pragma once

#include <chrono>
#include <optional>

#include "mpm/loop/socket.h"

namespace headgate::mpm {

class Signals {
public:
    /// Blocks the supervisor's signals and SIGCHLD for this process. Ignores SIGPIPE.
    Signals();

    /// The next signal, waiting at most `limit`; nothing when none came.
    std::optional<int> next(std::chrono::milliseconds limit);

private:
    loop::Socket descriptor_;
};

}  // namespace headgate::mpm
