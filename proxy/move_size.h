// How much is passed on at a time where octets can be moved inside the kernel (splice(2)), and when
// others have their turn: what the relay of contents and the tunnel have in common.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "mpm/loop/clock.h"

namespace headgate::proxy {

/// What may be moved at a time: a part of what the reader has taken without being slow, so that
/// what is kept for one that stops is in proportion. Only where there is plenty: a piece by splice
/// is four system calls where a copied one is two.
class MoveSize {
public:
    /// Begins with what the reader's connection took before.
    explicit MoveSize(std::uint32_t taken = 0) : taken_(taken), is_plenty_(is_trusted()) {}

    std::size_t octets() const { return std::clamp(taken_ / 4, least, most); }
    bool is_worth_it() const { return is_plenty_ && is_trusted(); }
    /// The reader has taken enough to be given more than a little.
    bool is_trusted() const { return taken_ >= trusted; }
    bool is_long() const { return taken_ >= 4 * most; }
    /// What the next message to this reader may begin with.
    std::uint32_t taken() const { return std::min(taken_, 4 * most); }
    /// The same where octets will be moved: pieces that are large from the start would leave the
    /// reader nothing to do meanwhile.
    static std::uint32_t at_most_middling(std::uint32_t taken) {
        return std::min<std::uint32_t>(taken, 4 * trusted);
    }
    /// The reader took so many octets; `is_plenty`: there was as much to read as was asked for.
    void kept_up(std::size_t octets, bool is_plenty) {
        taken_ += octets;
        is_plenty_ = is_plenty;
    }
    /// Whether a reader that let a piece wait that long is not slow: a short wait is no fault in
    /// one that has taken something before.
    bool forgives(loop::Duration waited) const { return waited < slow_wait && is_trusted(); }
    void was_slow() {
        taken_ = 0;
        is_plenty_ = false;
    }

    /// What may wait in the kernel to be sent (TCP_NOTSENT_LOWAT), by the same rule. A low mark
    /// costs a half more for each octet, for both ends then wait for each other all the time; but
    /// what is there when a reader stops cannot be taken back. Measured with contents of 64 MiB,
    /// CPU for each octet beside a mark of 4 MiB: 1 MiB 1.1, 512 KiB 1.07, 256 KiB 1.4.
    int unsent() const {
        std::size_t now = least;
        while (now < most_unsent && taken_ >= 16 * now)
            now *= 4;
        return static_cast<int>(std::min(now, most_unsent));
    }

    static constexpr std::size_t most_unsent = 512 * 1024;
    static constexpr std::size_t least = 16 * 1024;

private:
    static constexpr std::size_t most = 1024 * 1024;
    static constexpr loop::Milliseconds slow_wait{20};
    static constexpr std::size_t trusted = 64 * 1024;
    std::size_t taken_ = 0;
    bool is_plenty_ = false;
};

/// One direction's share of a pass over the loop: then the others have their turn. Octets that are
/// moved cost a quarter of what copied ones do.
class Quantum {
public:
    bool is_used_up(std::size_t octets, bool is_moved) {
        octets_ += is_moved ? octets / 4 : octets;
        return ++reads_ >= 16 || octets_ >= 256 * 1024;
    }
    void renew() { *this = Quantum(); }

private:
    std::size_t octets_ = 0;
    int reads_ = 0;
};

}  // namespace headgate::proxy
