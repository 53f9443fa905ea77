// See relay.h. Every octet that one side has sent goes on to the other before anything is waited
// for: events that drip reach their reader one by one.
#include "proxy/relay.h"

#include <algorithm>

#include "mpm/loop/park.h"
#include "proxy/move_size.h"

namespace headgate::proxy {

using net::ContentRun;
using net::Result;

namespace {

/// How much to copy at a time: little for a slow reader, for its unwritten rest is kept; more for
/// one that has taken everything for a while.
class CopySize {
public:
    explicit CopySize(bool is_trusted) : octets_(is_trusted ? 16 * 1024 : 8 * 1024) {}

    std::size_t octets() const { return octets_; }
    void kept_up() {
        if (++in_a_row_ < patience || octets_ == most) return;
        octets_ *= 2;
        in_a_row_ = 0;
    }
    void was_slow() {
        octets_ = std::max(octets_ / 2, least);
        in_a_row_ = 0;
    }

private:
    static constexpr std::size_t least = 4 * 1024;
    static constexpr std::size_t most = 64 * 1024;
    static constexpr int patience = 4;
    std::size_t octets_;
    int in_a_row_ = 0;
};

/// What one try to pass content on did.
struct Step {
    std::size_t octets = 0;
    bool is_last = false;
    bool would_block = false;
    bool is_moved = false;
};

/// The part of a relay that does not wait.
class Passage {
public:
    Passage(loop::Loop& loop, net::ContentReader& from, net::ContentWriter& to,
            const RelayTerms& terms)
        : loop_(loop),
          from_(from),
          to_(to),
          terms_(terms),
          move_size_(begin_with(to)),
          copy_size_(move_size_.is_trusted()),
          is_plenty_(move_size_.is_trusted()),
          unsent_(unsent()) {}

    /// Reads once, and writes what there is.
    Result<Step> step() {
        const bool moves = terms_.pipes != nullptr && move_size_.is_worth_it() &&
                           from_.movable() >= MoveSize::least && to_.takes_pipes();
        net::PipeLoan pipe = moves ? terms_.pipes->lend() : nullptr;
        return pipe ? move(std::move(pipe)) : copy();
    }
    /// The writer took that many octets, at once.
    void took(std::size_t octets) {
        copy_size_.kept_up();
        move_size_.kept_up(octets, is_plenty_);
        tell_kernel();
    }
    /// The same after a wait.
    void took(std::size_t octets, loop::Duration waited) {
        if (move_size_.forgives(waited)) return took(octets);
        copy_size_.was_slow();
        move_size_.was_slow();
        tell_kernel();
    }

    /// The last piece is with the writer.
    void end() {
        std::uint32_t* const taken = to_.taken_in_a_row();
        if (taken == nullptr) return;
        *taken = move_size_.taken();
        move_size_ = MoveSize(begin_with(to_));
        tell_kernel();
    }

private:
    Result<Step> copy() {
        const bool came_with_the_head = from_.movable() == 0;  // says nothing of what is to come
        const std::span<char> scratch = loop_.scratch().first(copy_size_.octets());
        const Result<ContentRun> run = from_.try_read_content(scratch);
        if (!run) return run.error();
        if (run->would_block) return Step{0, false, true, false};
        if (!came_with_the_head) is_plenty_ = run->octets.size() == scratch.size();
        if (run->is_last) to_.set_trailers(from_.trailers());
        const Result<void> wrote = to_.write_content(run->octets, run->is_last);
        return wrote ? passed(run->octets.size(), run->is_last, false) : broken(wrote.error());
    }

    Result<Step> move(net::PipeLoan pipe) {
        const std::size_t most = std::min<std::uint64_t>(from_.movable(), move_size_.octets());
        const Result<ContentRun> run = from_.try_move_content(*pipe, most);
        if (!run) return run.error();
        if (run->would_block) return Step{0, false, true, true};
        const std::size_t octets = pipe->held();
        is_plenty_ = octets >= MoveSize::least;
        const Result<void> wrote = octets > 0 ? to_.write_pipe(std::move(pipe), run->is_last)
                                              : to_.write_content({}, run->is_last);
        return wrote ? passed(octets, run->is_last, true) : broken(wrote.error());
    }

    Result<Step> passed(std::size_t octets, bool is_last, bool is_moved) {
        if (terms_.octets != nullptr) *terms_.octets += octets;
        return Step{octets, is_last, false, is_moved};
    }

    static std::uint32_t begin_with(net::ContentWriter& to) {
        const std::uint32_t* const taken = to.taken_in_a_row();
        if (taken == nullptr) return 0;
        return to.takes_pipes() ? MoveSize::at_most_middling(*taken) : *taken;
    }

    /// What may wait there. Through pipes a low mark is the cheaper one, except in long contents.
    int unsent() const {
        const bool is_low = to_.takes_pipes() && !move_size_.is_long();
        return is_low ? static_cast<int>(MoveSize::least) : move_size_.unsent();
    }
    void tell_kernel() {
        const int now = unsent();
        if (now != unsent_) to_.keep_unsent(now);
        unsent_ = now;
    }

    net::Failure broken(net::Failure failure) const {
        failure.phase = terms_.writing;
        return failure;
    }

    loop::Loop& loop_;
    net::ContentReader& from_;
    net::ContentWriter& to_;
    const RelayTerms& terms_;
    MoveSize move_size_;
    CopySize copy_size_;
    bool is_plenty_;
    int unsent_;
};

}  // namespace

loop::Task<Result<void>> relay(loop::Loop& loop, net::ContentReader& from, net::ContentWriter& to,
                               RelayTerms terms) {
    Passage passage(loop, from, to, terms);
    Quantum quantum;
    while (true) {
        const Result<Step> step = passage.step();
        if (!step) co_return step.error();
        if (step->would_block) {
            if (to.has_rest()) {  // a held head must not wait for content
                const Result<void> drained = co_await to.drain(terms.writing, terms.write_deadline);
                if (!drained) co_return drained.error();
                continue;  // content may have come meanwhile
            }
            const loop::Wake wake = co_await from.content_ready(terms.reading, terms.read_deadline);
            if (wake != loop::Wake::ready) {
                co_return net::failed_wait(terms.reading_side, terms.reading, wake);
            }
            quantum.renew();
            continue;
        }
        if (step->is_last) {
            passage.end();
            co_return Result<void>();
        }
        if (to.has_rest()) {
            const loop::TimePoint before = loop.now();
            const Result<void> drained = co_await to.drain(terms.writing, terms.write_deadline);
            if (!drained) co_return drained.error();
            passage.took(step->octets, loop.now() - before);
            quantum.renew();
            continue;
        }
        passage.took(step->octets);
        if (quantum.is_used_up(step->octets, step->is_moved)) {
            const loop::Wake wake = co_await loop::yield(loop, net::phase::turn);
            if (wake == loop::Wake::cancelled) {
                co_return net::failed_wait(terms.reading_side, terms.reading, wake);
            }
            quantum.renew();
        }
    }
}

}  // namespace headgate::proxy
