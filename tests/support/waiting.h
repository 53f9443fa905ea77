// How tests wait: never for a fixed time, always for something to be true, and never for ever.
#pragma once

#include <chrono>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

namespace headgate::support {

/// How long anything may take before a test gives up on it. Passing tests do not come near.
inline constexpr std::chrono::milliseconds patience{10'000};

/// What was waited for did not happen. Ends the test as failed.
struct TooLate : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What a test does while it waits: clients and origins go on with handshakes that they could not
/// finish.
inline std::function<void()>& meanwhile() {
    static std::function<void()> work = [] {};
    return work;
}

inline void also_meanwhile(const std::function<void()>& work) {
    meanwhile() = [before = meanwhile(), work] {
        before();
        work();
    };
}

/// Returns once `condition()` is true. Throws TooLate, naming `what`, when patience is at an end.
template <class Condition>
void wait_until(const std::string& what, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) throw TooLate("still waiting: " + what);
        meanwhile()();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
}

/// Whether a process lives: one that has ended and was not waited for does not.
inline bool is_alive(int process) {
    std::string line;
    std::getline(std::ifstream("/proc/" + std::to_string(process) + "/stat"), line);
    const std::size_t at = line.rfind(") ");
    return at != std::string::npos && line[at + 2] != 'Z' && line[at + 2] != 'X';
}

}  // namespace headgate::support
