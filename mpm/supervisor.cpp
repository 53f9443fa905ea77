// See supervisor.h. The story is run(): start; then wait for a signal or a second, obey, reap,
// keep. What is done to single children is in supervisor_children.cpp.
#include "mpm/supervisor.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "mpm/pid_file.h"
#include "mpm/privileges.h"
#include "mpm/replace_program.h"

namespace headgate::mpm {
namespace {

constexpr std::size_t most_generations = 3;

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
        if (!is_ending_ && Clock::now() >= next_maintenance_) maintain();
    }
    say_("stopped");
    return outcome_;
}

/// Until the next thing that is due by time.
std::chrono::milliseconds Supervisor::longest_wait() const {
    if (is_ending_) return pass / 5;
    if (missing_.empty()) return pass;
    const auto braked = std::chrono::ceil<std::chrono::milliseconds>(may_fork_at_ - Clock::now());
    return std::clamp(braked, std::chrono::milliseconds(0), pass);
}

Outcome Supervisor::start() {
    const auto handover = take_handover();
    auto program = application_.load();
    if (!program) return Outcome::configuration_wrong;
    inherit_listeners(*program, handover ? handover->listeners : std::vector<int>{});
    const Model& model = model_of(program->model);
    const Sizing sizing = model.size(program->settings, {});
    const auto failure = Listeners::open(program->listens, program->settings,
                                         model.buckets(program->settings, sizing), listeners_);
    const auto also = failure ? failure : change_status_listeners(*program);
    if (also) {
        say_(also->text);
        return Outcome::cannot_listen;
    }
    fixed_ = {sizing.server_limit, sizing.thread_limit};
    // Children of older generations need rows of their own while they finish.
    const unsigned rows = std::min(sizing.server_limit, sizing.max_children * 2 + 16);
    if (handover && handover->scoreboard >= 0) {
        scoreboard_ = std::make_unique<Scoreboard>(handover->rows, handover->threads,
                                                   handover->connections, handover->scoreboard);
        fixed_.threads = handover->threads;
    } else {
        scoreboard_ = std::make_unique<Scoreboard>(
            rows * most_generations, sizing.thread_limit,
            std::max({sizing.connections, sizing.thread_limit, helper_connections}));
    }
    if (handover) adopt_children(*handover);
    adopt(std::move(program));
    if (handover) drain(*generations_.front(), ControlWord::drain);
    return Outcome::done;
}

/// Makes a loaded program the present generation and starts its children.
void Supervisor::adopt(std::unique_ptr<Program> program) {
    auto generation = std::make_unique<Generation>();
    generation->number = generations_.empty() ? 0 : present().number + 1;
    generation->sizing = model_of(program->model).size(program->settings, fixed_);
    generation->program = std::move(program);
    for (const std::string& warning : generation->sizing.warnings)
        say_("warning: " + warning);
    generations_.push_back(std::move(generation));
    for (unsigned i = 0; i < present().sizing.start; i++)
        fork_child(present(), i);
    fork_helper(present());
    next_maintenance_ = Clock::now() + pass;
}

/// Sockets that were open before this program was: from systemd, or from the program it replaces.
void Supervisor::inherit_listeners(const Program& program, const std::vector<int>& handed_over) {
    std::vector<loop::Socket> all = take_systemd_sockets();
    for (const int listener : handed_over)
        all.emplace_back(listener);
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

std::optional<ListenFailure> Supervisor::change_status_listeners(const Program& program) {
    return Listeners::open(program.status_listens, program.settings, 1, status_listeners_);
}

// ---- signals
// --------------------------------------------------------------------------------------

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
    const std::string problem = check_privileges(program->settings);
    if (!problem.empty()) {
        say_(problem + "; the running configuration was not changed");
        return;
    }
    auto failure = change_status_listeners(*program);
    if (!failure) failure = listeners_.change(program->listens, program->settings);
    if (failure) {
        say_(failure->text + "; the running configuration was not changed");
        return;
    }
    Generation& old = present();
    missing_.clear();
    adopt(std::move(program));
    drain(old, ControlWord::drain);
    spare_.hold_off();
    say_("reloaded: generation " + std::to_string(present().number));
}

/// The new program checks the configuration first; then it takes this process over, with sockets,
/// scoreboard and children. The present generation goes on serving until the new one does.
void Supervisor::replace_program() {
    if (is_ending_ || generations_.size() >= most_generations) return;
    wants_replacement_ = false;
    if (!accepts_configuration(command_)) {
        say_("the new program refuses the configuration; this one goes on");
        return;
    }
    Handover handover;
    handover.started = started_;
    handover.generation = present().number;
    handover.rows = scoreboard_->rows();
    handover.threads = scoreboard_->threads();
    handover.connections = scoreboard_->connections();
    handover.scoreboard = scoreboard_->descriptor();
    handover.listeners = listeners_.descriptors();
    for (const int status : status_listeners_.descriptors())
        handover.listeners.push_back(status);
    for (const Child& child : children_) {
        handover.children.push_back(
            {child.pid, child.row, child.ordinal, child.generation, child.control.descriptor()});
    }
    leave(handover);
    exec_command(command_);
    take_handover();
    say_("the new program cannot be run; this one goes on");
}

/// Children of the program before this one, as a generation that only has to end.
void Supervisor::adopt_children(const Handover& handover) {
    auto earlier = std::make_unique<Generation>();
    earlier->number = handover.generation;
    started_ = handover.started;
    const bool has_rows = handover.scoreboard >= 0;
    for (const Handover::Child& child : handover.children) {
        children_.push_back({child.pid, has_rows ? child.row : scoreboard_->rows(), child.ordinal,
                             handover.generation, loop::Socket(child.control), false});
    }
    generations_.push_back(std::move(earlier));
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
                       (sizing.threads_per_child == 1 ? " thread" : " threads") + " each";
    if (!sizing.reason.empty()) text += " (" + sizing.reason + ")";
    text += ", listening on";
    for (const loop::Address& address : generation.program->listens)
        text += " " + address.text();
    return text;
}

}  // namespace headgate::mpm
