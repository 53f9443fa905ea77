// Trouble: something that fails again and again: said when it begins, once a minute while it lasts,
// and when it is over. Tells what to say, and says nothing itself.
#pragma once

#include <chrono>
#include <string>

namespace headgate::mpm {

class Trouble {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::seconds between_lines{60};

    /// It has failed (again), for this reason: the line to say, empty for none now. Another reason
    /// does not make it another trouble: it may change from one try to the next.
    std::string failed(const std::string& reason, Clock::time_point now) {
        tries_++;
        if (now < next_line_) return "";
        const bool is_new = tries_ == 1;
        next_line_ = now + between_lines;
        return is_new ? reason : reason + ", " + std::to_string(tries_) + " times by now";
    }
    /// It has not: whether it had before, which is over now.
    bool worked() {
        const bool is_over = tries_ > 0;
        *this = {};
        return is_over;
    }

private:
    unsigned tries_ = 0;
    Clock::time_point next_line_ = Clock::time_point::min();
};

}  // namespace headgate::mpm
