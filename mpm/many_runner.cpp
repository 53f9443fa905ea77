// See many_runner.h.
#include "mpm/many_runner.h"
#include "mpm/loop/park.h"
#include "mpm/loop/reserve.h"

#include <algorithm>
#include <cerrno>

namespace headgate::mpm {
namespace {

constexpr int accepts_per_turn = 64;
constexpr loop::Milliseconds pause_without_descriptors{100};
constexpr loop::Phase accepting{14};
constexpr std::size_t burst = 256;  // connections, from which on their memory is worth a call
constexpr loop::Milliseconds burst_is_over{2000};

}  // namespace

ManyRunner::ManyRunner(HandlerFactory& handlers, RunnerOptions options)
    : Runner(handlers, std::move(options), false), acceptors_(loop_), finishing_(loop_) {
    loop_.set_observer(this);
}

void ManyRunner::run() {
    handler_ = handlers_.make(loop_, *options_.surroundings);
    const loop::TimePoint start = loop_.precise_now();
    runs();
    for (std::uint32_t i = 0; i < options_.listeners.size(); i++) {
        acceptors_.spawn(accept_from(i));  // runs until there is nothing to take
    }
    rests(loop_.precise_now() - start);
    loop_.run();
    handler_.reset();
    options_.slot->state = SlotState::open;
}

/// A thread is busy while its loop runs tasks, not while exchanges are parked on it.
void ManyRunner::runs() {
    if (!is_draining_) options_.slot->state.store(SlotState::busy, std::memory_order_relaxed);
}

void ManyRunner::rests(loop::Duration ran) {
    options_.slot->ran_ns.add(static_cast<std::uint64_t>(ran.count()));
    if (!is_draining_) options_.slot->state.store(SlotState::ready, std::memory_order_relaxed);
}

loop::Task<void> ManyRunner::accept_from(std::uint32_t listener) {
    loop::Readiness& readiness = loop_.watch(options_.listeners[listener]);
    bool goes_on = true;
    while (goes_on) {
        loop::Wake wake;
        if (connections_.size() >= options_.slots) {
            wake = co_await slot_free_.wait(loop_, accepting, loop::Deadline::never());
        } else if (!readiness.readable) {
            wake =
                co_await loop::Park(loop_, &readiness.readers, accepting, loop::Deadline::never());
        } else if (std::exchange(has_no_descriptors_, false) || lacks_memory()) {
            wake = co_await loop::sleep(loop_, accepting, pause_without_descriptors);
        } else {
            take_connections(readiness, listener);
            wake = co_await loop::yield(loop_, accepting);
        }
        goes_on = wake != loop::Wake::cancelled;
    }
    loop_.forget(readiness);
}

void ManyRunner::take_connections(loop::Readiness& readiness, std::uint32_t listener) {
    for (int i = 0; i < accepts_per_turn && connections_.size() < options_.slots; i++) {
        if (loop::reserve::is_missing()) return;
        loop::AcceptResult accepted = accept(readiness.descriptor);
        if (accepted.socket.is_open()) {
            connections_.spawn(serve(std::move(accepted), listener));
            peak_ = std::max(peak_, connections_.size());
            continue;
        }
        has_no_descriptors_ = is_out_of_resources(accepted.error);
        if (has_no_descriptors_) handler_->accept_paused(accepted.error);
        if (accepted.error == EAGAIN || accepted.error == ECANCELED) readiness.readable = false;
        return;
    }
}

void ManyRunner::connection_ended() {
    slot_free_.notify_all(loop_);
    const bool is_past = peak_ >= burst && connections_.size() <= peak_ / 2;
    if (!is_past || is_receding_ || is_draining_) return;
    is_receding_ = true;
    background_.spawn(recede());
}

/// The memory of a burst goes back to the system when it is past: a while later, since bursts come
/// in rows, and giving memory back takes milliseconds.
loop::Task<void> ManyRunner::recede() {
    const loop::Wake wake = co_await loop::sleep(loop_, accepting, burst_is_over);
    is_receding_ = false;
    if (wake == loop::Wake::cancelled || connections_.size() > peak_ / 2) co_return;
    peak_ = connections_.size();
    loop_.trim();
}

void ManyRunner::begin_drain() {
    acceptors_.cancel();
    options_.slot->state = SlotState::finishing;
    finishing_.spawn(finish());
}

loop::Task<void> ManyRunner::finish() {
    co_await acceptors_.fewer_than(1, accepting, loop::Deadline::never());
    if (options_.on_left) options_.on_left();
    co_await connections_.fewer_than(1, accepting, loop::Deadline::never());
    background_.cancel();
    co_await background_.fewer_than(1, accepting, loop::Deadline::never());
    loop_.stop();
}

}  // namespace headgate::mpm
