// The supervisor replaces its own program, and takes over from one that did. See supervisor.h.
#include "mpm/replace_program.h"
#include "mpm/supervisor.h"

namespace headgate::mpm {

/// The new program shows first that it can start. Then it takes this process over, with sockets,
/// scoreboard and children. The present generation goes on serving until the new one does.
void Supervisor::replace_program() {
    if (is_ending_ || generations_.size() >= most_generations) return;
    wants_replacement_ = false;
    const Handover handover = everything();
    if (!rehearses(command_, handover)) {
        say_("the new program cannot start; this one goes on");
        return;
    }
    leave(handover);
    application_.leave_behind(true);
    exec_command(command_);
    application_.leave_behind(false);
    take_handover();
    say_("the new program cannot be run; this one goes on");
}

Handover Supervisor::everything() const {
    Handover handover;
    handover.started = started_;
    handover.generation = generations_.back()->number;
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
    for (const auto& generation : generations_) {
        const bool is_bounded = generation->cut_at != Clock::time_point::max();
        const auto cut_at = std::chrono::nanoseconds(generation->cut_at.time_since_epoch());
        handover.generations.push_back(
            {generation->number, generation->is_draining, is_bounded ? cut_at.count() : 0});
    }
    return handover;
}

/// Children of the program before this one, in generations that only have to end. They count as
/// generations do, so that replacing it again and again leaves no more of them than reloads do.
void Supervisor::adopt_children(const Handover& handover) {
    started_ = handover.started;
    for (const Handover::Generation& each : handover.generations) {
        auto earlier = std::make_unique<Generation>();
        earlier->number = each.number;
        earlier->is_draining = each.is_draining;
        if (each.cut_at_ns != 0) {
            earlier->cut_at = Clock::time_point(std::chrono::nanoseconds(each.cut_at_ns));
        }
        generations_.push_back(std::move(earlier));
    }
    const bool has_rows = handover.scoreboard >= 0;
    for (const Handover::Child& child : handover.children) {
        children_.push_back({child.pid, has_rows ? child.row : scoreboard_->rows(), child.ordinal,
                             child.generation, loop::Socket(child.control), false});
    }
}

}  // namespace headgate::mpm
