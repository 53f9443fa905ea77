// Park: how a task waits. What is awaited when nothing but a wait is meant; who waits for something
// in particular returns one.
#pragma once

#include <coroutine>
#include <new>

#include "mpm/loop/loop.h"

namespace headgate::loop {

/// `co_await` one of these: parks the running task, returns why the wait ended. A task whose branch
/// is cancelled does not wait at all. In a parked frame it is as large as its waiter: what was
/// asked for has been said by then.
class [[nodiscard]] Park {
public:
    /// `is_ready`: what is waited for has happened already; the task only lets others run first.
    Park(Loop& loop, SourceList* source, Phase phase, const Deadline& deadline,
         bool is_ready = false)
        : asked_{loop, source, deadline, phase, is_ready} {}
    Park(const Park&) = delete;
    Park& operator=(const Park&) = delete;
    ~Park() {
        if (has_parked_) waiter_.~Waiter();
    }

    bool await_ready() const noexcept { return asked_.loop.branch()->is_cancelled(); }
    void await_suspend(std::coroutine_handle<> handle) {
        const Asked asked = asked_;
        Waiter& waiter = *new (&waiter_) Waiter;
        has_parked_ = true;
        waiter.handle = handle;
        waiter.phase = asked.phase;
        asked.loop.park(waiter, asked.source, asked.deadline);
        if (asked.is_ready) asked.loop.wake(waiter, Wake::ready);
    }
    Wake await_resume() const noexcept { return has_parked_ ? waiter_.wake : Wake::cancelled; }

private:
    struct Asked {
        Loop& loop;
        SourceList* source;
        Deadline deadline;
        Phase phase;
        bool is_ready;
    };
    union {
        Asked asked_;    ///< until it has parked
        Waiter waiter_;  ///< afterwards
    };
    bool has_parked_ = false;
};

/// Lets every other ready task run first.
inline Park yield(Loop& loop, Phase phase) {
    return {loop, nullptr, phase, Deadline::at(loop.now())};
}

/// Waits for time to pass.
inline Park sleep(Loop& loop, Phase phase, Milliseconds duration) {
    return {loop, nullptr, phase, Deadline::after(duration)};
}

}  // namespace headgate::loop
