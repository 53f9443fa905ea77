// See supervisor.h. The story is run(): start; then wait for a signal or a second, obey, reap,
// keep. What is done to single children is in supervisor_children.cpp, to the program itself in
// supervisor_replace.cpp.
#include "mpm/supervisor.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "mpm/pid_file.h"
#include "mpm/privileges.h"
#include "mpm/replace_program.h"

namespace headgate::mpm {
namespace {

constexpr unsigned least_columns = 64;  // of the scoreboard: Apache's ThreadLimit

}  // namespace

Supervisor::Supervisor(Application& application, std::function<void(const std::string&)> say)
    : application_(application), say_(std::move(say)), command_(own_command()) {}

Outcome Supervisor::run() {
    const Outcome started = start();
    if (started != Outcome::done) return started;
    std::optional<PidFile> pid_file;
    pid_file.emplace(present().program->settings, say_);
    say_(describe());
    while (!is_ending_ || !children_.empty()) {
        const auto signal = signals_.next(longest_wait());
        if (signal) obey(*signal);
        if (is_ending_) pid_file.reset();  // the next one may start, and write its own
        reap();
        fork_missing();
        if (wants_reload_) reload();
        if (wants_replacement_) replace_program();
        cut_late_ones();
        if (!is_ending_ && Clock::now() >= next_news_) tell_news();
        if (!is_ending_ && Clock::now() >= next_maintenance_) maintain();
    }
    say_("stopped");
    return outcome_;
}

/// Until the next thing that is due by time.
std::chrono::milliseconds Supervisor::longest_wait() const {
    if (is_ending_) return pass / 5;
    if (missing_.empty()) return between_news;
    const auto next = std::min_element(
        missing_.begin(), missing_.end(),
        [](const Missing& one, const Missing& other) { return one.not_before < other.not_before; });
    const auto due = std::max(next->not_before, may_fork_at_);
    const auto braked = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    return std::clamp(braked, std::chrono::milliseconds(0), between_news);
}

Outcome Supervisor::start() {
    const auto handover = take_handover();
    auto program = application_.load();
    const Outcome opened = open(program.get(), handover);
    if (opened != Outcome::done) return opened;
    const Sizing sizing = model_of(program->model).size(program->settings, {});
    make_scoreboard(*program, sizing, handover);
    if (handover) adopt_children(*handover);
    adopt(std::move(program));
    if (handover) drain(**std::prev(generations_.end(), 2), ControlWord::drain);
    return Outcome::done;
}

Outcome Supervisor::rehearse() {
    const auto handover = take_handover();
    return open(application_.load().get(), handover);
}

/// What can go wrong at a start: nothing serves yet.
Outcome Supervisor::open(const Program* program, const std::optional<Handover>& handover) {
    if (program == nullptr) return Outcome::configuration_wrong;
    inherit_listeners(*program, handover ? handover->listeners : std::vector<int>{});
    const Model& model = model_of(program->model);
    const Sizing sizing = model.size(program->settings, {});
    auto failure = Listeners::open_patiently(program->listens, program->settings,
                                             model.buckets(program->settings, sizing), listeners_);
    if (!failure) {
        failure = Listeners::open_patiently(program->status_listens, program->settings, 1,
                                            status_listeners_);
    }
    if (!failure) return Outcome::done;
    say_(failure->text);
    return Outcome::cannot_listen;
}

/// Sized once, for the supervisor's life. Columns that no child uses cost no memory, so there are
/// as many as Apache's default, and a reload may go from a model without threads to one with.
void Supervisor::make_scoreboard(const Program& program, const Sizing& sizing,
                                 const std::optional<Handover>& handover) {
    const bool has_limit = program.settings.thread_limit.is_written();
    const unsigned columns = std::max(sizing.thread_limit, least_columns);
    fixed_ = {sizing.server_limit, has_limit ? sizing.thread_limit : columns};
    if (handover && handover->scoreboard >= 0) {
        scoreboard_ = std::make_unique<Scoreboard>(handover->rows, handover->threads,
                                                   handover->connections, handover->scoreboard);
        fixed_.threads = std::min(fixed_.threads, handover->threads);
        return;
    }
    // Children of older generations need rows of their own while they finish.
    const unsigned rows = std::min(sizing.server_limit, sizing.max_children * 2 + 16);
    scoreboard_ =
        std::make_unique<Scoreboard>(rows * most_generations, columns,
                                     std::max({sizing.connections, columns, helper_connections}));
}

/// Makes a loaded program the present generation and starts its children.
void Supervisor::adopt(std::unique_ptr<Program> program) {
    auto generation = std::make_unique<Generation>();
    generation->number = generations_.empty() ? 0 : present().number + 1;
    const Model& model = model_of(program->model);
    generation->sizing = model.size(program->settings, fixed_);
    if (!model.serves_many) apply_bucket_rules(listeners_.buckets(), generation->sizing);
    generation->program = std::move(program);
    say_new_warnings(generation->sizing.warnings);
    guard_secrets(*generation->program);
    generations_.push_back(std::move(generation));
    for (unsigned i = 0; i < present().sizing.start; i++)
        fork_child(present(), i);
    fork_helper(present());
    next_maintenance_ = Clock::now() + pass;
}

/// Cores only where somebody asked for them, once keys are in memory. Children inherit it.
void Supervisor::guard_secrets(const Program& program) {
    const bool guards =
        program.handlers->holds_secrets() && !program.settings.core_dump_directory.is_written();
    if (guards != is_guarded_) guard_memory(guards);
    is_guarded_ = guards;
}

/// What the generation before was told already is not said again.
void Supervisor::say_new_warnings(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) {
        const bool was_said = std::find(warnings_said_.begin(), warnings_said_.end(), warning) !=
                              warnings_said_.end();
        if (!was_said) say_("warning: " + warning);
    }
    warnings_said_ = warnings;
}

/// Sockets that were open before this program was: from systemd, from whoever started it, or from
/// the program it replaces.
void Supervisor::inherit_listeners(const Program& program, const std::vector<int>& handed_over) {
    std::vector<loop::Socket> all = take_systemd_sockets();
    for (const int listener : handed_over)
        all.emplace_back(listener);
    for (const int descriptor : program.inherited) {
        const bool is_there = std::any_of(all.begin(), all.end(), [&](const loop::Socket& each) {
            return each.descriptor() == descriptor;
        });
        if (!is_there) all.push_back(take_inherited(descriptor));
    }
    std::vector<loop::Socket> serving;
    std::vector<loop::Socket> status;
    for (loop::Socket& socket : all) {
        const loop::Address address = loop::Address::of_socket(socket.descriptor());
        const auto& listens = program.status_listens;
        const bool is_status = std::find(listens.begin(), listens.end(), address) != listens.end();
        (is_status ? status : serving).push_back(std::move(socket));
    }
    listeners_.inherit(std::move(serving));
    status_listeners_.inherit(std::move(status));
}

// ---- signals

void Supervisor::obey(int signal) {
    switch (signal) {
        case SIGTERM:
        case SIGINT:
        case SIGQUIT:
            begin_drain(is_ending_ && signal != SIGQUIT);
            break;
        case SIGUSR1:
            for (Child& child : children_)
                send_word(child.control, ControlWord::reopen_logs);
            // Also when the reload fails: a child that is forked then has the logs of the others.
            present().program->handlers->apply({ControlMessage::Kind::reopen_logs});
            wants_reload_ = true;
            break;
        case SIGHUP:
            wants_reload_ = true;
            break;
        case SIGUSR2:
            wants_replacement_ = true;
            break;
        default:
            break;  // WINCH means nothing here; CHLD has woken us
    }
}

/// Loads first: what cannot be loaded leaves the present generation serving. Requests that arrive
/// while three generations are alive wait, as one, until one of them has ended.
void Supervisor::reload() {
    if (is_ending_ || generations_.size() >= most_generations) return;
    wants_reload_ = false;
    auto program = application_.load();
    if (!program) {
        say_("the reload was refused; the running configuration was not changed");
        return;
    }
    const std::string problem = change_listeners(*program);
    if (!problem.empty()) {
        say_(problem + "; the running configuration was not changed");
        return;
    }
    Generation& old = present();
    missing_.clear();
    adopt(std::move(program));
    drain(old, ControlWord::drain);
    spare_.hold_off();
    say_("reloaded: generation " + std::to_string(present().number));
}

/// All of them or none: what went wrong in words, or nothing.
std::string Supervisor::change_listeners(const Program& program) {
    std::string problem = check_privileges(program.settings);
    if (!problem.empty()) return problem;
    for (const int descriptor : program.inherited) {
        if (listeners_.holds(descriptor)) continue;
        return "Listen fd:" + std::to_string(descriptor) +
               " is new, and descriptors are inherited at the start only";
    }
    auto change = listeners_.prepare(program.listens, program.settings);
    if (change.failure) return change.failure->text;
    auto status = status_listeners_.prepare(program.status_listens, program.settings);
    if (status.failure) return status.failure->text;
    listeners_.commit(std::move(change));
    status_listeners_.commit(std::move(status));
    return "";
}

void Supervisor::begin_drain(bool at_once) {
    if (!std::exchange(is_ending_, true)) {
        say_("draining: a second signal stops at once");
        for (auto& generation : generations_)
            drain(*generation, ControlWord::finish);
        listeners_.close();
        status_listeners_.close();
    }
    if (!at_once || std::exchange(is_stopping_, true)) return;
    say_("stopping at once");
    for (Child& child : children_)
        send_word(child.control, ControlWord::stop);
    for (auto& generation : generations_) {
        generation->is_cut = true;
        generation->cut_at = Clock::now() + pass * 2;
    }
}

/// No more connections for its children; what they have is finished within
/// GracefulShutdownTimeout, 0 being for ever.
void Supervisor::drain(Generation& generation, ControlWord how) {
    const Program* program =
        generation.program ? generation.program.get() : generations_.back()->program.get();
    const auto bound = *program->settings.graceful_shutdown_timeout;
    const bool is_first = !std::exchange(generation.is_draining, true);
    if (is_first && bound.count() > 0) generation.cut_at = Clock::now() + bound;
    for (Child& child : children_) {
        if (child.generation != generation.number) continue;
        child.is_draining = true;
        if (child.row < scoreboard_->rows()) scoreboard_->row(child.row).is_draining = true;
        send_word(child.control, how);
    }
}

/// Children that outlive their bound are told to stop, then killed.
void Supervisor::cut_late_ones() {
    for (auto& generation : generations_) {
        if (Clock::now() < generation->cut_at) continue;
        generation->cut_at = Clock::now() + pass * 2;
        const bool was_told = std::exchange(generation->is_cut, true);
        for (Child& child : children_) {
            if (child.generation != generation->number) continue;
            const bool is_deaf = was_told || !send_word(child.control, ControlWord::stop);
            if (is_deaf) ::kill(child.pid, SIGKILL);
        }
    }
}

std::string Supervisor::describe() const {
    const Generation& generation = *generations_.back();
    const Sizing& sizing = generation.sizing;
    std::string text = std::string(model_of(generation.program->model).text) + " model, " +
                       std::to_string(sizing.start) +
                       (sizing.start == 1 ? " process with " : " processes with ") +
                       std::to_string(sizing.threads_per_child) +
                       (sizing.threads_per_child == 1 ? " thread" : " threads") +
                       (sizing.start == 1 ? "" : " each");
    if (!sizing.reason.empty()) text += " (" + sizing.reason + ")";
    text += ", listening on";
    for (const loop::Address& address : generation.program->listens)
        text += " " + address.text();
    return text;
}

}  // namespace headgate::mpm
