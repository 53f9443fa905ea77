// See handover.h.
#include "mpm/handover.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "mpm/scoreboard.h"

namespace headgate::mpm {
namespace {

constexpr const char* variable = "HEADGATE_HANDOVER";
constexpr int first_systemd_socket = 3;

/// The form of the text and of the scoreboard's memory: another number is not understood.
std::string form() {
    return "4." + std::to_string(sizeof(CommonFacts)) + "." + std::to_string(sizeof(ChildRow)) +
           "." + std::to_string(sizeof(ThreadSlot)) + "." +
           std::to_string(sizeof(ConnectionRecord));
}

void set_close_on_exec(int descriptor, bool closes) {
    ::fcntl(descriptor, F_SETFD, closes ? FD_CLOEXEC : 0);
}

}  // namespace

void leave(const Handover& handover) {
    std::ostringstream text;
    text << form() << ' ' << handover.started << ' ' << handover.generation << ' ' << handover.rows
         << ' ' << handover.threads << ' ' << handover.connections << ' ' << handover.scoreboard
         << ' ' << handover.listeners.size();
    set_close_on_exec(handover.scoreboard, false);
    for (const int listener : handover.listeners) {
        text << ' ' << listener;
        set_close_on_exec(listener, false);
    }
    text << ' ' << handover.children.size();
    for (const Handover::Child& child : handover.children) {
        text << ' ' << child.pid << ' ' << child.row << ' ' << child.ordinal << ' '
             << child.generation << ' ' << child.control;
        set_close_on_exec(child.control, false);
    }
    text << ' ' << handover.generations.size();
    for (const Handover::Generation& generation : handover.generations) {
        text << ' ' << generation.number << ' ' << generation.is_draining << ' '
             << generation.cut_at_ns;
    }
    ::setenv(variable, text.str().c_str(), 1);
}

std::optional<Handover> take_handover() {
    const char* left = std::getenv(variable);
    if (left == nullptr) return std::nullopt;
    std::istringstream text(left);
    ::unsetenv(variable);
    Handover handover;
    std::string known;
    std::size_t count = 0;
    text >> known >> handover.started >> handover.generation >> handover.rows >> handover.threads >>
        handover.connections >> handover.scoreboard >> count;
    for (std::size_t i = 0; i < count && text; i++) {
        int listener = -1;
        text >> listener;
        set_close_on_exec(listener, true);
        handover.listeners.push_back(listener);
    }
    text >> count;
    for (std::size_t i = 0; i < count && text; i++) {
        Handover::Child child{};
        text >> child.pid >> child.row >> child.ordinal >> child.generation >> child.control;
        set_close_on_exec(child.control, true);
        handover.children.push_back(child);
    }
    text >> count;
    for (std::size_t i = 0; i < count && text; i++) {
        Handover::Generation generation{};
        text >> generation.number >> generation.is_draining >> generation.cut_at_ns;
        handover.generations.push_back(generation);
    }
    if (!text || handover.generations.empty()) return std::nullopt;
    set_close_on_exec(handover.scoreboard, true);
    if (known != form()) {  // its memory means something else: a fresh one is made
        ::close(handover.scoreboard);
        handover.scoreboard = -1;
    }
    return handover;
}

loop::Socket take_inherited(int descriptor) {
    set_close_on_exec(descriptor, true);
    ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    return loop::Socket(descriptor);
}

std::vector<loop::Socket> take_systemd_sockets() {
    const char* pid = std::getenv("LISTEN_PID");
    const char* count = std::getenv("LISTEN_FDS");
    std::vector<loop::Socket> sockets;
    if (pid == nullptr || count == nullptr || std::atoi(pid) != ::getpid()) return sockets;
    for (int i = 0; i < std::atoi(count); i++) {
        sockets.push_back(take_inherited(first_systemd_socket + i));
    }
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDS");
    return sockets;
}

}  // namespace headgate::mpm
