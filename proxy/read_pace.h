// ReadPace: how long a client may take to send something, and how much longer for every octet that
// it does send (Apache's RequestReadTimeout). Only time in which we wait for the client counts: a
// client that is held up by its upstream is not slow.
//
//    header=20-40,MinRate=500    20 s, and a second more for every 500 octets, but never above 40 s
//
// Pure: the caller says what time it is.
#pragma once

#include <cstddef>

#include "mpm/loop/waiter.h"

namespace headgate::proxy {

struct ReadLimit {
    loop::Milliseconds start{0};     ///< 0: no limit at all
    loop::Milliseconds most{0};      ///< 0: grows without end
    unsigned octets_per_second = 0;  ///< MinRate; 0: does not grow

    friend bool operator==(const ReadLimit&, const ReadLimit&) = default;
};

class ReadPace {
public:
    /// From now on; `limit` outlives this.
    void begin(const ReadLimit& limit, loop::TimePoint now);
    /// No limit until the next begin().
    void stop() { limit_ = nullptr; }
    bool has_begun() const { return limit_ != nullptr; }

    /// So much has come.
    void add(std::size_t octets, loop::TimePoint now);
    /// The end of a wait for the client that begins now and has a deadline of its own: the earlier
    /// of the two. The wait is taken to last until the next add().
    loop::Deadline bound(const loop::Deadline& own, loop::TimePoint now);

private:
    void leave_out(loop::TimePoint now);

    const ReadLimit* limit_ = nullptr;
    loop::TimePoint until_{};
    loop::TimePoint latest_{};
    loop::TimePoint idle_since_{};  // we do not wait for the client; max(): we do
};

}  // namespace headgate::proxy
