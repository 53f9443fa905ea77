// Runner: what a thread of a child does. The many-runner accepts inside its loop and serves any
// number of connections side by side, up to its slots: the event model's.
#pragma once

#include <atomic>
#include <vector>

#include "mpm/connection_handler.h"
#include "mpm/loop/join.h"

namespace headgate::mpm {

class ManyRunner {
public:
    struct Options {
        std::vector<int> listeners;  // descriptors, in the order of the addresses; not owned
        std::size_t slots = 1000;    // connections at a time
        bool pauses_accepting = false;
    };

    ManyRunner(HandlerFactory& handlers, Options options);

    /// Serves until drained; returns then. Call on the thread that is to be the loop's.
    void run();

    /// Any thread: stop accepting, let connections finish, then let run() return.
    void drain();
    /// Any thread: cut every connection, then let run() return.
    void stop();
    /// Any thread.
    void apply(const ControlMessage& message);

    /// Any thread: connections being served.
    std::size_t connections() const { return connections_.load(std::memory_order_relaxed); }

private:
    loop::Task<void> accept(std::uint32_t listener);
    loop::Task<void> serve(Accepted accepted);
    loop::Task<void> finish();
    void take_connections(loop::Readiness& readiness, std::uint32_t listener);

    loop::Loop loop_;
    HandlerFactory& handlers_;
    Options options_;
    std::unique_ptr<ConnectionHandler> handler_;
    loop::Scope acceptors_;
    loop::Scope connections_scope_;
    loop::Scope finishing_;
    loop::Wakeup slot_free_;
    std::atomic<std::size_t> connections_{0};
    bool is_draining_ = false;
};

}  // namespace headgate::mpm
