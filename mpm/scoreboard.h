// Scoreboard: what every child and thread is doing, in memory that all processes share. A row for
// each child, a slot for each thread; written by its owner, read by anyone, without locks.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <ctime>

#include "mpm/loop/account.h"

namespace headgate::mpm {

/// Failures that are counted apart: numbers that the engine gives names to.
inline constexpr std::size_t failure_limit = 1360;

enum class SlotState : std::uint8_t { open, starting, ready, busy, finishing };

/// A number that one thread writes and all read: no locked instruction.
template <class T>
class Counter {
public:
    void add(T by) { value_.store(get() + by, std::memory_order_relaxed); }
    void set(T to) { value_.store(to, std::memory_order_relaxed); }
    T get() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<T> value_{0};
};

/// What one client connection is doing, for the live table. Texts are written by its thread while
/// `writing` is odd; a reader that sees it odd or changed leaves the row out.
struct alignas(64) ConnectionRecord {
    std::atomic<std::uint32_t> writing{0};
    std::atomic<bool> is_used{false};
    std::atomic<bool> is_running{false};    // a task of it executes now
    std::atomic<std::uint8_t> phase{0};     // else: what it waits for
    std::atomic<std::int64_t> since_ns{0};  // monotonic clock: since when either is so
    char client[48] = "";
    char request[96] = "";
    char upstream[48] = "";
    char framing[8] = "";
};

/// Room for counters of exceptions that the application makes and names.
inline constexpr std::size_t exception_limit = 8;

/// Room for counters of how connections begin, the same way.
inline constexpr std::size_t opening_limit = 8;

/// One thread. Counters only grow, but for the gauges; sums over slots are what is shown.
struct alignas(64) ThreadSlot {
    std::atomic<SlotState> state{SlotState::open};
    Counter<std::uint32_t> connections;   // gauge: being served now
    Counter<std::uint32_t> first_record;  // of this thread among its child's connections
    Counter<std::uint32_t> records_used;  // so many from there have ever been used
    Counter<std::uint64_t> accepted;
    Counter<std::uint64_t> exchanges;
    Counter<std::uint64_t> octets;       // sent to clients
    Counter<std::uint64_t> duration_ns;  // of exchanges, wall
    Counter<std::uint64_t> held_ns;
    Counter<std::uint64_t> ran_ns;      // its loop ran tasks; only where it serves many at a time
    Counter<std::uint64_t> lines_lost;  // of logs
    Counter<std::uint32_t> parked[loop::phase_limit];  // gauge: exchanges waiting now
    Counter<std::uint64_t> parked_ns[loop::phase_limit];
    Counter<std::uint64_t> releases[loop::phase_limit];
    Counter<std::uint64_t> exceptions[exception_limit];
    Counter<std::uint64_t> openings[opening_limit];
};

/// What all processes have in common. Written by any thread: what is rare enough to be counted in
/// one place, rather than in each slot.
struct alignas(64) CommonFacts {
    std::atomic<std::uint32_t> moves{0};
    // Whose turn it is to say what all would say at once (loop/take_turn.h).
    std::atomic<std::int64_t> next_pause_line_ns{0};
    std::atomic<std::int64_t> next_loss_line_ns{0};
    std::atomic<std::uint64_t> failures[failure_limit]{};
};

/// One child. Written by the supervisor, but for `has_accepted`, and for `is_draining` when a child
/// has accepted all that it may.
struct alignas(64) ChildRow {
    std::atomic<pid_t> pid{0};  // 0: the row is free
    std::atomic<std::uint32_t> generation{0};
    std::atomic<std::uint32_t> ordinal{0};  // among the children of its generation
    std::atomic<std::uint32_t> threads{0};  // slots it uses, from the first on
    std::atomic<bool> is_draining{false};
    std::atomic<bool> is_helper{false};     // answers StatusListen; not one of the model's
    std::atomic<bool> has_accepted{false};  // ever: a child that dies before is a crash loop's
    std::atomic<std::time_t> started{0};
};

class Scoreboard {
public:
    /// Room for `rows` children of `threads` threads each, shared with children forked later.
    /// Each child may show what `connections` of its connections are doing. `memory`: the
    /// descriptor of a scoreboard of the same size that an earlier program left; -1: a fresh one.
    Scoreboard(unsigned rows, unsigned threads, unsigned connections, int memory = -1);
    ~Scoreboard();
    Scoreboard(const Scoreboard&) = delete;
    Scoreboard& operator=(const Scoreboard&) = delete;

    /// The memory, for a program that replaces this one.
    int descriptor() const { return descriptor_; }
    unsigned rows() const { return rows_; }
    unsigned threads() const { return threads_; }
    ChildRow& row(unsigned index) const { return children_[index]; }
    ThreadSlot& slot(unsigned row, unsigned thread) const {
        return slots_[std::size_t{thread} * rows_ + row];
    }
    unsigned connections() const { return connections_; }
    ConnectionRecord& connection(unsigned row, unsigned index) const {
        return records_[std::size_t{row} * stride_ + index];
    }
    /// Counters of children that have ended, so that sums never go back.
    ThreadSlot& ended() const { return slots_[std::size_t{rows_} * threads_]; }
    /// Odd while a child's counters move there. Who sums up all slots looks before and after, and
    /// begins again when it was odd or has changed: it would have counted some twice, or never.
    std::uint32_t moves() const { return common_->moves; }
    CommonFacts& common() const { return *common_; }

    /// A row without a child, or rows() when there is none.
    unsigned free_row() const;
    /// Empties a row whose child has ended. What its threads counted is kept in the totals; the
    /// memory of its connections is given back.
    void clear(unsigned row);

private:
    void keep_sums(ThreadSlot& from);

    // In memory: what is common; the rows; the slots, the first of every row before the second
    // of any, so that children of one thread take little room; the sums; the connections, each
    // row's on pages of its own.
    unsigned rows_;
    unsigned threads_;
    unsigned connections_;
    std::size_t stride_;  // records of a row, those that only fill its last page included
    std::size_t size_;
    int descriptor_;
    void* memory_;
    CommonFacts* common_;
    ChildRow* children_;
    ThreadSlot* slots_;
    ConnectionRecord* records_;
};

}  // namespace headgate::mpm
