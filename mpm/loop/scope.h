// Scope: any number of independent tasks, such as the connections of a loop. Nobody awaits them one
// by one; whoever owns the scope waits for, or cancels, all of them.
#pragma once

#include <functional>
#include <utility>

#include "mpm/loop/detached.h"
#include "mpm/loop/wakeup.h"

namespace headgate::loop {

/// While alive, tasks started by the running one (Scope::spawn) have books of their own: what
/// they charge is parked, and the caller's branch and account are back, when this ends.
class Aside {
public:
    explicit Aside(Loop& loop)
        : loop_(loop), branch_(loop.branch_), charged_(std::exchange(loop.charged_, nullptr)) {}
    ~Aside() {
        if (loop_.charged_ != nullptr) loop_.charged_->park(loop_.precise_now());
        loop_.charged_ = charged_;
        loop_.branch_ = branch_;
    }
    Aside(const Aside&) = delete;
    Aside& operator=(const Aside&) = delete;

private:
    Loop& loop_;
    Branch* branch_;
    Account* charged_;
};

/// Independent tasks, each a root branch. Must be empty (joined) before it is destroyed.
class Scope {
public:
    /// `on_end` is called when a task has ended, and is none of those that are left.
    explicit Scope(Loop& loop, std::function<void()> on_end = nullptr)
        : loop_(loop), on_end_(std::move(on_end)) {}
    ~Scope() { HEADGATE_ASSERT(members_.empty()); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

    /// Starts a task at once; it runs up to its first wait before spawn returns.
    void spawn(Task<void> task) {
        const Aside aside(loop_);
        run(*this, std::move(task));
    }

    /// Tasks that have not ended.
    std::size_t size() const { return size_; }

    /// Cancels every task: each ends its wait and cleans up.
    void cancel() {
        for (Branch& branch : members_)
            branch.cancel();
    }

    /// Parks until fewer than `count` tasks are left (1: until all have ended).
    Task<Wake> fewer_than(std::size_t count, Phase phase, Deadline deadline) {
        while (size_ >= count) {
            const Wake wake = co_await ended_.wait(loop_, phase, deadline);
            if (wake != Wake::ready) co_return wake;
        }
        co_return Wake::ready;
    }

private:
    static detail::Runner run(Scope& scope, Task<void> task) {
        Branch branch(scope.loop_);
        scope.members_.push_back(branch);
        scope.size_++;
        scope.loop_.enter(&branch);
        do {
            co_await std::move(task);
        } while (scope.loop_.take_next(task));
        scope.note_end();
    }
    void note_end() {
        size_--;
        if (on_end_) on_end_();
        ended_.notify_all(loop_);
    }

    Loop& loop_;
    std::function<void()> on_end_;
    Branch::List members_;
    std::size_t size_ = 0;
    Wakeup ended_;
};

}  // namespace headgate::loop
