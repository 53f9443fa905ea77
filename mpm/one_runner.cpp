// See one_runner.h. The waits between connections are in a set of its own: every listener directly,
// exclusively (so that one waiter wakes for one connection), and the loop's set, which is readable
// when something of this thread's own wants to run: a word from the supervisor, news on a pooled
// connection, DNS.
#include "mpm/one_runner.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "mpm/loop/reserve.h"
#include "mpm/loop/want.h"

namespace headgate::mpm {
namespace {

constexpr std::uint32_t loops_own = UINT32_MAX;
constexpr std::chrono::milliseconds pause_without_descriptors{100};
constexpr std::chrono::milliseconds pause_without_memory{20};

}  // namespace

OneRunner::OneRunner(HandlerFactory& handlers, RunnerOptions options)
    : Runner(handlers, std::move(options), true), idle_set_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (idle_set_.descriptor() < 0) loop::end_for_want_of("epoll set");
}

void OneRunner::run() {
    handler_ = handlers_.make(loop_, *options_.surroundings);
    options_.slot->state = SlotState::ready;
    watch_listeners();
    while (!is_draining_)
        wait_for_connection();
    while (connections_.size() > 0)
        loop_.run();
    background_.cancel();
    run_passes();
    handler_.reset();
    options_.slot->state = SlotState::open;
}

void OneRunner::watch_listeners() {
    const auto add = [this](int descriptor, std::uint32_t events, std::uint32_t name) {
        epoll_event event{};
        event.events = events;
        event.data.u32 = name;
        if (::epoll_ctl(idle_set_.descriptor(), EPOLL_CTL_ADD, descriptor, &event) != 0) {
            loop::end_for_want_of("room in an epoll set");
        }
    };
    for (std::uint32_t i = 0; i < options_.listeners.size(); i++) {
        add(options_.listeners[i], EPOLLIN | EPOLLEXCLUSIVE, i);
    }
    add(loop_.descriptor(), EPOLLIN, loops_own);
}

void OneRunner::run_passes() {
    while (loop_.run_pass()) {
    }
}

/// Milliseconds until the loop has a deadline to keep; -1: none.
int OneRunner::idle_timeout() const {
    const loop::TimePoint next = loop_.next_deadline();
    if (next == loop::TimePoint::max()) return -1;
    const auto left = std::chrono::ceil<loop::Milliseconds>(next - loop_.precise_now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void OneRunner::wait_for_connection() {
    // Its own connection may have been the last one: begin_drain() first, not one more report.
    if (options_.budget->is_spent()) run_passes();
    if (is_draining_ || is_held_back()) return;
    loop_.prepare_to_sleep();
    std::array<epoll_event, 16> events;
    const int count =
        ::epoll_wait(idle_set_.descriptor(), events.data(), events.size(), idle_timeout());
    reported_.clear();
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 != loops_own) reported_.push_back(events[i].data.u32);
    }
    run_passes();
    while (!reported_.empty() && !is_draining_) {
        if (is_held_back()) continue;
        loop::AcceptResult accepted = accept(options_.listeners[reported_.back()]);
        if (accepted.error == ECANCELED) return;  // the budget is spent: begin_drain() comes
        if (is_out_of_resources(accepted.error)) {
            handler_->accept_paused(accepted.error);
            loop_.prepare_to_sleep();
            std::this_thread::sleep_for(pause_without_descriptors);  // or the set wakes us at once
        }
        const std::uint32_t listener = reported_.back();
        reported_.pop_back();
        if (accepted.socket.is_open()) serve_one(std::move(accepted), listener);
    }
}

/// For want of memory. Waits a moment then, in which other threads may give some back.
bool OneRunner::is_held_back() {
    if (!loop::reserve::is_missing()) return false;
    run_passes();  // it may be this thread that makes the reserve anew
    if (is_draining_ || !lacks_memory()) return is_draining_;
    loop_.prepare_to_sleep();
    std::this_thread::sleep_for(pause_without_memory);
    run_passes();
    return true;
}

void OneRunner::serve_one(loop::AcceptResult accepted, std::uint32_t listener) {
    options_.slot->state = SlotState::busy;
    connections_.spawn(serve(std::move(accepted), listener));
    if (connections_.size() > 0) loop_.run();
    options_.slot->state = is_draining_ ? SlotState::finishing : SlotState::ready;
}

/// A connection that was reported to this thread is reported to no other: it is still taken, or it
/// would wait for the next one to come.
void OneRunner::begin_drain() {
    options_.slot->state = SlotState::finishing;
    for (const std::uint32_t listener : reported_) {
        loop::AcceptResult accepted = loop::accept_one(options_.listeners[listener]);
        if (!accepted.socket.is_open()) continue;
        connections_.spawn(serve(std::move(accepted), listener));
    }
    reported_.clear();
    for (const int listener : options_.listeners) {
        ::epoll_ctl(idle_set_.descriptor(), EPOLL_CTL_DEL, listener, nullptr);
    }
    if (options_.on_left) options_.on_left();
}

}  // namespace headgate::mpm
