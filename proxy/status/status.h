// Status: what the program is doing now, read once from the scoreboard and shown in four forms:
// Apache's ?auto, JSON, Prometheus' text, and a page (SetHandler server-status, Apache's mod_status).
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "mpm/connection_handler.h"
#include "proxy/status/tls.h"
#include "upstream/tolerance.h"

namespace headgate::proxy {

/// One connection with an exchange, as the live table shows it.
struct LiveConnection {
    int pid = 0;
    std::string client, request, upstream, framing;
    bool is_running = false;
    bool holds_thread = false;
    const char* phase = "";
    double seconds = 0;  // since when
};

struct ChildStatus {
    int pid = 0;
    unsigned generation = 0;
    bool is_draining = false;
    std::uint64_t connections = 0;
    unsigned busy = 0, idle = 0;
    std::string letters;  // one for each thread
};

/// A consistent enough picture: counters are read one after another, without stopping anyone.
struct Status {
    std::string model;
    std::string server_name;
    std::uint32_t generation = 0;
    std::time_t now = 0, started = 0;
    bool keeps_thread = false;  // the runner: a parked exchange holds its thread
    unsigned busy_threads = 0, idle_threads = 0, finishing_threads = 0;
    unsigned processes = 0, stopping = 0;
    std::uint64_t connections = 0, exchanges = 0, octets = 0;
    double duration = 0, held = 0;                          // seconds, sums over exchanges
    std::array<std::uint64_t, loop::phase_limit> parked{};  // exchanges waiting now
    std::array<double, loop::phase_limit> parked_seconds{};
    std::array<std::uint64_t, loop::phase_limit> releases{};
    std::array<std::uint64_t, upstream::tolerance_count> accepted{};  // ProxyAccept, by name
    std::array<std::uint64_t, mpm::failure_limit> failures{};         // by net::index_of
    std::uint64_t lines_lost = 0;                                     // of logs
    TlsStatus tls;
    std::vector<ChildStatus> children;
    std::vector<LiveConnection> live;  // oldest first, at most live_limit
    std::uint64_t live_left_out = 0;

    static constexpr std::size_t live_limit = 200;
    std::uint64_t all_parked() const;
};

Status read_status(const mpm::Surroundings& around, bool keeps_thread, std::string_view server_name,
                   const Sites& sites);

/// A string of JSON, with its quotes.
std::string quoted_json(std::string_view text);

/// Apache's keys in Apache's order, then ours.
std::string status_text(const Status& status);
std::string status_json(const Status& status);
/// Text format 0.0.4 of Prometheus; each family is there, whether or not it has samples.
std::string status_metrics(const Status& status);
/// Complete without JavaScript; `refresh` seconds, 0 for none.
std::string status_page(const Status& status, unsigned refresh);

}  // namespace headgate::proxy
