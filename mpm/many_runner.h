// ManyRunner: any number of connections side by side on one loop. See runner.h.
#pragma once

#include "mpm/loop/scope.h"
#include "mpm/runner.h"

namespace headgate::mpm {

class ManyRunner final : public Runner, private loop::LoopObserver {
public:
    ManyRunner(HandlerFactory& handlers, RunnerOptions options);
    void run() override;

private:
    void begin_drain() override;
    void connection_ended() override;
    void runs() override;
    void rests(loop::Duration ran) override;
    loop::Task<void> accept_from(std::uint32_t listener);
    loop::Task<void> finish();
    loop::Task<void> recede();
    void take_connections(loop::Readiness& readiness, std::uint32_t listener);

    loop::Scope acceptors_;
    loop::Scope finishing_;
    loop::Wakeup slot_free_;
    bool has_no_descriptors_ = false;
    std::size_t peak_ = 0;  // connections, since memory was last given back
    bool is_receding_ = false;
};

}  // namespace headgate::mpm
