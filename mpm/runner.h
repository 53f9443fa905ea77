// Runner: what a thread of a child does with the listeners and its loop. There are two:
//
//   ManyRunner   accepts inside its loop and serves any number of connections side by side
//   OneRunner    waits for a connection, runs the loop until it is done, waits again
//
// Which one a model has is all that distinguishes them to the engine, and the engine cannot see it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "mpm/connection_handler.h"
#include "mpm/control.h"
#include "mpm/loop/scope.h"
#include "mpm/scoreboard.h"

namespace headgate::mpm {

/// What the threads of one child share: how many connections may still be accepted before it ends.
class AcceptBudget {
public:
    explicit AcceptBudget(unsigned most) : left_(most), is_bounded_(most != 0) {}
    /// Takes one; false when none is left.
    bool take() {
        if (!is_bounded_) return true;
        long left = left_.load(std::memory_order_relaxed);
        while (left > 0 &&
               !left_.compare_exchange_weak(left, left - 1, std::memory_order_relaxed)) {
        }
        return left > 0;
    }
    /// Gives one back that led to no connection.
    void give_back() {
        if (is_bounded_) left_.fetch_add(1, std::memory_order_relaxed);
    }
    bool is_spent() const { return is_bounded_ && left_.load(std::memory_order_relaxed) <= 0; }

private:
    std::atomic<long> left_;
    bool is_bounded_;
};

struct RunnerOptions {
    std::vector<int> listeners;  // descriptors, in the order of the addresses; not owned
    std::size_t slots = 1;       // connections at a time
    ThreadSlot* slot = nullptr;  // of the scoreboard
    ChildRow* row = nullptr;
    const Surroundings* surroundings = nullptr;
    AcceptBudget* budget = nullptr;
    std::function<void()> on_spent;     // the budget is spent: the child is to drain
    std::function<void()> on_left;      // draining: this runner uses the listeners no more
    std::function<void()> on_shortage;  // of memory, noticed here: every runner is to shed()
};

/// Whether accept() failed for want of descriptors or memory: the connection is still there.
bool is_out_of_resources(int error);

class Runner {
public:
    virtual ~Runner() = default;

    /// Serves until drained; returns then. Call on the thread that is to be the loop's.
    virtual void run() = 0;

    /// Any thread: stop accepting, let connections finish, then let run() return.
    void drain(Drain how);
    /// Any thread: cut every connection, then let run() return.
    void stop();
    /// Any thread: memory is short, and if it still is when this loop hears of it, handlers shed.
    void shed();
    /// Any thread.
    void apply(const ControlMessage& message);
    /// Before run(): has words for this child read from `control` on this runner's loop; each is
    /// given to `on_word`, and the end of the supervisor as ControlWord::finish.
    void watch_control(const loop::Socket& control, std::function<void(ReceivedWord)> on_word);

protected:
    Runner(HandlerFactory& handlers, RunnerOptions options, bool keeps_thread);

    /// Serves what accept() took from options_.listeners[listener].
    loop::Task<void> serve(loop::AcceptResult accepted, std::uint32_t listener);
    void count_ended();
    loop::Task<void> read_control(const loop::Socket& control);
    void meet_shortage();
    loop::Task<void> end_shortage();
    /// Whether memory is short, which is said: then nothing is accepted.
    bool lacks_memory();
    /// Takes one connection of a listener, if there is one and the budget allows it.
    loop::AcceptResult accept(int listener);
    virtual void begin_drain() = 0;
    virtual void connection_ended() = 0;

    HandlerFactory& handlers_;
    RunnerOptions options_;
    std::vector<loop::Address> addresses_;  // of the listeners
    loop::Loop loop_;
    std::unique_ptr<ConnectionHandler> handler_;
    loop::Scope connections_;
    loop::Scope background_;
    std::function<void(ReceivedWord)> on_word_;
    bool is_draining_ = false;
    bool is_ending_shortage_ = false;
};

std::unique_ptr<Runner> make_runner(bool serves_many, HandlerFactory& handlers,
                                    RunnerOptions options);

}  // namespace headgate::mpm
