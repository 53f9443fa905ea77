// Loop: one thread's scheduler. It waits for descriptors and deadlines, and resumes the waiters
// they belong to, one after another, on its own thread. Read first: waiter.h, task.h.
//
// Boost.Asio's io_context is the frame it runs in (timers, executors); sockets are waited for in an
// edge-triggered epoll set of its own, registered there as one descriptor.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "mpm/loop/deadlines.h"
#include "mpm/loop/loop_observer.h"
#include "mpm/loop/mailbox.h"
#include "mpm/loop/readiness.h"
#include "mpm/loop/socket.h"
#include "mpm/loop/task.h"
#include "mpm/loop/waiter.h"

namespace headgate::loop {

class Loop {
public:
    struct Options {
        /// Whether the runner keeps the thread for one piece of work while it is parked: then
        /// parked time counts as held time. A property of the runner, stated, never guessed.
        bool keeps_thread = false;
        const TimeSource* time = &TimeSource::system();
    };

    explicit Loop(const Options& options);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// "Boost 1.81", whose Asio the loop runs in.
    static std::string library_version();

    /// Runs until stop(). The calling thread is the loop's thread from then on.
    void run();
    /// One pass without blocking: events, expired deadlines, then every task that was ready.
    /// Returns whether something ran. For tests and for one-at-a-time runners.
    bool run_pass();
    /// Makes run() return after the pass in hand. From another thread: post([&] { loop.stop(); }).
    void stop();
    /// Leaves a call for the loop's thread. The only member other threads may use.
    void post(Mailbox::Call call) { mailbox_.post(std::move(call)); }

    /// For a runner that waits elsewhere between runs: becomes readable when a pass is worth
    /// making.
    int descriptor() const { return set_; }
    /// Does what is done before every sleep.
    void prepare_to_sleep() {
        for (Mailbox::Call& call : before_sleep_)
            call();
    }

    /// Has `call` made before every sleep, for as long as the loop lives: written logs are flushed
    /// there.
    void before_sleep(Mailbox::Call call) { before_sleep_.push_back(std::move(call)); }

    /// Has `call` made between two tasks when memory has run short in this process and this loop is
    /// the first to notice. Tasks that it wakes run before those that were ready.
    void on_shortage(Mailbox::Call call) { on_shortage_ = std::move(call); }

    /// Null: nobody. It outlives the loop.
    void set_observer(LoopObserver* observer) { observer_ = observer; }

    /// Counts passes over the descriptors: what was idle since an earlier pass has been looked at.
    std::uint32_t pass() const { return pass_; }

    /// The time at which the present pass began: good enough for deadlines and dates.
    TimePoint now() const { return now_; }
    /// The time right now.
    TimePoint precise_now() const { return time_.now(); }
    TimePoint next_deadline() const { return deadlines_.next(); }
    bool keeps_thread() const { return keeps_thread_; }

    /// Starts watching a non-blocking descriptor. The loop owns the result until forget() or
    /// close().
    Readiness& watch(int descriptor);
    /// Stops watching; call before closing the descriptor. Nobody may wait for it.
    void forget(Readiness& readiness);
    /// The same, and closes it: what is closed leaves the kernel's set without a call of its own.
    /// Only for a descriptor that nobody has a duplicate of.
    void close(Readiness& readiness, Socket socket);

    /// Frees what is kept for reuse, of this loop and its thread, and gives unused memory back to
    /// the system. Takes milliseconds: for after a burst.
    void trim();

    /// One buffer for reading into, shared by every task of the loop: its content is valid until
    /// the reader suspends.
    std::span<char> scratch() { return {scratch_.get(), scratch_size}; }

    /// The line of execution that runs now; null between tasks.
    Branch* branch() const { return branch_; }
    void enter(Branch* branch) { branch_ = branch; }

    /// The running task was spawned in a Scope, and is about to end: `next` goes on in its place,
    /// as the same member of the scope and on the same line, and nothing of the first is kept
    /// meanwhile.
    void go_on_with(Task<void> next) {
        HEADGATE_ASSERT(!next_task_);
        next_task_.emplace(std::move(next));
    }
    /// For Scope, when a task has ended: whether `task` is another one now.
    bool take_next(Task<void>& task) {
        if (!next_task_) return false;
        task = std::move(*next_task_);
        next_task_.reset();
        return true;
    }

    /// From here on the running branch's time goes to `account`, which is opened; null: to
    /// nobody's. The account that was charged before is closed.
    void charge(Account* account, AccountObserver* observer = nullptr);

    // ---- for awaiters
    /// Parks a waiter: linked to `source` (when given), to its deadline and to the running branch.
    void park(Waiter& waiter, SourceList* source, const Deadline& deadline);
    /// Ends a wait: unlinks the waiter and queues it. No effect on one that is queued already.
    void wake(Waiter& waiter, Wake why);
    /// Ends the waits of a whole list.
    void wake_all(SourceList& list, Wake why);
    /// Ends a wait of which nobody is told any more, parked or queued: for waiters with a call. No
    /// effect on one that does not wait.
    void withdraw(Waiter& waiter);
    /// Moves the deadline of a parked waiter.
    void set_deadline(Waiter& waiter, const Deadline& deadline);

    static constexpr std::size_t scratch_size = 64 * 1024;

private:
    friend class Aside;  // scope.h
    struct Asio;
    void collect_events(int timeout_ms);
    void expire_deadlines();
    void retire(Readiness& readiness);
    bool run_ready();
    void notice_shortage();
    void resume(Waiter& waiter);
    void pass_and_rearm();
    void schedule_tick();
    void arm_set();

    std::unique_ptr<Asio> asio_;
    const TimeSource& time_;
    const bool keeps_thread_;
    const int set_;
    TimePoint now_;
    TimePoint edge_;  // the last precise reading, shared by the end of one run and the next start
    TimePoint tick_at_ = TimePoint::max();
    std::uint32_t pass_ = 0;
    std::vector<Mailbox::Call> before_sleep_;
    Mailbox::Call on_shortage_;
    LoopObserver* observer_ = nullptr;
    bool stopping_ = false;
    bool armed_ = false;
    Deadlines deadlines_;
    Waiter* running_ = nullptr;  // the rest of what this pass resumes
    Waiter* first_ready_ = nullptr;
    Waiter** last_ready_ = &first_ready_;
    Branch* branch_ = nullptr;
    Account* charged_ = nullptr;
    std::optional<Task<void>> next_task_;                // only while a task ends
    std::vector<std::unique_ptr<Readiness>> free_;       // for reuse
    std::vector<std::unique_ptr<Readiness>> forgotten_;  // free after this pass: an event may still
                                                         // name them
    Mailbox mailbox_;
    Readiness* mail_ = nullptr;
    std::unique_ptr<char[]> scratch_;
};

}  // namespace headgate::loop
