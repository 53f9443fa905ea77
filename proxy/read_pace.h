// ReadPace: how long a client may take to send something, and how much longer for every octet that
// it does send (Apache's RequestReadTimeout). Only time in which we wait for the client counts: a
// client that is held up by its upstream is not slow.
//
// Pure: the caller says what time it is.
#pragma once

#include <cstddef>

#include "mpm/loop/waiter.h"
#include "proxy/settings/read_limit.h"

namespace headgate::proxy {

class ReadPace {
public:
    /// From now on; `limit` outlives this.
    void begin(const ReadLimit& limit, loop::TimePoint now);
    /// From `since` on, where the client has been waited for ever since.
    void begin_with_wait(const ReadLimit& limit, loop::TimePoint since) {
        begin(limit, since);
        idle_since_ = loop::TimePoint::max();
    }
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
