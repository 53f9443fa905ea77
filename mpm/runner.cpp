// What both runners share. See runner.h.
#include "mpm/runner.h"

#include <cerrno>

#include "mpm/loop/park.h"
#include "mpm/many_runner.h"
#include "mpm/one_runner.h"

namespace headgate::mpm {
namespace {

constexpr loop::Phase accepting{14};

}  // namespace

bool is_out_of_resources(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

Runner::Runner(HandlerFactory& handlers, RunnerOptions options, bool keeps_thread)
    : handlers_(handlers),
      options_(std::move(options)),
      loop_(loop::Loop::Options{keeps_thread, &loop::TimeSource::system()}),
      connections_(loop_, [this] { count_ended(); }),
      background_(loop_) {
    for (const int listener : options_.listeners) {
        loop::tune_accepted_for_relay(listener);
        addresses_.push_back(loop::Address::of_socket(listener));
    }
}

void Runner::drain(Drain how) {
    loop_.post([this, how] {
        if (handler_) handler_->drain(how);
        if (!std::exchange(is_draining_, true)) begin_drain();
    });
}

void Runner::stop() {
    drain(Drain::soon);
    loop_.post([this] { connections_.cancel(); });
}

void Runner::apply(const ControlMessage& message) {
    loop_.post([this, message] {
        if (handler_) handler_->apply(message);
    });
}

void Runner::watch_control(const loop::Socket& control, std::function<void(ReceivedWord)> on_word) {
    on_word_ = std::move(on_word);
    background_.spawn(read_control(control));
}

loop::Task<void> Runner::read_control(const loop::Socket& control) {
    loop::Readiness& readiness = loop_.watch(control.descriptor());
    bool goes_on = true;
    while (goes_on) {
        ReceivedWord received = receive_word(control);
        if (received.word) {
            on_word_(std::move(received));
            continue;
        }
        if (received.is_end) {
            on_word_({ControlWord::finish, true, ""});
            break;
        }
        const loop::Wake wake =
            co_await loop::Park(loop_, &readiness.readers, accepting, loop::Deadline::never());
        goes_on = wake == loop::Wake::ready;
    }
    loop_.forget(readiness);
}

loop::AcceptResult Runner::accept(int listener) {
    loop::AcceptResult accepted;
    accepted.error = ECANCELED;
    if (!options_.budget->take()) return accepted;
    accepted = loop::accept_one(listener);
    if (!accepted.socket.is_open()) options_.budget->give_back();
    if (options_.budget->is_spent()) options_.on_spent();
    return accepted;
}

loop::Task<void> Runner::serve(loop::AcceptResult accepted, std::uint32_t listener) {
    ThreadSlot& slot = *options_.slot;
    slot.accepted.add(1);
    slot.connections.add(1);
    options_.row->has_accepted.store(true, std::memory_order_relaxed);
    // Only who listens on every address must ask which one it was.
    loop::Address local = addresses_[listener];
    if (local.is_any()) local = loop::Address::of_socket(accepted.socket.descriptor());
    return handler_->serve({std::move(accepted.socket), accepted.peer, local});
}

void Runner::count_ended() {
    options_.slot->connections.set(options_.slot->connections.get() - 1);
    connection_ended();
}

std::unique_ptr<Runner> make_runner(bool serves_many, HandlerFactory& handlers,
                                    RunnerOptions options) {
    if (serves_many) return std::make_unique<ManyRunner>(handlers, std::move(options));
    return std::make_unique<OneRunner>(handlers, std::move(options));
}

}  // namespace headgate::mpm
