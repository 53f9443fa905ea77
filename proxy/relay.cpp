// See relay.h.
#include "proxy/relay.h"

#include <algorithm>

namespace headgate::proxy {

using net::ContentRun;
using net::Result;

namespace {

/// How much to read at a time: little for a slow reader, for its unwritten rest is kept; more for
/// one that has taken everything for a while.
class ReadSize {
public:
    std::size_t octets() const { return octets_; }
    void written_at_once() {
        if (++in_a_row_ < patience || octets_ == most) return;
        octets_ *= 2;
        in_a_row_ = 0;
    }
    void had_to_wait() {
        octets_ = std::max(octets_ / 2, least);
        in_a_row_ = 0;
    }

private:
    static constexpr std::size_t least = 4 * 1024;
    static constexpr std::size_t most = 64 * 1024;
    static constexpr int patience = 8;
    std::size_t octets_ = 16 * 1024;
    int in_a_row_ = 0;
};

/// One exchange's share of a pass over the loop: then the others have their turn.
class Quantum {
public:
    bool is_used_up(std::size_t octets) {
        octets_ += octets;
        return ++reads_ >= 16 || octets_ >= 256 * 1024;
    }
    void renew() { *this = Quantum(); }

private:
    std::size_t octets_ = 0;
    int reads_ = 0;
};

}  // namespace

loop::Task<Result<void>> relay(loop::Loop& loop, net::ContentReader& from, net::ContentWriter& to,
                               RelayTerms terms) {
    ReadSize size;
    Quantum quantum;
    while (true) {
        const Result<ContentRun> run = from.try_read_content(loop.scratch().first(size.octets()));
        if (!run) co_return run.error();
        if (run->would_block) {
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
        const bool is_last = run->is_last;
        const std::size_t octets = run->octets.size();
        if (terms.octets != nullptr) *terms.octets += octets;
        if (is_last) to.set_trailers(from.trailers());
        const Result<void> wrote = to.write_content(run->octets, is_last);
        if (!wrote) {
            net::Failure failure = wrote.error();
            failure.phase = terms.writing;
            co_return failure;
        }
        if (is_last) co_return Result<void>();
        if (to.has_rest()) {
            size.had_to_wait();
            const Result<void> drained = co_await to.drain(terms.writing, terms.write_deadline);
            if (!drained) co_return drained.error();
            quantum.renew();
            continue;
        }
        size.written_at_once();
        if (quantum.is_used_up(octets)) {
            const loop::Wake wake = co_await loop::yield(loop, net::phase::turn);
            if (wake == loop::Wake::cancelled) {
                co_return net::failed_wait(terms.reading_side, terms.reading, wake);
            }
            quantum.renew();
        }
    }
}

}  // namespace headgate::proxy
