// Waiter: the node of one wait. It lives inside the awaiter, that is, in the waiting coroutine's
// frame, so suspending allocates nothing; it is linked to what it waits for (a descriptor, a
// wakeup), to its deadline, and to its branch. Whatever ends the wait unlinks it from all three.
//
// Branch: a line of execution: a client connection, or one side of a both(). It has at most one
// waiter parked, or branches of its own. Cancelling it ends that wait with Wake::cancelled, and
// every later wait on it at once: a cancelled task only cleans up and ends.
#pragma once

#include <boost/intrusive/list.hpp>
#include <coroutine>
#include <cstdint>

#include "mpm/loop/account.h"
#include "mpm/loop/clock.h"

namespace headgate::loop {

class Branch;
class Loop;

/// Why a wait ended.
enum class Wake : std::uint8_t { none, ready, deadline, cancelled };

/// When a wait is over at the latest: a duration from now (cheap: one queue per distinct duration),
/// a point in time, or never (only for waits that something else is certain to end).
struct Deadline {
    enum class Kind : std::uint8_t { never, after, at };
    Kind kind = Kind::never;
    union {                     // one or the other, for there is one in the frame of every wait
        Milliseconds duration;  ///< of Kind::after
        TimePoint point;        ///< of Kind::at
    };

    static Deadline never() { return {}; }
    static Deadline after(Milliseconds duration) {
        Deadline deadline;
        deadline.kind = Kind::after;
        deadline.duration = duration;
        return deadline;
    }
    static Deadline at(TimePoint point) {
        Deadline deadline;
        deadline.kind = Kind::at;
        deadline.point = point;
        return deadline;
    }
    constexpr Deadline() : duration{} {}
};

struct Waiter {
    using Hook = boost::intrusive::list_member_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

    Hook source_hook;    // linked to what is waited for
    Hook deadline_hook;  // linked to the queue of its deadline
    union {
        TimePoint expires{};  ///< while it is linked to its deadline
        Waiter* next_ready;   ///< while it is queued
    };
    Branch* branch = nullptr;
    void (*call)(Waiter&) = nullptr;  // null: a coroutine waits
    union {
        std::coroutine_handle<> handle = nullptr;  ///< of the coroutine
        void* context;                             ///< for `call`
    };
    Wake wake = Wake::none;
    Phase phase{};
    bool queued = false;
};

using SourceList = boost::intrusive::list<
    Waiter, boost::intrusive::member_hook<Waiter, Waiter::Hook, &Waiter::source_hook>,
    boost::intrusive::constant_time_size<false>>;
using DeadlineList = boost::intrusive::list<
    Waiter, boost::intrusive::member_hook<Waiter, Waiter::Hook, &Waiter::deadline_hook>,
    boost::intrusive::constant_time_size<false>>;

/// In one list at most: of its parent's branches, or of a scope's.
class Branch : public boost::intrusive::list_base_hook<
                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    using List = boost::intrusive::list<Branch, boost::intrusive::constant_time_size<false>>;

    /// A root branch: the line of a spawned task.
    explicit Branch(Loop& loop) : loop_(loop) {}
    /// A branch of `parent`, which it shares the account with; cancelled together with it.
    explicit Branch(Branch& parent)
        : account(parent.account), loop_(parent.loop_), cancelled_(parent.cancelled_) {
        parent.forks_.push_back(*this);
    }
    Branch(const Branch&) = delete;
    Branch& operator=(const Branch&) = delete;

    /// Ends the parked wait (its task is queued, not run here) and refuses all later ones.
    void cancel();
    /// Ends the parked wait only, with `wake`; the branch goes on. No effect when nothing is
    /// parked.
    void interrupt(Wake wake);
    bool is_cancelled() const { return cancelled_; }

    Account* account = nullptr;  // whose books this line's time goes to; null: nobody's
    Waiter* parked = nullptr;

private:
    Loop& loop_;
    bool cancelled_ = false;
    List forks_;
};

}  // namespace headgate::loop
