// Reads the scoreboard into a Status. See status.h.
#include "proxy/status/status.h"

#include <algorithm>
#include <numeric>

#include "proxy/net/failure.h"

namespace headgate::proxy {
namespace {

using mpm::ConnectionRecord;
using mpm::Scoreboard;
using mpm::SlotState;
using mpm::ThreadSlot;

/// Apache's letters. Under a model that serves many a thread is busy only while it runs.
char letter(SlotState state, bool is_draining) {
    if (is_draining && state != SlotState::open) return 'G';
    switch (state) {
        case SlotState::open:
            return '.';
        case SlotState::starting:
            return 'S';
        case SlotState::ready:
            return '_';
        case SlotState::busy:
            return 'W';
        case SlotState::finishing:
            return 'G';
    }
    return '.';
}

void add_sums(const ThreadSlot& slot, Status& status) {
    status.exchanges += slot.exchanges.get();
    status.octets += slot.octets.get();
    status.lines_lost += slot.lines_lost.get();
    status.duration += static_cast<double>(slot.duration_ns.get()) / 1e9;
    status.held += static_cast<double>(slot.held_ns.get()) / 1e9;
    for (std::size_t i = 0; i < loop::phase_limit; i++) {
        status.parked[i] += slot.parked[i].get();
        status.parked_seconds[i] += static_cast<double>(slot.parked_ns[i].get()) / 1e9;
        status.releases[i] += slot.releases[i].get();
    }
    for (std::size_t i = 0; i < status.accepted.size(); i++)
        status.accepted[i] += slot.exceptions[i].get();
    for (std::size_t i = 0; i < status.tls.counts.size(); i++)
        status.tls.counts[i] += slot.openings[i].get();
}

/// A record's texts, unless its owner was writing them meanwhile.
bool read_record(const ConnectionRecord& record, LiveConnection& live) {
    const std::uint32_t before = record.writing;
    live.client = record.client;
    live.request = record.request;
    live.upstream = record.upstream;
    live.framing = record.framing;
    return before % 2 == 0 && before == record.writing && record.is_used;
}

void add_connections(const Scoreboard& board, unsigned row, const ThreadSlot& slot,
                     Status& status) {
    const auto now = loop::Clock::now().time_since_epoch().count();
    const unsigned first = slot.first_record.get();
    const unsigned behind = std::min(first + slot.records_used.get(), board.connections());
    for (unsigned i = first; i < behind; i++) {
        const ConnectionRecord& record = board.connection(row, i);
        LiveConnection live;
        if (!record.is_used || !read_record(record, live)) continue;
        live.pid = board.row(row).pid;
        live.is_running = record.is_running;
        live.holds_thread = live.is_running || status.keeps_thread;
        live.phase = live.is_running
                         ? "running"
                         : net::phase::name(static_cast<loop::Phase>(record.phase.load()));
        live.seconds = static_cast<double>(now - record.since_ns) / 1e9;
        status.live.push_back(std::move(live));
    }
}

void add_child(const Scoreboard& board, unsigned row, Status& status) {
    const mpm::ChildRow& facts = board.row(row);
    ChildStatus child;
    child.pid = facts.pid;
    child.generation = facts.generation;
    child.is_draining = facts.is_draining;
    for (unsigned i = 0; i < facts.threads; i++) {
        const ThreadSlot& slot = board.slot(row, i);
        const SlotState state = slot.state;
        add_sums(slot, status);  // also of a thread that has ended before its child
        if (state == SlotState::open) continue;
        add_connections(board, row, slot, status);
        child.connections += slot.connections.get();
        child.letters += letter(state, child.is_draining);
        if (state == SlotState::finishing || child.is_draining) {
            status.finishing_threads++;
        } else if (state == SlotState::busy) {
            child.busy++;
        } else {
            child.idle++;
        }
    }
    status.processes++;
    status.stopping += child.is_draining;
    status.busy_threads += child.busy;
    status.idle_threads += child.idle;
    status.connections += child.connections;
    status.children.push_back(std::move(child));
}

/// The supervisor may be killed while it moves counters: then what there is must do.
constexpr int reading_tries = 100;

void add_slots(const Scoreboard& board, Status& status) {
    const Status nothing_yet = status;
    for (int i = 0; i < reading_tries; i++) {
        const std::uint32_t moves = board.moves();
        status = nothing_yet;
        for (unsigned row = 0; row < board.rows(); row++) {
            if (board.row(row).pid == 0 || board.row(row).is_helper) continue;
            add_child(board, row, status);
        }
        add_sums(board.ended(), status);
        if (moves % 2 == 0 && moves == board.moves()) return;
    }
}

}  // namespace

std::uint64_t Status::all_parked() const {
    return std::accumulate(parked.begin(), parked.end(), std::uint64_t{0});
}

Status read_status(const mpm::Surroundings& around, bool keeps_thread, std::string_view server_name,
                   const Sites& sites) {
    Status status;
    status.model = around.model;
    status.server_name = server_name;
    status.generation = around.generation;
    status.now = std::time(nullptr);
    status.started = around.started;
    status.keeps_thread = keeps_thread;
    add_slots(around.scoreboard, status);
    for (std::size_t i = 0; i < status.failures.size(); i++) {
        status.failures[i] = around.scoreboard.common().failures[i].load(std::memory_order_relaxed);
    }
    status.tls.certificates = certificates_of(sites);
    std::sort(status.live.begin(), status.live.end(),
              [](const LiveConnection& left, const LiveConnection& right) {
                  return left.seconds > right.seconds;
              });
    if (status.live.size() > Status::live_limit) {
        status.live_left_out = status.live.size() - Status::live_limit;
        status.live.resize(Status::live_limit);
    }
    return status;
}

}  // namespace headgate::proxy
