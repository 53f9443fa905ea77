// See many_runner.h.
#include "mpm/many_runner.h"

#include <cerrno>

namespace headgate::mpm {
namespace {

constexpr int accepts_per_turn = 64;
constexpr loop::Milliseconds pause_without_descriptors{100};
constexpr loop::Phase accepting{14};

}  // namespace

ManyRunner::ManyRunner(HandlerFactory& handlers, RunnerOptions options)
    : Runner(handlers, std::move(options), false), acceptors_(loop_), finishing_(loop_) {}

void ManyRunner::run() {
    handler_ = handlers_.make(loop_, *options_.surroundings);
    options_.slot->state = SlotState::ready;
    for (std::uint32_t i = 0; i < options_.listeners.size(); i++) {
        acceptors_.spawn(accept_from(i));
    }
    loop_.run();
    handler_.reset();
    options_.slot->state = SlotState::open;
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
        } else if (std::exchange(has_no_descriptors_, false)) {
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
        loop::AcceptResult accepted = accept(readiness.descriptor);
        if (accepted.socket.is_open()) {
            connections_.spawn(
                serve({std::move(accepted.socket), accepted.peer, listener, nullptr}));
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
