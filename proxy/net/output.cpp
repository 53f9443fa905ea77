// See output.h. What is kept leaves in this order: the rest, the pipe, what is behind it.
#include "proxy/net/output.h"

#include <array>

#include "mpm/loop/assert.h"

namespace headgate::net {
namespace {

// A peer that takes nothing for this long is slow: few octets are read out of its pipe, so that the
// loop has it back.
constexpr loop::Milliseconds patience{50};
constexpr std::size_t few_octets = 64 * 1024;

bool is_sooner(const loop::Deadline& deadline, loop::Milliseconds than) {
    return deadline.kind == loop::Deadline::Kind::at ||
           (deadline.kind == loop::Deadline::Kind::after && deadline.duration <= than);
}

}  // namespace

void Output::hold(std::string octets) {
    HEADGATE_ASSERT(!pipe_);
    if (rest_.empty()) {
        rest_ = std::move(octets);
        at_ = 0;
    } else {
        rest_ += octets;
    }
}

Result<void> Output::push(std::initializer_list<std::string_view> pieces) {
    HEADGATE_ASSERT(!pipe_);
    return write(pieces);
}

Result<void> Output::push(std::string_view before, PipeLoan pipe, std::string_view behind) {
    Result<void> wrote = write({before});
    if (!wrote) return wrote;
    pipe_ = std::move(pipe);
    behind_ = behind;
    return rest_.empty() ? write_pipe() : Result<void>();
}

Result<void> Output::flush() {
    Result<void> wrote = write({});
    if (!wrote || !rest_.empty() || is_empty()) return wrote;
    return write_pipe();
}

/// Gathers the rest and `pieces`.
Result<void> Output::write(std::initializer_list<std::string_view> pieces) {
    std::array<iovec, 9> gather;
    std::size_t count = 0;
    std::size_t total = 0;
    const auto add = [&](std::string_view piece) {
        if (piece.empty()) return;
        gather[count++] = {const_cast<char*>(piece.data()), piece.size()};
        total += piece.size();
    };
    add(std::string_view(rest_).substr(at_));
    for (std::string_view piece : pieces)
        add(piece);
    if (total == 0) return {};

    const Tried tried = transport_.try_write({gather.data(), count});
    if (tried.state == Tried::State::error) return failure(tried.error);
    want_ = tried.would_block() ? tried.want() : Want::write;
    written_ += tried.bytes;
    if (tried.bytes < total) {
        keep(pieces, tried.bytes);
    } else {
        forget_rest();  // gives the memory back
    }
    return {};
}

/// The rest has been written: the pipe is next, and what is behind it.
Result<void> Output::write_pipe() {
    while (pipe_ && !pipe_->is_empty()) {
        const Tried tried = transport_.try_splice_out(*pipe_);
        written_ += tried.bytes;
        if (tried.is_done()) continue;
        want_ = tried.would_block() ? tried.want() : Want::write;
        if (tried.would_block()) return {};
        if (!cannot_splice(tried.error)) return failure(tried.error);
        cannot_splice_ = true;
        pour();
        return write({});
    }
    pipe_.reset();
    if (behind_.empty()) return {};
    rest_ = std::exchange(behind_, {});
    at_ = 0;
    return write({});
}

/// What is in the pipe becomes an ordinary rest.
void Output::pour() {
    const std::size_t already = rest_.size();
    const std::size_t held = pipe_->held();
    rest_.resize(already + held);
    pipe_->read({rest_.data() + already, held});
    rest_ += std::exchange(behind_, {});
    pipe_.reset();
}

void Output::keep(std::initializer_list<std::string_view> pieces, std::size_t skip) {
    const std::size_t left = rest_.size() - at_;
    const std::size_t from_rest = std::min(skip, left);
    at_ += from_rest;
    skip -= from_rest;
    if (pieces.size() == 0) return;
    std::size_t room = left - from_rest;
    for (std::string_view piece : pieces)
        room += piece.size();
    std::string fresh;
    fresh.reserve(room - skip);
    fresh.append(rest_, at_);
    for (std::string_view piece : pieces) {
        const std::size_t gone = std::min(skip, piece.size());
        skip -= gone;
        fresh.append(piece.substr(gone));
    }
    rest_ = std::move(fresh);
    at_ = 0;
}

loop::Task<Result<void>> Output::drain(loop::Phase phase, loop::Deadline deadline) {
    while (true) {
        Result<void> flushed = flush();
        if (!flushed) {
            Failure failed = flushed.error();
            failed.phase = phase;
            co_return failed;
        }
        if (is_empty()) co_return Result<void>();
        const bool is_trial =
            pipe_ && pipe_->held() <= few_octets && !is_sooner(deadline, patience);
        const loop::Deadline until = is_trial ? loop::Deadline::after(patience) : deadline;
        const loop::Wake wake = co_await wait(transport_, want_, phase, until);
        if (wake == loop::Wake::ready) continue;
        if (wake == loop::Wake::cancelled || !is_trial) co_return failed_wait(side_, phase, wake);
        pour();
    }
}

/// Nobody has waited yet: it is named after what it would have been waited for.
Failure Output::failure(int error) const {
    const loop::Phase phase = side_ == Side::upstream ? phase::send_request : phase::client_write;
    if (error == broken_tls) return lost(side_, phase, transport_, error);
    return {side_, FailureKind::reset, phase, 0, error, "writing failed"};
}

}  // namespace headgate::net
