// The supervisor's children: forked, reaped, replaced, and as many as the model wants. See
// supervisor.h.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "mpm/supervisor.h"

namespace headgate::mpm {

/// Not at all where it has just failed: what failed once fails for all who are missing.
void Supervisor::fork_child(Generation& generation, unsigned ordinal) {
    if (Clock::now() < may_fork_at_) {
        missing_.push_back({ordinal, {}});
        return;
    }
    const Program& program = *generation.program;
    const Model& model = model_of(program.model);
    launch(generation, ordinal, false,
           {model,
            model.serves_many,
            generation.sizing,
            program.settings,
            *program.handlers,
            listeners_,
            *scoreboard_,
            0,
            ordinal,
            generation.number,
            started_,
            {}});
}

/// The process that answers StatusListen: one thread, many connections, whatever the model.
void Supervisor::fork_helper(Generation& generation) {
    const Program& program = *generation.program;
    if (!program.status_handlers || is_ending_) return;
    Sizing sizing;
    sizing.connections = helper_connections;
    launch(generation, 0, true,
           {model_of(program.model),
            true,
            sizing,
            program.settings,
            *program.status_handlers,
            status_listeners_,
            *scoreboard_,
            0,
            0,
            generation.number,
            started_,
            {}});
}

void Supervisor::launch(Generation& generation, unsigned ordinal, bool is_helper, ChildPlan plan) {
    plan.row = scoreboard_->free_row();
    if (plan.row == scoreboard_->rows()) {
        cannot_launch("the scoreboard is full");
        if (!is_helper) missing_.push_back({ordinal, {}});
        return;
    }
    auto [ours, theirs] = make_control_pair();
    if (!ours.is_open()) {
        cannot_launch(std::string("its channel: ") + strerror(errno));
        if (!is_helper) missing_.push_back({ordinal, {}});
        return;
    }
    plan.control = std::move(theirs);
    ChildRow& facts = scoreboard_->row(plan.row);
    facts.generation = generation.number;
    facts.ordinal = ordinal;
    facts.threads = plan.sizing.threads_per_child;
    facts.is_helper = is_helper;
    facts.started = std::time(nullptr);
    const unsigned row = plan.row;
    const pid_t pid = ::fork();
    if (pid == 0) {
        ours.close();
        // Neither the ends of siblings' channels nor the other kind's sockets are to stay open
        // here. The list itself is left alone: a page that is written to is copied.
        for (const Child& sibling : children_)
            ::close(sibling.control.descriptor());
        (is_helper ? listeners_ : status_listeners_).close();
        run_child(std::move(plan));
    }
    if (pid < 0) {
        cannot_launch(strerror(errno));
        if (!is_helper) missing_.push_back({ordinal, {}});
        return;
    }
    if (forking_.worked()) say_("children can be forked again");
    facts.pid = pid;
    children_.push_back({pid, row, ordinal, generation.number, std::move(ours), false, is_helper});
}

/// It is tried again in a second, and not before.
void Supervisor::cannot_launch(const std::string& reason) {
    may_fork_at_ = Clock::now() + pass;
    const std::string line = forking_.failed("cannot fork a child: " + reason, Clock::now());
    if (!line.empty()) say_(line);
}

void Supervisor::reap() {
    int status = 0;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0;
         pid = ::waitpid(-1, &status, WNOHANG)) {
        bury(pid, status);
    }
    forget_ended_generations();
}

void Supervisor::bury(pid_t pid, int status) {
    const auto child = std::find_if(children_.begin(), children_.end(),
                                    [pid](const Child& each) { return each.pid == pid; });
    if (child == children_.end()) return;  // not one of ours: PID 1 adopts strangers
    const bool crashed = WIFSIGNALED(status) || WEXITSTATUS(status) != ended_well;
    const bool has_row = child->row < scoreboard_->rows();
    const bool ever_served = !has_row || scoreboard_->row(child->row).has_accepted;
    if (WIFSIGNALED(status)) {
        say_("child " + std::to_string(pid) + " was ended by signal " +
             std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == lacks_something) say_lacking(pid);
    const bool is_present = child->generation == present().number;
    if (is_present && WIFEXITED(status) && WEXITSTATUS(status) == cannot_start) {
        outcome_ = Outcome::configuration_wrong;
        begin_drain(true);
    }
    if (has_row) scoreboard_->clear(child->row);
    const Child ended{child->pid, child->row,         child->ordinal,  child->generation,
                      {},         child->is_draining, child->is_helper};
    children_.erase(child);
    const bool is_braked = crashed && !ever_served;
    const Clock::time_point not_before = is_braked ? Clock::now() + pass : Clock::time_point{};
    may_add_at_ = std::max(may_add_at_, not_before);
    // What ended without being asked is replaced at once, on the same buckets.
    const bool is_wanted = !is_ending_ && !ended.is_draining && is_present;
    // The helper waits for the next pass of maintenance.
    if (is_wanted && !ended.is_helper) missing_.push_back({ended.ordinal, not_before});
    fork_missing();
}

void Supervisor::say_lacking(pid_t pid) {
    const std::string line = lacking_.failed(
        "child " + std::to_string(pid) + " ended for want of something: the error log says of what",
        Clock::now());
    if (!line.empty()) say_(line);
}

/// Replaces what has crashed, at once but for those that the crash brake holds: others do not wait
/// for them.
void Supervisor::fork_missing() {
    if (is_ending_ || Clock::now() < may_fork_at_) return;
    for (const Missing& each : std::exchange(missing_, {})) {
        if (Clock::now() < each.not_before) {
            missing_.push_back(each);
        } else if (serving(present()) < present().sizing.max_children) {
            fork_child(present(), each.ordinal);
        }
    }
}

unsigned Supervisor::serving(const Generation& generation) const {
    return static_cast<unsigned>(
        std::count_if(children_.begin(), children_.end(), [&](const Child& child) {
            return child.generation == generation.number && !child.is_draining && !child.is_helper;
        }));
}

unsigned Supervisor::free_ordinal(const Generation& generation) const {
    for (unsigned ordinal = 0;; ordinal++) {
        const bool taken = std::any_of(children_.begin(), children_.end(), [&](const Child& child) {
            return child.generation == generation.number && child.ordinal == ordinal &&
                   !child.is_draining && !child.is_helper;
        });
        if (!taken) return ordinal;
    }
}

/// Children that drain because they have accepted all that they may are replaced before they end.
void Supervisor::replace_spent() {
    for (Child& child : children_) {
        const bool is_present = child.generation == present().number && !child.is_draining;
        if (!is_present || !scoreboard_->row(child.row).is_draining) continue;
        child.is_draining = true;
        missing_.push_back({child.ordinal, {}});
    }
}

/// What the application has for its children: new certificates, without a new generation. What does
/// not fit through the channel comes with one.
void Supervisor::tell_news() {
    next_news_ = Clock::now() + between_news;
    for (const std::string& text : present().program->handlers->news()) {
        for (Child& child : children_) {
            if (child.generation != present().number) continue;
            const bool is_told = send_word(child.control, ControlWord::news, text);
            const bool is_gone = errno == EPIPE || errno == ECONNRESET;
            if (!is_told && !is_gone) wants_reload_ = true;
        }
    }
}

/// Once a second: as many spare threads as the model wants.
void Supervisor::maintain() {
    next_maintenance_ = Clock::now() + pass;
    replace_spent();
    fork_missing();
    if (Clock::now() < std::max(may_fork_at_, may_add_at_)) return;
    Generation& generation = present();
    const bool has_helper =
        std::any_of(children_.begin(), children_.end(), [&](const Child& child) {
            return child.is_helper && child.generation == generation.number;
        });
    if (!has_helper) fork_helper(generation);
    const SpareKeeper::Census census = count_idle(generation);
    const SpareKeeper::Decision decision = spare_.decide(generation.sizing, census);
    if (decision.add >= 8) {
        say_("server seems busy: starting " + std::to_string(decision.add) + " children, with " +
             std::to_string(census.idle) + " threads idle");
    }
    for (unsigned i = 0; i < decision.add; i++)
        fork_child(generation, free_ordinal(generation));
    // Every bucket keeps a loop: the kernel goes on giving it connections.
    const unsigned left = (census.children - 1) * generation.sizing.threads_per_child;
    if (decision.end_one && left >= listeners_.buckets()) end_last_child(generation);
    if (decision.at_limit) say_at_limit(generation, census.idle);
}

SpareKeeper::Census Supervisor::count_idle(const Generation& generation) {
    const bool serves_many = model_of(generation.program->model).serves_many;
    const Clock::time_point now = Clock::now();
    SpareKeeper::Census census;
    census.children = serving(generation);
    for (const Child& child : children_) {
        if (child.generation != generation.number || child.is_helper) continue;
        // Apache's rule, where an ending child still serves many connections.
        if (child.is_draining && serves_many) census.some_ending = true;
        for (unsigned i = 0; !child.is_draining && i < generation.sizing.threads_per_child; i++) {
            census.idle += !load_.is_busy(*scoreboard_, child.row, i, serves_many, now);
        }
    }
    return census;
}

/// Each of them once.
void Supervisor::say_at_limit(const Generation& generation, unsigned idle) {
    if (std::exchange(idle == 0 ? said_at_limit_ : said_near_limit_, true)) return;
    if (!generation.sizing.reason.empty()) {
        say_("every thread is busy more than 80 % of the time; there are as many as " +
             generation.sizing.reason);
    } else if (idle == 0) {
        say_("server reached MaxRequestWorkers, consider raising it");
    } else {
        say_("server is within the fewest spare threads of MaxRequestWorkers, consider raising it");
    }
}

void Supervisor::end_last_child(const Generation& generation) {
    Child* last = nullptr;
    for (Child& child : children_) {
        if (child.generation != generation.number || child.is_draining || child.is_helper) continue;
        if (last == nullptr || child.ordinal > last->ordinal) last = &child;
    }
    if (last == nullptr) return;
    last->is_draining = true;
    scoreboard_->row(last->row).is_draining = true;
    send_word(last->control, ControlWord::drain);
}

void Supervisor::forget_ended_generations() {
    generations_.remove_if([this](const std::unique_ptr<Generation>& generation) {
        const bool has_children =
            std::any_of(children_.begin(), children_.end(),
                        [&](const Child& child) { return child.generation == generation->number; });
        return generation->is_draining && !has_children && generation != generations_.back();
    });
}

}  // namespace headgate::mpm
