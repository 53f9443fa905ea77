// See child.h.
#include "mpm/child.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <deque>
#include <string>
#include <system_error>
#include <thread>

#include "mpm/loop/reserve.h"
#include "mpm/privileges.h"
#include "mpm/runner.h"

extern "C" void __lsan_do_leak_check() __attribute__((weak));  // there in sanitized builds

namespace headgate::mpm {
namespace {

/// Signals are the supervisor's, TERM too: one sent to the whole group must not cut what drains.
/// The control channel is what ends a child.
void set_signals() {
    for (const int signal :
         {SIGINT, SIGHUP, SIGWINCH, SIGUSR1, SIGUSR2, SIGPIPE, SIGQUIT, SIGTERM}) {
        ::signal(signal, SIG_IGN);
    }
    sigset_t none;
    sigemptyset(&none);
    ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
}

/// The threads of one child.
class Threads {
public:
    explicit Threads(ChildPlan& plan) : plan_(plan), budget_(plan.sizing.connections_per_child) {
        const unsigned count = plan.sizing.threads_per_child;
        for (unsigned i = 0; i < count; i++) {
            ThreadSlot& slot = plan.scoreboard.slot(plan.row, i);
            slot.state = SlotState::starting;
            surroundings_.push_back({slot, add_records(slot, i, count), plan.scoreboard,
                                     plan.model.text, plan.generation, plan.started});
        }
        for (unsigned i = 0; i < count; i++) {
            runners_.push_back(make_runner(plan.serves_many, plan.handlers, options(i, count)));
        }
        runners_[0]->watch_control(plan.control, [this](ReceivedWord word) { obey(word); });
    }

    /// The first runner has this thread; the others one each.
    void run() {
        set_stack_size();
        if (plan_.serves_many) share_heap();
        loop::reserve::keep(reserve_of(plan_));  // it is served without as well
        std::vector<std::thread> others;
        for (std::size_t i = 1; i < runners_.size(); i++)
            others.push_back(start(i));
        runners_[0]->run();
        obey_until_ended(others.size());
        for (std::thread& other : others)
            other.join();
    }

private:
    std::thread start(std::size_t number) try {
        return std::thread([this, number] {
            name_this_thread(number);
            runners_[number]->run();
            ended_.add_one();
        });
    } catch (const std::system_error& error) {
        errno = error.code().value();
        loop::end_for_want_of("thread");
    }

    /// As top -H and perf show it; the first thread keeps the program's name.
    static void name_this_thread(std::size_t number) {
        ::pthread_setname_np(::pthread_self(), ("loop " + std::to_string(number)).c_str());
    }

    /// ThreadStackSize, of the threads that are made from now on.
    void set_stack_size() const {
        const int size = *plan_.settings.thread_stack_size;
        if (size == 0 || runners_.size() == 1) return;
        pthread_attr_t attributes;
        ::pthread_attr_init(&attributes);
        const bool is_set =
            ::pthread_attr_setstacksize(&attributes, static_cast<std::size_t>(size)) == 0 &&
            ::pthread_setattr_default_np(&attributes) == 0;
        ::pthread_attr_destroy(&attributes);
        if (!is_set) {
            std::fprintf(stderr, "headgate: warning: ThreadStackSize %d cannot be had\n", size);
        }
    }

    /// One heap for all event loops: each would keep what it has freed for itself, so that a
    /// shortage of one could not be met by what the others give back. They are few, and rarely meet
    /// there.
    static void share_heap() { ::mallopt(M_ARENA_MAX, 1); }

    /// Connections that each of `count` threads may have at a time.
    unsigned slots(unsigned count) const { return std::max(plan_.sizing.connections / count, 1u); }

    /// A thread's share of the child's. The scoreboard is as large as the first start wanted it,
    /// whatever is wanted now.
    LiveRecords& add_records(ThreadSlot& slot, unsigned thread, unsigned count) {
        const unsigned share = plan_.scoreboard.connections() / count;
        slot.first_record.set(thread * share);
        return records_.emplace_back(slot, &plan_.scoreboard.connection(plan_.row, thread * share),
                                     std::min(share, slots(count)));
    }

    /// Memory for when there is none: enough for what tasks may still want before others have given
    /// theirs back.
    static std::size_t reserve_of(const ChildPlan& plan) {
        constexpr std::size_t kib = 1024;
        const std::size_t threads = plan.sizing.threads_per_child;
        return plan.serves_many ? 1024 * kib * threads : 256 * kib + 128 * kib * threads;
    }

    RunnerOptions options(unsigned thread, unsigned count) {
        RunnerOptions options;
        // Every bucket has a loop, also when a reload left fewer loops than there are buckets.
        const unsigned loops = plan_.sizing.start * count;
        const unsigned loop = plan_.ordinal * count + thread;
        const unsigned buckets = plan_.listeners.buckets();
        for (unsigned bucket = loop % buckets; bucket < buckets; bucket += loops) {
            for (const auto& socket : plan_.listeners.bucket(bucket)) {
                if (socket.is_open()) options.listeners.push_back(socket.descriptor());
            }
        }
        options.slots = slots(count);
        options.slot = &plan_.scoreboard.slot(plan_.row, thread);
        options.surroundings = &surroundings_[thread];
        options.row = &plan_.scoreboard.row(plan_.row);
        options.budget = &budget_;
        options.on_left = [this, count] {
            // Else connections would wait in a queue from which nobody takes them.
            if (++left_ == count) plan_.listeners.close();
        };
        options.on_shortage = [this] {
            for (auto& runner : runners_)
                runner->shed();
        };
        options.on_spent = [this] {
            plan_.scoreboard.row(plan_.row).is_draining = true;  // so that it is replaced at once
            obey({ControlWord::drain, false, ""});
        };
        return options;
    }

    void obey(const ReceivedWord& received) {
        if (received.word == ControlWord::news) {
            // What it changes is the process's: one thread does it for all.
            runners_[0]->apply({ControlMessage::Kind::news, received.text});
            return;
        }
        for (auto& runner : runners_) {
            switch (*received.word) {
                case ControlWord::drain:
                    runner->drain(Drain::gently);
                    break;
                case ControlWord::finish:
                    runner->drain(Drain::soon);
                    break;
                case ControlWord::stop:
                    runner->stop();
                    break;
                case ControlWord::reopen_logs:
                    runner->apply({});
                    break;
                case ControlWord::news:
                    break;
            }
        }
    }

    /// The first thread is done; words still come for the others.
    void obey_until_ended(std::size_t others) {
        bool has_supervisor = true;
        while (ended_.count() < others) {
            pollfd waits[] = {{ended_.descriptor(), POLLIN, 0},
                              {has_supervisor ? plan_.control.descriptor() : -1, POLLIN, 0}};
            ::poll(waits, 2, -1);
            if (waits[1].revents == 0) continue;
            const ReceivedWord received = receive_word(plan_.control);
            if (received.word) obey(received);
            if (received.is_end) obey({ControlWord::finish, true, ""});
            has_supervisor = !received.is_end;
        }
    }

    /// How many threads have ended, as something to wait for.
    class Ended {
    public:
        Ended() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
        int descriptor() const { return event_.descriptor(); }
        void add_one() { ::eventfd_write(event_.descriptor(), 1); }
        std::size_t count() {
            eventfd_t more = 0;
            if (::eventfd_read(event_.descriptor(), &more) == 0) count_ += more;
            return count_;
        }

    private:
        loop::Socket event_;
        std::size_t count_ = 0;
    };

    ChildPlan& plan_;
    Ended ended_;
    std::atomic<unsigned> left_{0};
    AcceptBudget budget_;
    std::deque<LiveRecords> records_;  // by thread; they stay where they are
    std::vector<Surroundings> surroundings_;
    std::vector<std::unique_ptr<Runner>> runners_;
};

}  // namespace

void run_child(ChildPlan plan) {
    set_signals();
    // It may be asked for the status before the supervisor has gone on.
    plan.scoreboard.row(plan.row).pid = ::getpid();
    loop::end_where_memory_ends(
        [&plan](const char* line) { return plan.handlers.report_want(line); });
    const std::string problem = drop_privileges(plan.settings);
    if (problem.empty()) allow_core_dumps(plan.settings);
    if (!problem.empty()) {
        std::fprintf(stderr, "headgate: %s\n", problem.c_str());
        ::_exit(cannot_start);
    }
    {
        Threads threads(plan);
        threads.run();
    }
    // Nothing of the supervisor's is torn down here; but what this child leaked is still found.
    if (__lsan_do_leak_check != nullptr) __lsan_do_leak_check();
    ::_exit(ended_well);
}

}  // namespace headgate::mpm
