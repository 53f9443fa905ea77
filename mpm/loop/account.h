// Account: how long one piece of work (for the proxy: an exchange) ran and how long it was parked,
// by phase. The loop keeps the books at the only places where work starts and stops: when it
// resumes a waiter and when that returns. Phases are small numbers; their names belong to others.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

#include "mpm/loop/clock.h"

namespace headgate::loop {

/// What a wait is for. Opaque here: an index below phase_limit that the engine gives a name to.
enum class Phase : std::uint8_t {};
inline constexpr std::size_t phase_limit = 17;

/// Told when a piece of work starts and stops running, for live views. Called on the loop's thread.
class AccountObserver {
public:
    virtual ~AccountObserver() = default;
    virtual void runs(TimePoint now) = 0;
    virtual void parks(Phase phase, TimePoint now) = 0;
};

/// The books of one piece of work. Work *runs* while one of its tasks executes and is *parked*
/// while none does; a park is charged to the phase of the task that ends it.
class Account {
public:
    /// Opens the books: the work runs from `now`. `observer` may be null; it outlives the books.
    void open(TimePoint now, AccountObserver* observer = nullptr) {
        *this = Account{};
        observer_ = observer;
        since_ = now;
        running_ = true;
        if (observer_ != nullptr) observer_->runs(now);
    }
    /// A task of this work is about to wait: the latest one is what is shown while parked.
    void expect(Phase phase) { waits_for_ = phase; }
    void park(TimePoint now) {
        ran_ += now - since_;
        since_ = now;
        running_ = false;
        if (observer_ != nullptr) observer_->parks(waits_for_, now);
    }
    void unpark(TimePoint now, Phase phase) {
        if (observer_ != nullptr) observer_->runs(now);
        const auto index = static_cast<std::size_t>(phase);
        parked_[index] += now - since_;
        if (parks_[index] != UINT16_MAX) parks_[index]++;
        since_ = now;
        running_ = true;
    }
    /// Closes the running stretch; the sums below are complete afterwards.
    void close(TimePoint now) {
        observer_ = nullptr;
        if (running_) park(now);
    }

    bool is_running() const { return running_; }
    Duration ran() const { return ran_; }
    Duration parked(Phase phase) const { return parked_[static_cast<std::size_t>(phase)]; }
    Duration parked() const {
        Duration sum{};
        for (Duration each : parked_)
            sum += each;
        return sum;
    }
    /// Times the work was parked, that is, could give its thread back.
    std::uint32_t releases() const {
        std::uint32_t sum = 0;
        for (std::uint16_t each : parks_)
            sum += each;
        return sum;
    }
    std::uint16_t releases(Phase phase) const { return parks_[static_cast<std::size_t>(phase)]; }

private:
    TimePoint since_{};
    Duration ran_{};
    std::array<Duration, phase_limit> parked_{};
    std::array<std::uint16_t, phase_limit> parks_{};
    AccountObserver* observer_ = nullptr;
    Phase waits_for_{};
    bool running_ = false;
};

}  // namespace headgate::loop
