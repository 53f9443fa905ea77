// The coroutine beneath both() and Scope: nobody awaits it, so it looks after itself.
#pragma once

#include <coroutine>

#include "mpm/loop/task.h"

namespace headgate::loop::detail {

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

}  // namespace headgate::loop::detail
