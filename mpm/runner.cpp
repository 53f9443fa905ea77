// What both runners share. See runner.h.
#include "mpm/runner.h"

#include <cerrno>

#include "mpm/loop/park.h"
#include "mpm/loop/reserve.h"
#include "mpm/many_runner.h"
#include "mpm/one_runner.h"

namespace headgate::mpm {
namespace {

constexpr loop::Phase accepting{14};

// How long a shortage of memory may last: so often it is tried to have the reserve again.
constexpr loop::Milliseconds between_tries{50};
constexpr unsigned tries_for_all = 4;     // from then on an eighth of it is enough
constexpr unsigned tries_for_some = 100;  // and from then on nothing
constexpr unsigned an_eighth = loop::reserve::all_parts / 8;

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
    loop_.on_shortage([this] { meet_shortage(); });
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

/// Where the shortage is over by then, those who were accepted since have nothing to do with it.
void Runner::shed() {
    loop_.post([this] {
        if (handler_ && loop::reserve::is_missing()) handler_->shed();
    });
}

/// Here at once, since this thread wanted memory last; elsewhere as soon as may be.
void Runner::meet_shortage() {
    if (handler_) handler_->shed();
    lacks_memory();
    if (!is_ending_shortage_) background_.spawn(end_shortage());
    if (options_.on_shortage) options_.on_shortage();
}

/// When those who were asked to have given memory back, the reserve is made anew, and there is no
/// shortage any more. Where that cannot be, service goes on all the same: the next shortage may end
/// the process, and another one takes its place.
loop::Task<void> Runner::end_shortage() {
    is_ending_shortage_ = true;
    loop::Wake wake = co_await loop::yield(loop_, accepting);
    for (unsigned tries = 1; wake != loop::Wake::cancelled; tries++) {
        loop_.trim();
        const unsigned enough = tries > tries_for_all ? an_eighth : loop::reserve::all_parts;
        if (loop::reserve::restore(enough)) break;
        if (tries == tries_for_some) {
            loop::reserve::forgo();
            break;
        }
        wake = co_await loop::sleep(loop_, accepting, between_tries);
    }
    is_ending_shortage_ = false;
}

bool Runner::lacks_memory() {
    if (!loop::reserve::is_missing()) return false;
    if (handler_) handler_->accept_paused(ENOMEM);
    return true;
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
