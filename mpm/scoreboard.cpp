// See scoreboard.h.
#include "mpm/scoreboard.h"

#include <sys/mman.h>
#include <unistd.h>

#include "mpm/loop/want.h"

namespace headgate::mpm {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t room_for_head = alignof(ChildRow);
constexpr std::size_t records_for_whole_pages = page / alignof(ConnectionRecord);

constexpr std::size_t round_up(std::size_t value, std::size_t to) {
    return (value + to - 1) / to * to;
}

}  // namespace

Scoreboard::Scoreboard(unsigned rows, unsigned threads, unsigned connections, int memory)
    : rows_(rows),
      threads_(threads),
      connections_(connections),
      stride_(round_up(connections, records_for_whole_pages)) {
    const std::size_t slots = std::size_t{rows} * threads + 1;
    const std::size_t before =
        round_up(room_for_head + rows * sizeof(ChildRow) + slots * sizeof(ThreadSlot), page);
    size_ = before + rows * stride_ * sizeof(ConnectionRecord);
    descriptor_ = memory >= 0 ? memory : ::memfd_create("headgate-scoreboard", MFD_CLOEXEC);
    const bool is_there =
        descriptor_ >= 0 && ::ftruncate(descriptor_, static_cast<off_t>(size_)) == 0;
    if (!is_there) loop::end_for_want_of("memory for the scoreboard");
    memory_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
    if (memory_ == MAP_FAILED) loop::end_for_want_of("memory for the scoreboard");
    static_assert(room_for_head >= sizeof(Head));
    head_ = static_cast<Head*>(memory_);
    children_ = reinterpret_cast<ChildRow*>(static_cast<char*>(memory_) + room_for_head);
    slots_ = reinterpret_cast<ThreadSlot*>(children_ + rows);
    records_ = reinterpret_cast<ConnectionRecord*>(static_cast<char*>(memory_) + before);
    // All zeros, as fresh pages are, is a valid free row, open slot and unused record: nothing is
    // written, so nothing costs memory, before a child uses it.
}

Scoreboard::~Scoreboard() {
    ::munmap(memory_, size_);
    ::close(descriptor_);
}

bool Scoreboard::may_report_pause(std::int64_t now, std::int64_t period) const {
    std::int64_t next = head_->next_pause_report.load(std::memory_order_relaxed);
    if (now < next) return false;
    return head_->next_pause_report.compare_exchange_strong(next, now + period,
                                                            std::memory_order_relaxed);
}

unsigned Scoreboard::free_row() const {
    for (unsigned i = 0; i < rows_; i++) {
        if (children_[i].pid.load(std::memory_order_relaxed) == 0) return i;
    }
    return rows_;
}

void Scoreboard::clear(unsigned row) {
    ChildRow& child = children_[row];
    child.generation = 0;
    child.is_draining = false;
    child.has_accepted = false;
    ++head_->moves;
    for (unsigned i = 0; i < child.threads; i++) {
        ThreadSlot& thread = slot(row, i);
        if (thread.accepted.get() == 0 && thread.state == SlotState::open) continue;
        for (unsigned j = 0; j < thread.records_used.get(); j++) {
            connection(row, thread.first_record.get() + j).is_used = false;
        }
        keep_sums(thread);
    }
    ++head_->moves;
    ::madvise(&connection(row, 0), stride_ * sizeof(ConnectionRecord), MADV_REMOVE);
    child.threads = 0;
    child.pid = 0;
}

/// Adds what a thread of an ended child counted to the sums, and empties its slot.
void Scoreboard::keep_sums(ThreadSlot& from) {
    ThreadSlot& to = ended();
    const auto move = [](auto& sum, auto& counter) {
        sum.add(counter.get());
        counter.set(0);
    };
    move(to.accepted, from.accepted);
    move(to.exchanges, from.exchanges);
    move(to.octets, from.octets);
    move(to.duration_ns, from.duration_ns);
    move(to.held_ns, from.held_ns);
    from.ran_ns.set(0);
    move(to.lines_lost, from.lines_lost);
    for (std::size_t kind = 0; kind < failure_limit; kind++) {
        move(to.failures[kind], from.failures[kind]);
    }
    for (std::size_t phase = 0; phase < loop::phase_limit; phase++) {
        move(to.parked_ns[phase], from.parked_ns[phase]);
        move(to.releases[phase], from.releases[phase]);
        from.parked[phase].set(0);
    }
    for (std::size_t i = 0; i < exception_limit; i++)
        move(to.exceptions[i], from.exceptions[i]);
    for (std::size_t i = 0; i < opening_limit; i++)
        move(to.openings[i], from.openings[i]);
    from.connections.set(0);
    from.first_record.set(0);
    from.records_used.set(0);
    from.state = SlotState::open;
}

}  // namespace headgate::mpm
