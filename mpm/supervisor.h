// Supervisor: the parent process. It loads the configuration, opens the listeners, keeps children,
// obeys signals, and never touches a client's byte. One thread, no loop: see README.md, the life of
// a process.
#pragma once

#include <chrono>
#include <ctime>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mpm/application.h"
#include "mpm/child.h"
#include "mpm/handover.h"
#include "mpm/signals.h"
#include "mpm/spare.h"
#include "mpm/thread_load.h"
#include "mpm/trouble.h"

namespace headgate::mpm {

/// Exit statuses of the program that are the supervisor's to give.
enum class Outcome { done, configuration_wrong, cannot_listen };

class Supervisor {
public:
    /// `say` shows a line to whoever started the program.
    Supervisor(Application& application, std::function<void(const std::string&)> say);

    /// Starts and serves until told to end; returns when the last child has ended.
    Outcome run();

    /// Does what can go wrong at a start, with what an earlier program leaves, and nothing else:
    /// for that program, which asks before it lets itself be replaced.
    Outcome rehearse();

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds pass{1000};  // between looks at the spare threads
    static constexpr std::chrono::milliseconds between_news{250};  // HandlerFactory::news()
    static constexpr unsigned helper_connections = 64;  // of the process for StatusListen
    static constexpr std::size_t most_generations = 3;

    /// One loaded configuration and the children that serve it.
    struct Generation {
        unsigned number = 0;
        std::unique_ptr<Program> program;  // null: an earlier program's, only its end is awaited
        Sizing sizing;
        bool is_draining = false;
        bool is_cut = false;  // its children have been told to stop; what comes then is SIGKILL
        Clock::time_point cut_at = Clock::time_point::max();
    };
    struct Child {
        pid_t pid;
        unsigned row;
        unsigned ordinal;
        unsigned generation;
        loop::Socket control;
        bool is_draining = false;
        bool is_helper = false;  // answers StatusListen; not one of the model's
    };
    /// A child to replace. The crash brake holds each that never accepted, and only that one.
    struct Missing {
        unsigned ordinal;
        Clock::time_point not_before{};
    };

    Outcome start();
    Outcome open(const Program* program, const std::optional<Handover>& handover);
    void make_scoreboard(const Program& program, const Sizing& sizing,
                         const std::optional<Handover>& handover);
    std::chrono::milliseconds longest_wait() const;
    void adopt(std::unique_ptr<Program> program);
    void guard_secrets(const Program& program);
    void inherit_listeners(const Program& program, const std::vector<int>& handed_over);
    void say_new_warnings(const std::vector<std::string>& warnings);
    std::string change_listeners(const Program& program);
    void obey(int signal);
    void reload();
    void replace_program();
    Handover everything() const;
    void adopt_children(const Handover& handover);
    void begin_drain(bool at_once);
    void drain(Generation& generation, ControlWord how);
    void cut_late_ones();

    void reap();
    void bury(pid_t pid, int status);
    void maintain();
    SpareKeeper::Census count_idle(const Generation& generation);
    void say_at_limit(const Generation& generation, unsigned idle);
    void tell_news();
    void end_last_child(const Generation& generation);
    void fork_child(Generation& generation, unsigned ordinal);
    void fork_helper(Generation& generation);
    void launch(Generation& generation, unsigned ordinal, bool is_helper, ChildPlan plan);
    void say_lacking(pid_t pid);
    void cannot_launch(const std::string& reason);
    void replace_spent();
    void fork_missing();
    unsigned free_ordinal(const Generation& generation) const;
    unsigned serving(const Generation& generation) const;
    Generation& present() { return *generations_.back(); }
    void forget_ended_generations();
    std::string describe() const;

    Application& application_;
    std::function<void(const std::string&)> say_;
    Signals signals_;
    Listeners listeners_;
    Listeners status_listeners_;
    std::unique_ptr<Scoreboard> scoreboard_;
    FixedLimits fixed_;
    std::time_t started_ = std::time(nullptr);
    const std::vector<std::string> command_;
    std::list<std::unique_ptr<Generation>> generations_;
    std::list<Child> children_;
    std::vector<Missing> missing_;
    SpareKeeper spare_;
    ThreadLoad load_;
    Clock::time_point next_maintenance_{};
    Clock::time_point next_news_{};
    Clock::time_point may_fork_at_{};  // when a fork has failed
    Trouble forking_;                  // what is said of that
    Trouble lacking_;                  // and of children that end for want of something
    Clock::time_point may_add_at_{};   // spare children and the helper: the crash brake
    bool wants_reload_ = false;
    bool wants_replacement_ = false;
    bool is_guarded_ = false;  // guard_memory()
    bool is_ending_ = false;
    bool is_stopping_ = false;
    Outcome outcome_ = Outcome::done;
    std::vector<std::string> warnings_said_;  // of the present generation
    bool said_at_limit_ = false;
    bool said_near_limit_ = false;
};

}  // namespace headgate::mpm
