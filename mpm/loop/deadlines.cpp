// See deadlines.h.
#include "mpm/loop/deadlines.h"

#include <algorithm>

namespace headgate::loop {

void Deadlines::add(Waiter& waiter, const Deadline& deadline, TimePoint now) {
    if (deadline.kind == Deadline::Kind::never) return;
    if (deadline.kind == Deadline::Kind::at) {
        waiter.expires = deadline.point;
        auto place = computed_.end();
        while (place != computed_.begin() && std::prev(place)->expires > waiter.expires)
            --place;
        computed_.insert(place, waiter);
        return;
    }
    waiter.expires = now + deadline.duration;
    auto fifo = std::find_if(fifos_.begin(), fifos_.end(),
                             [&](const Fifo& each) { return each.duration == deadline.duration; });
    if (fifo == fifos_.end()) {
        fifos_.emplace_back().duration = deadline.duration;
        fifo = std::prev(fifos_.end());
    }
    fifo->waiters.push_back(waiter);
}

TimePoint Deadlines::next() const {
    TimePoint earliest = computed_.empty() ? TimePoint::max() : computed_.front().expires;
    for (const Fifo& fifo : fifos_) {
        if (!fifo.waiters.empty()) earliest = std::min(earliest, fifo.waiters.front().expires);
    }
    return earliest;
}

Waiter* Deadlines::pop_expired(TimePoint now) {
    const auto pop = [now](DeadlineList& list) -> Waiter* {
        if (list.empty() || list.front().expires > now) return nullptr;
        Waiter& waiter = list.front();
        list.pop_front();
        return &waiter;
    };
    for (Fifo& fifo : fifos_) {
        if (Waiter* waiter = pop(fifo.waiters)) return waiter;
    }
    return pop(computed_);
}

}  // namespace headgate::loop
