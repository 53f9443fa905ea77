// The event model: few threads, one loop each, any number of connections side by side. A parked
// exchange holds no thread.
#pragma once

#include <functional>

#include "mpm/application.h"
#include "mpm/listener.h"
#include "mpm/sizing.h"

namespace headgate::mpm {

/// Serves one loaded program in this process until a signal ends it: TERM, INT or QUIT drain
/// (GracefulShutdownTimeout bounds it), a second one cuts what is left, USR1 reopens logs. `on_signal`
/// is told each time, for the log. Returns when the last connection has ended.
class EventModel {
public:
    EventModel(Program& program, Listeners& listeners, const Sizing& sizing);

    enum class Told { draining, stopping, reopening };
    void serve(const std::function<void(Told)>& on_signal);

private:
    Program& program_;
    Listeners& listeners_;
    Sizing sizing_;
};

}  // namespace headgate::mpm
