// OneRunner: one connection at a time. The thread waits for a connection, runs the loop until that
// connection is done, and waits again. See runner.h.
#pragma once

#include "mpm/runner.h"

namespace headgate::mpm {

class OneRunner final : public Runner {
public:
    OneRunner(HandlerFactory& handlers, RunnerOptions options);
    void run() override;

private:
    void begin_drain() override;
    void connection_ended() override { loop_.stop(); }
    void watch_listeners();
    void run_passes();
    void wait_for_connection();
    void serve_one(loop::AcceptResult accepted, std::uint32_t listener);
    bool is_held_back();
    int idle_timeout() const;

    loop::Socket idle_set_;  // every listener, and the loop's own set
    std::vector<std::uint32_t>
        reported_;  // listeners with a connection that is this thread's to take
};

}  // namespace headgate::mpm
