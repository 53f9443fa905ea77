// See runner.h.
#include "mpm/runner.h"

#include <cerrno>

namespace headgate::mpm {
namespace {

constexpr int accepts_per_turn = 64;
constexpr loop::Milliseconds pause_without_descriptors{100};
constexpr loop::Phase accepting{14};

bool is_out_of_resources(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

ManyRunner::ManyRunner(HandlerFactory& handlers, Options options)
    : loop_(loop::Loop::Options{}),
      handlers_(handlers),
      options_(std::move(options)),
      acceptors_(loop_),
      connections_scope_(loop_),
      finishing_(loop_) {}

void ManyRunner::run() {
    handler_ = handlers_.make(loop_);
    for (std::uint32_t i = 0; i < options_.listeners.size(); i++) acceptors_.spawn(accept(i));
    loop_.run();
    handler_.reset();
}

loop::Task<void> ManyRunner::accept(std::uint32_t listener) {
    loop::Readiness& readiness = loop_.watch(options_.listeners[listener]);
    bool goes_on = true;
    while (goes_on) {
        loop::Wake wake;
        if (connections_scope_.size() >= options_.slots) {
            wake = co_await slot_free_.wait(loop_, accepting, loop::Deadline::never());
        } else if (!readiness.readable) {
            wake = co_await loop::Park(loop_, &readiness.readers, accepting,
                                       loop::Deadline::never());
        } else if (options_.pauses_accepting) {
            wake = co_await loop::sleep(loop_, accepting, pause_without_descriptors);
            options_.pauses_accepting = false;
        } else {
            take_connections(readiness, listener);
            wake = co_await loop::yield(loop_, accepting);
        }
        goes_on = wake != loop::Wake::cancelled;
    }
    loop_.forget(readiness);
}

void ManyRunner::take_connections(loop::Readiness& readiness, std::uint32_t listener) {
    for (int i = 0; i < accepts_per_turn; i++) {
        if (connections_scope_.size() >= options_.slots) return;
        loop::AcceptResult accepted = loop::accept_one(readiness.descriptor);
        if (accepted.socket.is_open()) {
            connections_scope_.spawn(
                serve({std::move(accepted.socket), accepted.peer, listener}));
            continue;
        }
        if (is_out_of_resources(accepted.error)) options_.pauses_accepting = true;
        if (accepted.error == EAGAIN) readiness.readable = false;
        return;
    }
}

loop::Task<void> ManyRunner::serve(Accepted accepted) {
    connections_.fetch_add(1, std::memory_order_relaxed);
    co_await handler_->serve(std::move(accepted));
    connections_.fetch_sub(1, std::memory_order_relaxed);
    slot_free_.notify_one(loop_);
}

void ManyRunner::drain() {
    loop_.post([this] {
        if (std::exchange(is_draining_, true)) return;
        acceptors_.cancel();
        handler_->drain();
        finishing_.spawn(finish());
    });
}

void ManyRunner::stop() {
    drain();
    loop_.post([this] { connections_scope_.cancel(); });
}

loop::Task<void> ManyRunner::finish() {
    co_await acceptors_.fewer_than(1, accepting, loop::Deadline::never());
    co_await connections_scope_.fewer_than(1, accepting, loop::Deadline::never());
    loop_.stop();
}

void ManyRunner::apply(const ControlMessage& message) {
    loop_.post([this, message] { handler_->apply(message); });
}

}  // namespace headgate::mpm
