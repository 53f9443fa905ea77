// See read_pace.h.
#include "proxy/read_pace.h"

#include <algorithm>

namespace headgate::proxy {

void ReadPace::begin(const ReadLimit& limit, loop::TimePoint now) {
    limit_ = limit.start.count() > 0 ? &limit : nullptr;
    until_ = now + limit.start;
    latest_ = limit.most.count() > 0 ? now + limit.most : loop::TimePoint::max();
    idle_since_ = now;
}

void ReadPace::add(std::size_t octets, loop::TimePoint now) {
    if (limit_ == nullptr) return;
    leave_out(now);
    idle_since_ = now;
    if (limit_->octets_per_second == 0) return;
    const loop::Milliseconds earned(octets * 1000 / limit_->octets_per_second);
    until_ = std::min(until_ + earned, latest_);
}

/// Time that was not spent waiting for the client moves both ends.
void ReadPace::leave_out(loop::TimePoint now) {
    if (idle_since_ == loop::TimePoint::max()) return;
    const auto idle = now - idle_since_;
    until_ += idle;
    if (latest_ != loop::TimePoint::max()) latest_ += idle;
}

loop::Deadline ReadPace::bound(const loop::Deadline& own, loop::TimePoint now) {
    if (limit_ == nullptr) return own;
    leave_out(now);
    idle_since_ = loop::TimePoint::max();
    using Kind = loop::Deadline::Kind;
    if (own.kind == Kind::after && now + own.duration <= until_) return own;
    if (own.kind == Kind::at && own.point <= until_) return own;
    return loop::Deadline::at(until_);
}

}  // namespace headgate::proxy
