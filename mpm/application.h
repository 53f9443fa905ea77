// Application: what the processes run, as they see it: where to listen, how much to start, and a
// factory of handlers. Loaded again for each reload; a load that fails changes nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mpm/connection_handler.h"
#include "mpm/settings.h"

namespace headgate::mpm {

/// One loaded configuration, ready to serve.
struct Program {
    ModelName model = ModelName::event;
    Settings settings;  // copied: the models size themselves by it
    std::vector<loop::Address> listens;
    std::vector<int> inherited;  // descriptors of `Listen fd:N`; their addresses are in `listens`
    std::unique_ptr<HandlerFactory> handlers;
    // StatusListen: served by one helper child, which is forked only when there is one.
    std::vector<loop::Address> status_listens;
    std::unique_ptr<HandlerFactory> status_handlers;
};

class Application {
public:
    virtual ~Application() = default;

    /// Null when the configuration has errors, which have been shown then.
    virtual std::unique_ptr<Program> load() = 0;

    /// Just before a newer program takes this process over: what that one is to find. False: nobody
    /// took it over, and what was left is taken back.
    virtual void leave_behind(bool is_leaving) { static_cast<void>(is_leaving); }
};

}  // namespace headgate::mpm
