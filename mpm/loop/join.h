// both(a, b): two sides of one job, side by side; when one fails, the other is cancelled. Both have
// ended before the parent goes on, so nothing that they refer to can be gone.
#pragma once

#include <optional>
#include <utility>

#include "mpm/loop/detached.h"
#include "mpm/loop/loop.h"

namespace headgate::loop {

/// When both() cancels the other side: when one side fails, or also when the second one ends.
enum class Until { both_end, second_ends };

namespace detail {

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

}  // namespace headgate::loop
