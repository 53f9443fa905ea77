// See event.h.
#include "mpm/event.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <thread>

#include "mpm/runner.h"

namespace headgate::mpm {
namespace {

/// The signals that are waited for instead of handled. Blocked before any thread starts.
sigset_t waited_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH}) {
        sigaddset(&set, signal);
    }
    return set;
}

bool ends(int signal) { return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT; }

/// Waits for a signal at most `limit`; 0 when it passed.
int next_signal(const sigset_t& set, std::chrono::milliseconds limit) {
    const timespec time{limit.count() / 1000, (limit.count() % 1000) * 1'000'000};
    while (true) {
        const int signal = ::sigtimedwait(&set, nullptr, &time);
        if (signal >= 0) return signal;
        if (errno != EINTR) return 0;
    }
}

}  // namespace

EventModel::EventModel(Program& program, Listeners& listeners, const Sizing& sizing)
    : program_(program), listeners_(listeners), sizing_(sizing) {
    const sigset_t set = waited_signals();
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
}

void EventModel::serve(const std::function<void(Told)>& on_signal) {
    std::vector<std::unique_ptr<ManyRunner>> runners;
    std::vector<std::thread> threads;
    std::atomic<unsigned> running{sizing_.threads};
    for (unsigned i = 0; i < sizing_.threads; i++) {
        ManyRunner::Options options;
        for (const auto& socket : listeners_.bucket(i % listeners_.buckets())) {
            options.listeners.push_back(socket.descriptor());
        }
        options.slots = std::max<std::size_t>(sizing_.connections / sizing_.threads, 1);
        runners.push_back(std::make_unique<ManyRunner>(*program_.handlers, std::move(options)));
    }
    const pid_t self = ::getpid();
    for (auto& runner : runners) {
        threads.emplace_back([&runner = *runner, &running, self] {
            runner.run();
            if (--running == 0) ::kill(self, SIGTERM);  // wakes the waiting thread below
        });
    }

    const sigset_t set = waited_signals();
    const std::chrono::milliseconds bound = *program_.settings.graceful_shutdown_timeout;
    bool is_draining = false;
    bool is_stopping = false;
    auto stop_at = std::chrono::steady_clock::time_point::max();
    while (running > 0) {
        const int signal = next_signal(set, std::chrono::milliseconds(200));
        if (running == 0) break;
        const bool late = std::chrono::steady_clock::now() >= stop_at;
        if (signal == SIGUSR1) {
            on_signal(Told::reopening);
            for (auto& runner : runners) runner->apply({});
        } else if ((late || (ends(signal) && is_draining)) && !is_stopping) {
            is_stopping = true;
            on_signal(Told::stopping);
            for (auto& runner : runners) runner->stop();
        } else if (ends(signal) && !is_draining) {
            is_draining = true;
            on_signal(Told::draining);
            if (bound.count() > 0) stop_at = std::chrono::steady_clock::now() + bound;
            for (auto& runner : runners) runner->drain();
        }
    }
    for (std::thread& thread : threads) thread.join();
}

}  // namespace headgate::mpm
