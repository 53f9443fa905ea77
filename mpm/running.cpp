// See running.h.
#include "mpm/running.h"

#include <signal.h>

#include <cerrno>
#include <cstring>

#include "mpm/pid_file.h"

namespace headgate::mpm {
namespace {

int signal_of(Order order) {
    switch (order) {
        case Order::stop:
            return SIGTERM;
        case Order::graceful_stop:
            return SIGQUIT;
        case Order::graceful:
            return SIGUSR1;
        case Order::reopen:
            return SIGUSR1;
        case Order::restart:
            return SIGHUP;
        case Order::start:
            return 0;
    }
    return 0;
}

}  // namespace

std::optional<Order> order_named(const std::string& word) {
    if (word == "start") return Order::start;
    if (word == "stop") return Order::stop;
    if (word == "graceful-stop" || word == "quit") return Order::graceful_stop;
    if (word == "graceful" || word == "reload") return Order::graceful;
    if (word == "restart") return Order::restart;
    if (word == "reopen") return Order::reopen;
    return std::nullopt;
}

bool reads_configuration(Order order) {
    return order != Order::stop && order != Order::graceful_stop;
}

Told tell_running(const Settings& settings, Order order, std::string& text) {
    const std::string path = pid_file_path(settings);
    if (path.empty()) {
        text = "the configuration has no PidFile, by which a running Headgate is found";
        return Told::failed;
    }
    const int pid = running_process(path);
    if (pid == 0) {
        text = "not running (no process for " + path + ")";
        return Told::not_running;
    }
    if (::kill(pid, signal_of(order)) == 0) return Told::sent;
    text = "cannot signal process " + std::to_string(pid) + ": " + std::strerror(errno);
    return Told::failed;
}

}  // namespace headgate::mpm
