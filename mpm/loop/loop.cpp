// See loop.h. The story is Loop::pass_and_rearm: collect what happened, run who waited for it,
// sleep.
#include "mpm/loop/loop.h"

#include <malloc.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/version.hpp>
#include <cerrno>
#include <utility>

#include "mpm/loop/frame_cache.h"
#include "mpm/loop/reserve.h"
#include "mpm/loop/want.h"

namespace headgate::loop {
namespace asio = boost::asio;

struct Loop::Asio {
    explicit Asio(int set)
        : context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE), set(context, set), tick(context) {}
    asio::io_context context;
    asio::posix::basic_stream_descriptor<asio::io_context::executor_type> set;
    asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, asio::io_context::executor_type>
        tick;
};

namespace {
constexpr int events_per_pass = 256;

/// Asio's own descriptors: it throws where there are none.
template <class Made>
std::unique_ptr<Made> made(int set) {
    try {
        return std::make_unique<Made>(set);
    } catch (const boost::system::system_error& lacking) {
        errno = lacking.code().value();
        end_for_want_of("descriptors of an event loop");
    }
}

int make_set() {
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set < 0) end_for_want_of("epoll set");
    return set;
}
}  // namespace

Loop::Loop(const Options& options)
    : time_(*options.time),
      keeps_thread_(options.keeps_thread),
      set_(make_set()),
      now_(time_.now()),
      edge_(now_),
      scratch_(new char[scratch_size]) {
    asio_ = made<Asio>(set_);
    mail_ = &watch(mailbox_.descriptor());
}

Loop::~Loop() {
    forget(*mail_);
}

std::string Loop::library_version() {
    return "Boost " + std::to_string(BOOST_VERSION / 100000) + "." +
           std::to_string(BOOST_VERSION / 100 % 1000);
}

// ---- running

void Loop::run() {
    stopping_ = false;
    asio::post(asio_->context, [this] { pass_and_rearm(); });
    asio_->context.run();
    asio_->context.restart();
}

void Loop::stop() {
    stopping_ = true;
}

void Loop::pass_and_rearm() {
    const bool ran = run_pass();
    if (stopping_) {
        asio_->context.stop();
        return;
    }
    const bool goes_on = first_ready_ != nullptr;
    if (!goes_on) prepare_to_sleep();
    if (ran && observer_ != nullptr) observer_->rests(time_.now() - now_);
    if (goes_on) {
        asio::post(asio_->context, [this] { pass_and_rearm(); });
        return;
    }
    schedule_tick();
    arm_set();
}

bool Loop::run_pass() {
    now_ = time_.now();
    edge_ = now_;
    collect_events(0);
    expire_deadlines();
    const bool ran = run_ready();
    for (; !forgotten_.empty(); forgotten_.pop_back())
        free_.push_back(std::move(forgotten_.back()));
    return ran;
}

void Loop::arm_set() {
    if (std::exchange(armed_, true)) return;
    asio_->set.async_wait(asio::posix::descriptor_base::wait_read,
                          [this](const boost::system::error_code& error) {
                              armed_ = false;
                              if (!error) pass_and_rearm();
                          });
}

void Loop::schedule_tick() {
    const TimePoint next = deadlines_.next();
    if (next >= tick_at_) return;
    tick_at_ = next;
    asio_->tick.expires_at(next);
    asio_->tick.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        tick_at_ = TimePoint::max();
        pass_and_rearm();
    });
}

void Loop::collect_events(int timeout_ms) {
    std::array<epoll_event, events_per_pass> events;
    const int count = ::epoll_wait(set_, events.data(), events_per_pass, timeout_ms);
    // A pass counts when everything that was there has been looked at.
    if (count < events_per_pass) pass_++;
    for (int i = 0; i < count; i++) {
        auto& readiness = *static_cast<Readiness*>(events[i].data.ptr);
        if (&readiness == mail_) {
            mailbox_.deliver();
            continue;
        }
        if (readiness.descriptor < 0) continue;  // forgotten earlier in this batch
        const auto happened = events[i].events;
        if (happened & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readiness.closed_by_peer = true;
        if (happened & (EPOLLHUP | EPOLLERR)) {
            readiness.failed = true;
            wake_all(readiness.watchers, Wake::ready);
        }
        if (happened & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
            readiness.readable = true;
            wake_all(readiness.readers, Wake::ready);
        }
        if (happened & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
            readiness.writable = true;
            wake_all(readiness.writers, Wake::ready);
        }
    }
}

void Loop::expire_deadlines() {
    while (Waiter* waiter = deadlines_.pop_expired(now_))
        wake(*waiter, Wake::deadline);
}

bool Loop::run_ready() {
    // Only what is ready now: a task that becomes ready meanwhile runs in the next pass, after the
    // set has been looked at again.
    if (reserve::has_news()) notice_shortage();
    running_ = std::exchange(first_ready_, nullptr);
    last_ready_ = &first_ready_;
    if (running_ == nullptr) return false;
    edge_ = time_.now();
    if (observer_ != nullptr) observer_->runs();
    while (running_ != nullptr) {
        Waiter& waiter = *running_;
        running_ = waiter.next_ready;
        resume(waiter);
        if (reserve::has_news()) notice_shortage();
    }
    return true;
}

/// Those who give memory back have the next pass; whoever was ready, and may want more of it, comes
/// behind them.
void Loop::notice_shortage() {
    if (!on_shortage_ || !reserve::take_news()) return;
    on_shortage_();
    *last_ready_ = std::exchange(running_, nullptr);
    while (*last_ready_ != nullptr)
        last_ready_ = &(*last_ready_)->next_ready;
}

void Loop::resume(Waiter& waiter) {
    branch_ = waiter.branch;
    if (branch_ != nullptr) {
        branch_->parked = nullptr;
        charged_ = branch_->account;
        if (charged_ != nullptr) charged_->unpark(edge_, waiter.phase);
    }
    if (waiter.call == nullptr) {
        waiter.handle.resume();
    } else {
        waiter.queued = false;
        waiter.call(waiter);
    }
    edge_ = time_.now();
    if (charged_ != nullptr) charged_->park(edge_);
    charged_ = nullptr;
    branch_ = nullptr;
}

void Loop::charge(Account* account, AccountObserver* observer) {
    HEADGATE_ASSERT(branch_ != nullptr);
    const TimePoint now = time_.now();
    if (charged_ != nullptr) charged_->close(now);
    charged_ = account;
    branch_->account = account;
    if (account != nullptr) account->open(now, observer);
}

// ---- descriptors

Readiness& Loop::watch(int descriptor) {
    Readiness* readiness;
    if (!free_.empty()) {
        readiness = free_.back().release();
        free_.pop_back();
        readiness->readable = readiness->writable = true;
        readiness->closed_by_peer = readiness->failed = false;
    } else {
        readiness = new Readiness;
    }
    readiness->descriptor = descriptor;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = readiness;
    const int added = ::epoll_ctl(set_, EPOLL_CTL_ADD, descriptor, &event);
    const bool is_short = added != 0 && (errno == ENOMEM || errno == ENOSPC);
    if (is_short) end_for_want_of("room in an epoll set");
    HEADGATE_ASSERT(added == 0 || errno == EPERM);  // EPERM: a regular file is always ready
    return *readiness;
}

void Loop::forget(Readiness& readiness) {
    ::epoll_ctl(set_, EPOLL_CTL_DEL, readiness.descriptor, nullptr);
    retire(readiness);
}

void Loop::close(Readiness& readiness, Socket socket) {
    HEADGATE_ASSERT(readiness.descriptor == socket.descriptor());
    retire(readiness);
}

void Loop::retire(Readiness& readiness) {
    HEADGATE_ASSERT(readiness.readers.empty() && readiness.writers.empty() &&
                    readiness.watchers.empty());
    readiness.descriptor = -1;
    forgotten_.emplace_back(&readiness);
}

void Loop::trim() {
    free_.clear();
    free_.shrink_to_fit();
    frame_cache::trim();
    ::malloc_trim(0);
}

// ---- waiters

void Loop::park(Waiter& waiter, SourceList* source, const Deadline& deadline) {
    waiter.branch = waiter.call == nullptr ? branch_ : nullptr;  // a call belongs to no line
    waiter.wake = Wake::none;
    if (waiter.branch != nullptr) {
        HEADGATE_ASSERT(branch_->parked == nullptr);
        branch_->parked = &waiter;
        if (branch_->account != nullptr) branch_->account->expect(waiter.phase);
    }
    if (source != nullptr) source->push_back(waiter);
    if (deadline.kind == Deadline::Kind::at && deadline.point <= now_) {
        wake(waiter, Wake::deadline);
        return;
    }
    deadlines_.add(waiter, deadline, now_);
}

void Loop::wake(Waiter& waiter, Wake why) {
    if (waiter.queued) return;
    waiter.source_hook.unlink();
    waiter.deadline_hook.unlink();
    waiter.wake = why;
    waiter.queued = true;
    waiter.next_ready = nullptr;
    *last_ready_ = &waiter;
    last_ready_ = &waiter.next_ready;
}

void Loop::wake_all(SourceList& list, Wake why) {
    while (!list.empty())
        wake(list.front(), why);
}

void Loop::withdraw(Waiter& waiter) {
    waiter.source_hook.unlink();
    waiter.deadline_hook.unlink();
    if (!std::exchange(waiter.queued, false)) return;
    for (Waiter** list : {&running_, &first_ready_}) {
        for (Waiter** at = list; *at != nullptr; at = &(*at)->next_ready) {
            if (*at != &waiter) continue;
            *at = waiter.next_ready;
            if (last_ready_ == &waiter.next_ready) last_ready_ = at;
            return;
        }
    }
}

void Loop::set_deadline(Waiter& waiter, const Deadline& deadline) {
    if (waiter.queued) return;
    waiter.deadline_hook.unlink();
    deadlines_.add(waiter, deadline, now_);
}

// ---- branches

void Branch::interrupt(Wake wake) {
    if (parked != nullptr) loop_.wake(*parked, wake);
}

void Branch::cancel() {
    cancelled_ = true;
    interrupt(Wake::cancelled);
    for (Branch& fork : forks_)
        fork.cancel();
}

}  // namespace headgate::loop
