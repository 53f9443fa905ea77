// Fails every awaited step of a coroutine once, and cancels it there once: the body runs again and
// again, with its first step going wrong, then its second, until it passes untouched. After each
// round nothing may be left behind: no task, no coroutine frame, no endless passes.
#pragma once

#include <gtest/gtest.h>

#include "mpm/loop/frame_cache.h"
#include "mpm/loop/scope.h"
#include "tests/support/manual_clock.h"

namespace headgate::support {

/// Which step goes wrong, and how. Whatever a test scripts asks it at each step.
class FailPlan {
public:
    enum class Kind : std::uint8_t { error, cancel };
    enum class Verdict : std::uint8_t { go_on, error, cancel };

    FailPlan(Kind kind, int at, loop::Loop& loop, loop::Scope& scope)
        : kind_(kind), at_(at), loop_(loop), scope_(scope) {}

    /// The verdict on the present step. A step to be cancelled has to report that it would block:
    /// the wait that follows is what is cancelled, in the next pass.
    Verdict next() {
        if (++seen_ != at_) return Verdict::go_on;
        if (kind_ == Kind::error) return Verdict::error;
        loop_.post([&scope = scope_] { scope.cancel(); });
        return Verdict::cancel;
    }
    bool was_reached() const { return seen_ >= at_; }

private:
    Kind kind_;
    int at_;
    int seen_ = 0;
    loop::Loop& loop_;
    loop::Scope& scope_;
};

/// What a body gets of its round.
struct Round {
    ManualLoop& manual;
    FailPlan& plan;
    loop::Loop& loop() { return manual.loop; }
    /// Whether nothing has gone wrong: then the body's results have to be right, else failures.
    bool is_untouched() const { return !plan.was_reached(); }
};

/// One round; whether the planned step was reached. `beside` is called after each pass, for what
/// plays a peer; it returns whether it did something.
template <class Body, class Beside>
bool run_round(FailPlan::Kind kind, int at, Body body, Beside beside) {
    const std::ptrdiff_t frames = loop::frame_cache::frames_in_use();
    bool was_reached = false;
    {
        ManualLoop manual;
        loop::Scope scope(manual.loop);
        FailPlan plan(kind, at, manual.loop, scope);
        Round round{manual, plan};
        scope.spawn(body(round));
        int idle = 0;
        for (int pass = 0; pass < 20'000 && scope.size() > 0 && idle < 40; pass++) {
            const bool ran = manual.loop.run_pass();
            const bool moved = beside();
            idle = ran || moved ? 0 : idle + 1;
            // Nothing left to do but to wait: a few deadlines may pass, then it hangs.
            if (idle > 4) manual.clock.advance(std::chrono::seconds(20));
        }
        EXPECT_EQ(scope.size(), 0u)
            << "step " << at << " of kind " << static_cast<int>(kind) << " hangs";
        was_reached = plan.was_reached();
        if (scope.size() > 0) {  // or the scope's own check would end the program
            scope.cancel();
            manual.settle();
        }
    }
    EXPECT_EQ(loop::frame_cache::frames_in_use(), frames) << "frames left by step " << at;
    return was_reached;
}

/// All rounds. Returns how many steps there were.
template <class Body, class Beside>
int fail_nth(Body body, Beside beside) {
    int steps = 0;
    for (const auto kind : {FailPlan::Kind::error, FailPlan::Kind::cancel}) {
        int at = 1;
        while (at < 2000 && run_round(kind, at, body, beside)) {
            if (::testing::Test::HasFailure()) return at;
            at++;
        }
        EXPECT_LT(at, 2000) << "the body never passes untouched";
        steps = at - 1;
    }
    return steps;
}
template <class Body>
int fail_nth(Body body) {
    return fail_nth(body, [] { return false; });
}

}  // namespace headgate::support
