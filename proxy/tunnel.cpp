// See tunnel.h.
#include "proxy/tunnel.h"

#include "mpm/loop/join.h"
#include "proxy/net/output.h"

namespace headgate::proxy {

using net::Failure;
using net::FailureKind;
using net::Result;
using net::Side;
using net::Tried;
namespace phase = net::phase;

namespace {

constexpr std::size_t read_size = 16 * 1024;
constexpr int reads_in_a_row = 16;  // then the others have their turn

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

/// Passes on what was read; the rest that the other end does not take at once is waited for.
loop::Task<Result<void>> pass_on(Direction& way, net::Output& output, std::string_view octets) {
    way.octets += octets.size();
    way.activity.latest = way.activity.loop.now();
    Result<void> sent = output.push({octets});
    if (sent && !output.is_empty()) {
        const loop::Deadline deadline = loop::Deadline::after(way.activity.idle);
        sent = co_await output.drain(phase::tunnel, deadline);
        way.activity.latest = way.activity.loop.now();
    }
    if (sent) co_return sent;
    Failure failure = sent.error();
    failure.phase = phase::tunnel;
    co_return failure;
}

loop::Task<Result<void>> pump(Direction way) {
    net::Output output(way.to, way.to_side);
    int reads = 0;
    while (true) {
        const std::span<char> scratch = way.activity.loop.scratch().first(read_size);
        const Tried tried = way.from.try_read(scratch);
        Result<void> done;
        if (tried.is_done()) {
            const std::string_view octets(scratch.data(), tried.bytes);
            done = co_await pass_on(way, output, octets);
            if (done && ++reads >= reads_in_a_row) {
                reads = 0;
                const loop::Wake wake = co_await loop::yield(way.activity.loop, phase::turn);
                if (wake == loop::Wake::cancelled) {
                    done = net::failed_wait(Side::proxy, phase::tunnel, wake);
                }
            }
        } else if (tried.would_block()) {
            reads = 0;
            done = co_await wait_for_octets(way, tried.want());
        } else if (tried.state == Tried::State::end) {
            way.to.finish_writing();
            co_return Result<void>();
        } else {
            done = Failure{way.from_side, FailureKind::reset, phase::tunnel, 0,
                           tried.error,   "connection lost"};
        }
        if (!done) co_return done.error();
    }
}

}  // namespace

loop::Task<Result<void>> tunnel(net::Transport& client, net::Transport& upstream,
                                loop::Milliseconds idle, TunnelCounts& counts) {
    loop::Loop& loop = client.loop();
    Activity activity{loop, idle, loop.now()};
    auto up = pump({activity, client, upstream, Side::client, Side::upstream, counts.to_upstream});
    auto down = pump({activity, upstream, client, Side::upstream, Side::client, counts.to_client});
    auto directions = loop::both(loop, std::move(up), std::move(down));
    const auto ended = co_await std::move(directions);
    const Result<void>& upward = ended.first;
    const Result<void>& downward = ended.second;
    if (upward && downward) co_return Result<void>();
    const bool up_decides =
        !upward && (downward.has_value() || upward.error().kind != FailureKind::cancelled);
    const Failure failure = up_decides ? upward.error() : downward.error();
    if (failure.side == Side::client) upstream.reset_on_close();
    if (failure.side == Side::upstream) client.reset_on_close();
    co_return failure;
}

}  // namespace headgate::proxy
