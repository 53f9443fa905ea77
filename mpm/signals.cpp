// See signals.h.
#include "mpm/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace headgate::mpm {

Signals::Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal :
         {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGCHLD}) {
        sigaddset(&set, signal);
    }
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    descriptor_ = loop::Socket(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

std::optional<int> Signals::next(std::chrono::milliseconds limit) {
    signalfd_siginfo info{};
    pollfd wait{descriptor_.descriptor(), POLLIN, 0};
    if (::poll(&wait, 1, static_cast<int>(limit.count())) <= 0) return std::nullopt;
    if (::read(descriptor_.descriptor(), &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

}  // namespace headgate::mpm
