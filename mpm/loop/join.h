// Joining: how one task becomes several and one again. Children always end before the parent goes
// on, so nothing that a child refers to can be gone.
//
//   both(a, b)   two sides of one job; when one fails, the other is cancelled
//   Scope        any number of independent tasks, such as the connections of a loop
#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "mpm/loop/wakeup.h"

namespace headgate::loop {

/// When both() cancels the other side: when one side fails, or also when the second one ends.
enum class Until { both_end, second_ends };

namespace detail {

/// A coroutine that is nobody's value: it starts at once and frees itself. When it ends it goes on
/// with the task that its `then` names, if any.
struct Runner {
    struct promise_type : PromiseBase {
        struct FinalAwaiter {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(
                std::coroutine_handle<promise_type> self) const noexcept {
                const std::coroutine_handle<> then = self.promise().then;
                self.destroy();
                return then ? then : std::noop_coroutine();
            }
            void await_resume() const noexcept {}
        };
        Runner get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        FinalAwaiter final_suspend() const noexcept { return {}; }
        void return_void() noexcept {}
        std::coroutine_handle<> then = nullptr;
    };

    /// Inside a Runner: names the task to go on with after its end.
    struct Then {
        std::coroutine_handle<> task;
        bool await_ready() const noexcept { return task == nullptr; }
        bool await_suspend(std::coroutine_handle<promise_type> self) const noexcept {
            self.promise().then = task;
            return false;
        }
        void await_resume() const noexcept {}
    };
};

/// The two branches of a both(), and who waits for them.
class Fork {
public:
    Fork(Loop& loop, Until until)
        : loop_(loop),
          trunk_(*loop.branch()),
          branches_{Branch(trunk_), Branch(trunk_)},
          until_(until) {}

    Branch& branch(int side) { return branches_[side]; }
    void enter(int side) { loop_.enter(&branches_[side]); }
    void enter_trunk() { loop_.enter(&trunk_); }

    /// One side has ended. Returns the task to go on with: the parent when this was the last one.
    std::coroutine_handle<> ended(int side, bool failed) {
        const bool decides = until_ == Until::second_ends && side == 1;
        if (failed || decides) branches_[1 - side].cancel();
        left_--;
        if (left_ > 0 || parent_ == nullptr) return nullptr;
        enter_trunk();
        return parent_;
    }

    bool await_ready() const noexcept { return left_ == 0; }
    void await_suspend(std::coroutine_handle<> parent) noexcept { parent_ = parent; }
    void await_resume() const noexcept {}

private:
    Loop& loop_;
    Branch& trunk_;
    Branch branches_[2];
    Until until_;
    int left_ = 2;
    std::coroutine_handle<> parent_ = nullptr;
};

template <class R>
Runner run_side(Fork& fork, int side, Task<R>& task, std::optional<R>& result) {
    fork.enter(side);
    result.emplace(co_await std::move(task));
    const Runner::Then then{fork.ended(side, !result->has_value())};
    co_await then;
}

}  // namespace detail

/// Runs two tasks side by side, each on a branch of its own, and returns what both gave when both
/// have ended. When one fails (its result has no value), the other's wait is cancelled; `until` may
/// say that the second one's end cancels the first as well.
template <class A, class B>
Task<std::pair<A, B>> both(Loop& loop, Task<A> first, Task<B> second,
                           Until until = Until::both_end) {
    detail::Fork fork(loop, until);
    std::optional<A> first_result;
    std::optional<B> second_result;
    detail::run_side(fork, 0, first, first_result);
    detail::run_side(fork, 1, second, second_result);
    fork.enter_trunk();
    co_await fork;
    co_return std::pair<A, B>(std::move(*first_result), std::move(*second_result));
}

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
        const Loop::Aside aside(loop_);
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
