// See tunnel.h.
#include "proxy/tunnel.h"

#include "mpm/loop/join.h"
#include "mpm/loop/park.h"
#include "proxy/move_size.h"
#include "proxy/net/output.h"

namespace headgate::proxy {

using net::Failure;
using net::FailureKind;
using net::Result;
using net::Side;
using net::Tried;
namespace phase = net::phase;

namespace {

// At a time; of one that has taken enough, to one that is not slow, more.
constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t large_read_size = 64 * 1024;

/// What both directions share: when an octet came last, from either end.
struct Activity {
    loop::Loop& loop;
    loop::Milliseconds idle;
    loop::TimePoint latest;
};

/// One direction.
struct Direction {
    Activity& activity;
    net::Transport& from;
    net::Transport& to;
    Side from_side;
    Side to_side;
    std::uint64_t& octets;
    net::PipeStock* pipes;
    ProxyHeaderGuard* guard;
};

/// What one try to pass octets on did: of the reading end, and of the writing one.
struct Step {
    Tried tried;
    Result<void> sent;
    bool is_moved = false;
};

/// The part of one direction that does not wait.
class Passage {
public:
    explicit Passage(const Direction& way) : way_(way), output_(way.to, way.to_side) {
        if (way.to.taken_in_a_row != 0) way.to.keep_unsent(unsent_);  // exchanges came before
    }

    /// Reads once, and writes what there is.
    Step step() {
        const bool moves = way_.pipes != nullptr && !is_guarded() && !cannot_move_ &&
                           size_.is_worth_it() && !way_.from.has_unread() &&
                           way_.from.may_splice() && output_.may_splice();
        net::PipeLoan pipe = moves ? way_.pipes->lend() : nullptr;
        return pipe ? move(std::move(pipe)) : copy();
    }
    /// What was read has been taken at once.
    void took(std::size_t octets) {
        size_.kept_up(octets, is_plenty_);
        tell_kernel();
    }
    /// The same after a wait.
    void took(std::size_t octets, loop::Duration waited) {
        if (size_.forgives(waited)) return took(octets);
        size_.was_slow();
        tell_kernel();
    }
    net::Output& output() { return output_; }

private:
    bool is_guarded() const { return way_.guard != nullptr && way_.guard->watches(); }

    Step copy() {
        const std::size_t room = size_.is_worth_it() ? large_read_size : read_size;
        const std::span<char> scratch = way_.activity.loop.scratch().first(room);
        const Tried tried = way_.from.try_read(scratch);
        if (!tried.is_done()) return {tried, {}};
        const std::string_view octets(scratch.data(), tried.bytes);
        if (is_guarded() && !way_.guard->lets_pass(octets)) return {tried, header_refused()};
        is_plenty_ = tried.bytes >= read_size;
        note(tried.bytes);
        return {tried, output_.push({octets})};
    }

    Step move(net::PipeLoan pipe) {
        const Tried tried = way_.from.try_splice_in(*pipe, size_.octets());
        if (tried.state == Tried::State::error && net::cannot_splice(tried.error)) {
            cannot_move_ = true;
            return copy();
        }
        if (!tried.is_done()) return {tried, {}};
        is_plenty_ = tried.bytes >= MoveSize::least;
        note(tried.bytes);
        return {tried, output_.push({}, std::move(pipe), ""), true};
    }

    static Failure header_refused() {
        return {Side::client,
                FailureKind::malformed,
                phase::proxy_header,
                0,
                0,
                "a PROXY header where none may come"};
    }

    /// What waits there for a reader that stops is in proportion to what it has taken.
    void tell_kernel() {
        const int unsent = size_.unsent();
        if (unsent != unsent_) way_.to.keep_unsent(unsent);
        unsent_ = unsent;
    }

    void note(std::size_t octets) {
        way_.octets += octets;
        way_.activity.latest = way_.activity.loop.now();
    }

    const Direction& way_;
    net::Output output_;
    MoveSize size_;
    int unsent_ = static_cast<int>(MoveSize::least);  // as sockets have it from the start
    bool is_plenty_ = false;
    bool cannot_move_ = false;  // tried, and refused by the kernel
};

/// Waits for octets from one end. The other direction may keep the tunnel alive meanwhile.
loop::Task<Result<void>> wait_for_octets(Direction& way, net::Want want) {
    loop::Deadline deadline = loop::Deadline::after(way.activity.idle);
    while (true) {
        const loop::Wake wake = co_await wait(way.from, want, phase::tunnel, deadline);
        if (wake == loop::Wake::ready) co_return Result<void>();
        const loop::TimePoint until = way.activity.latest + way.activity.idle;
        if (wake == loop::Wake::cancelled || until <= way.activity.loop.now()) {
            co_return net::failed_wait(Side::proxy, phase::tunnel, wake);
        }
        deadline = loop::Deadline::at(until);
    }
}

/// The other end has not taken all of it at once.
loop::Task<Result<void>> wait_for_room(Direction& way, Passage& passage, std::size_t octets) {
    const loop::TimePoint before = way.activity.loop.now();
    const loop::Deadline deadline = loop::Deadline::after(way.activity.idle);
    const Result<void> sent = co_await passage.output().drain(phase::tunnel, deadline);
    way.activity.latest = way.activity.loop.now();
    passage.took(octets, way.activity.latest - before);
    co_return sent;
}

loop::Task<Result<void>> pump(Direction way) {
    Passage passage(way);
    Quantum quantum;
    while (true) {
        const Step step = passage.step();
        const Tried& tried = step.tried;
        Result<void> done = step.sent;
        if (tried.is_done() && done && !passage.output().is_empty()) {
            done = co_await wait_for_room(way, passage, tried.bytes);
            quantum.renew();
        } else if (tried.is_done() && done) {
            passage.took(tried.bytes);
            if (quantum.is_used_up(tried.bytes, step.is_moved)) {
                quantum.renew();
                const loop::Wake wake = co_await loop::yield(way.activity.loop, phase::turn);
                if (wake == loop::Wake::cancelled) {
                    done = net::failed_wait(Side::proxy, phase::tunnel, wake);
                }
            }
        } else if (tried.would_block()) {
            quantum.renew();
            done = co_await wait_for_octets(way, tried.want());
        } else if (tried.state == Tried::State::end) {
            way.to.finish_writing();
            co_return Result<void>();
        } else if (done) {
            done = net::lost(way.from_side, phase::tunnel, way.from, tried.error);
        }
        if (done) continue;
        Failure failure = done.error();
        if (failure.phase != phase::proxy_header) failure.phase = phase::tunnel;
        co_return failure;
    }
}

}  // namespace

loop::Task<Result<void>> tunnel(net::Transport& client, net::Transport& upstream, TunnelTerms terms,
                                TunnelCounts& counts) {
    loop::Loop& loop = client.loop();
    Activity activity{loop, terms.idle, loop.now()};
    auto up = pump({activity, client, upstream, Side::client, Side::upstream, counts.to_upstream,
                    terms.pipes, terms.guard});
    auto down = pump({activity, upstream, client, Side::upstream, Side::client, counts.to_client,
                      terms.pipes, nullptr});
    auto directions = loop::both(loop, std::move(up), std::move(down));
    const auto ended = co_await std::move(directions);
    const Result<void>& upward = ended.first;
    const Result<void>& downward = ended.second;
    if (upward && downward) co_return Result<void>();
    const bool up_decides =
        !upward && (downward.has_value() || upward.error().kind != FailureKind::cancelled);
    const Failure failure = up_decides ? upward.error() : downward.error();
    // Silence is an end as any other. What is cut must not look as if that had been all.
    if (failure.kind == FailureKind::both_silent) co_return failure;
    client.reset_on_close();
    upstream.reset_on_close();
    co_return failure;
}

}  // namespace headgate::proxy
