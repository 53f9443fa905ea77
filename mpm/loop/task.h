// Task<T>: a coroutine that runs when awaited and gives its value to the one that awaits it.
//
// Not for: running something by itself (Scope in join.h does that) or waiting for a descriptor (the
// awaiters of loop.h do that). Read first: the two rules below, for g++ 12 makes them necessary.
//
//  1. Every local of a coroutine lives in its frame until it ends: no arrays or buffers as locals.
//  2. Symmetric transfer is a tail call only in optimised builds. So a Task starts its child
//  *inside*
//     await_suspend and says "do not suspend" when the child finished at once: a million ready
//     children in a row use no stack in any build.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "mpm/loop/assert.h"
#include "mpm/loop/frame_cache.h"

namespace headgate::loop {

/// What every promise of this program shares: frames from the per-thread cache, and no exceptions
/// (a coroutine that lets one out ends the process; errors are values here).
struct PromiseBase {
    static void* operator new(std::size_t size) { return frame_cache::allocate(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
        frame_cache::release(frame, size);
    }
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
};

namespace detail {

struct TaskPromiseBase : PromiseBase {
    struct FinalAwaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
            TaskPromiseBase& promise = self.promise();
            // Still inside the parent's await_suspend: it sees `done()` and goes on by itself.
            if (promise.starting) return std::noop_coroutine();
            return promise.parent;
        }
        void await_resume() const noexcept {}
    };

    std::suspend_always initial_suspend() const noexcept { return {}; }
    FinalAwaiter final_suspend() const noexcept { return {}; }

    std::coroutine_handle<> parent = nullptr;
    bool starting = true;
};

template <class T>
struct TaskPromise : TaskPromiseBase {
    std::coroutine_handle<TaskPromise> get_return_object() noexcept {
        return std::coroutine_handle<TaskPromise>::from_promise(*this);
    }
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
    std::optional<T> value;
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
    std::coroutine_handle<TaskPromise> get_return_object() noexcept {
        return std::coroutine_handle<TaskPromise>::from_promise(*this);
    }
    void return_void() noexcept {}
};

}  // namespace detail

/// Owns a coroutine that has not been started. `co_await std::move(task)` (or a temporary) starts
/// it, and returns its value when it has ended. Dropping a task that never started frees it;
/// dropping one that is suspended inside a wait is an error of this program.
template <class T = void>
class [[nodiscard]] Task {
public:
    using promise_type = detail::TaskPromise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    Task(Handle handle) noexcept : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }

    /// Runs the child until it ends or suspends; false (do not suspend) when it ended.
    bool await_suspend(std::coroutine_handle<> parent) noexcept {
        promise_type& promise = handle_.promise();
        promise.parent = parent;
        handle_.resume();
        promise.starting = false;
        return !handle_.done();
    }

    T await_resume() {
        if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
    }

private:
    Handle handle_;
};

}  // namespace headgate::loop
