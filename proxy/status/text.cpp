// Status as lines of "Key: value" for monitors (Apache's ?auto), and as JSON.
#include <sys/times.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "proxy/http/date.h"
#include "proxy/net/failure.h"
#include "proxy/status/status.h"

namespace headgate::proxy {
namespace {

namespace phase = net::phase;

class Lines {
public:
    void add(std::string_view key, std::string_view value) {
        text += key;
        text += ": ";
        text += value;
        text += '\n';
    }
    void add(std::string_view key, std::uint64_t value) { add(key, std::to_string(value)); }
    void add(std::string_view key, unsigned value) { add(key, std::uint64_t{value}); }
    void add(std::string_view key, double value) {
        char number[32];
        std::snprintf(number, sizeof number, "%g", value);
        add(key, std::string_view(number));
    }
    std::string text;
};

std::string date(std::time_t at) {
    return std::string(http::view(http::imf_fixdate(at)));
}

void add_load(Lines& lines) {
    double load[3] = {0, 0, 0};
    if (::getloadavg(load, 3) != 3) return;
    lines.add("Load1", load[0]);
    lines.add("Load5", load[1]);
    lines.add("Load15", load[2]);
}

void add_totals(const Status& status, double uptime, Lines& lines) {
    const auto exchanges = static_cast<double>(status.exchanges);
    const auto octets = static_cast<double>(status.octets);
    tms times{};
    ::times(&times);
    const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    lines.add("Total Accesses", status.exchanges);
    lines.add("Total kBytes", status.octets / 1024);
    lines.add("Total Duration", static_cast<std::uint64_t>(status.duration * 1000));
    lines.add("CPUUser", static_cast<double>(times.tms_utime) / ticks);
    lines.add("CPUSystem", static_cast<double>(times.tms_stime) / ticks);
    lines.add("CPUChildrenUser", static_cast<double>(times.tms_cutime) / ticks);
    lines.add("CPUChildrenSystem", static_cast<double>(times.tms_cstime) / ticks);
    lines.add("CPULoad",
              static_cast<double>(times.tms_utime + times.tms_stime) / ticks / uptime * 100);
    lines.add("Uptime", static_cast<std::uint64_t>(uptime));
    lines.add("ReqPerSec", exchanges / uptime);
    lines.add("BytesPerSec", octets / uptime);
    if (status.exchanges > 0) {
        lines.add("BytesPerReq", octets / exchanges);
        lines.add("DurationPerReq", status.duration * 1000 / exchanges);
    }
}

std::uint64_t in(const Status& status, loop::Phase phase) {
    return status.parked[static_cast<std::size_t>(phase)];
}

void add_connections(const Status& status, Lines& lines) {
    const std::uint64_t working = status.all_parked() + status.busy_threads;
    lines.add("Processes", status.processes);
    lines.add("Stopping", status.stopping);
    lines.add("ConnsTotal", status.connections);
    lines.add("ConnsAsyncWaitIO", in(status, phase::tls) + in(status, phase::request_head) +
                                      in(status, phase::request_content));
    lines.add("ConnsAsyncWriting", in(status, phase::client_write));
    lines.add("ConnsAsyncKeepAlive",
              status.connections > working ? status.connections - working : std::uint64_t{0});
    lines.add("ConnsAsyncClosing", in(status, phase::linger));
    lines.add("ConnsAsyncProxyWait", in(status, phase::resolve) + in(status, phase::connect) +
                                         in(status, phase::upstream_tls) +
                                         in(status, phase::send_request) +
                                         in(status, phase::upstream_wait));
    lines.add("ConnsAsyncProxyBody", in(status, phase::response_content));
    lines.add("ConnsAsyncTunnel", in(status, phase::tunnel));
}

std::string accepted_name(std::size_t index) {
    return std::string(upstream::name(static_cast<upstream::Tolerance>(index)));
}

std::string scoreboard(const Status& status) {
    std::string letters;
    for (const ChildStatus& child : status.children)
        letters += child.letters;
    return letters;
}

}  // namespace

std::string quoted_json(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (octet < 0x20 || octet >= 0x7F) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", octet);
            out += escape;
        } else {
            out += c;
        }
    }
    return out + '"';
}

namespace {

std::string quoted(std::string_view text) {
    return quoted_json(text);
}

std::string failures_json(const Status& status) {
    std::string out = "\"log_lines_lost\":" + std::to_string(status.lines_lost) + ",\"failures\":{";
    const char* separator = "";
    for (std::size_t i = 0; i < net::failure_indices; i++) {
        if (status.failures[i] == 0) continue;
        out += separator + quoted(net::name_of_index(i)) + ":" + std::to_string(status.failures[i]);
        separator = ",";
    }
    return out + "}";
}

}  // namespace

std::string status_text(const Status& status) {
    Lines lines;
    lines.text = status.server_name + "\n";
    const double uptime = std::max<double>(static_cast<double>(status.now - status.started), 1);
    lines.add("ServerVersion", "Headgate/" HEADGATE_VERSION);
    lines.add("ServerMPM", status.model);
    lines.add("Server Built", __DATE__ " " __TIME__);
    lines.add("CurrentTime", date(status.now));
    lines.add("RestartTime", date(status.started));
    lines.add("ParentServerConfigGeneration", std::uint64_t{status.generation} + 1);
    lines.add("ParentServerMPMGeneration", std::uint64_t{status.generation});
    lines.add("ServerUptimeSeconds", static_cast<std::uint64_t>(uptime));
    lines.add("ServerUptime", std::to_string(static_cast<std::uint64_t>(uptime)) + " seconds");
    add_load(lines);
    add_totals(status, uptime, lines);
    lines.add("BusyWorkers", status.busy_threads);
    lines.add("GracefulWorkers", status.finishing_threads);
    lines.add("IdleWorkers", status.idle_threads);
    add_connections(status, lines);
    for (std::size_t i = 0; i < loop::phase_limit; i++) {
        if (status.releases[i] == 0) continue;
        lines.add(std::string("Released ") + phase::name(static_cast<loop::Phase>(i)),
                  status.releases[i]);
    }
    for (std::size_t i = 0; i < status.accepted.size(); i++) {
        if (status.accepted[i] == 0) continue;
        lines.add("Accepted " + accepted_name(i), status.accepted[i]);
    }
    for (std::size_t i = 0; i < net::failure_indices; i++) {
        if (status.failures[i] == 0) continue;
        lines.add("Failed " + net::name_of_index(i), status.failures[i]);
    }
    lines.text += tls_lines(status.tls, status.now);
    lines.add("LogLinesLost", status.lines_lost);
    lines.add("Scoreboard", scoreboard(status));
    return lines.text;
}

std::string status_json(const Status& status) {
    std::string out =
        "{\"server\":\"Headgate/" HEADGATE_VERSION "\",\"model\":" + quoted(status.model) +
        ",\"generation\":" + std::to_string(status.generation) +
        ",\"uptime_seconds\":" + std::to_string(status.now - status.started) +
        ",\"threads\":{\"busy\":" + std::to_string(status.busy_threads) +
        ",\"idle\":" + std::to_string(status.idle_threads) +
        ",\"finishing\":" + std::to_string(status.finishing_threads) +
        "},\"connections\":" + std::to_string(status.connections) +
        ",\"exchanges\":" + std::to_string(status.exchanges) +
        ",\"octets_sent\":" + std::to_string(status.octets) +
        ",\"held_seconds\":" + std::to_string(status.held) + ",\"phases\":{";
    const char* separator = "";
    for (std::size_t i = 0; i < loop::phase_limit; i++) {
        if (status.releases[i] == 0 && status.parked[i] == 0) continue;
        out += separator + quoted(phase::name(static_cast<loop::Phase>(i))) +
               ":{\"parked\":" + std::to_string(status.parked[i]) +
               ",\"releases\":" + std::to_string(status.releases[i]) +
               ",\"seconds\":" + std::to_string(status.parked_seconds[i]) + "}";
        separator = ",";
    }
    out += "},\"accepted\":{";
    separator = "";
    for (std::size_t i = 0; i < status.accepted.size(); i++) {
        if (status.accepted[i] == 0) continue;
        out += separator + quoted(accepted_name(i)) + ":" + std::to_string(status.accepted[i]);
        separator = ",";
    }
    out += "}," + failures_json(status) + "," + tls_json(status.tls) + ",\"children\":[";
    separator = "";
    for (const ChildStatus& child : status.children) {
        out += std::string(separator) + "{\"pid\":" + std::to_string(child.pid) +
               ",\"generation\":" + std::to_string(child.generation) +
               ",\"draining\":" + (child.is_draining ? "true" : "false") +
               ",\"connections\":" + std::to_string(child.connections) +
               ",\"threads\":" + quoted(child.letters) + "}";
        separator = ",";
    }
    out += "],\"live\":[";
    separator = "";
    for (const LiveConnection& live : status.live) {
        out += std::string(separator) + "{\"pid\":" + std::to_string(live.pid) +
               ",\"client\":" + quoted(live.client) + ",\"request\":" + quoted(live.request) +
               ",\"upstream\":" + quoted(live.upstream) + ",\"framing\":" + quoted(live.framing) +
               ",\"phase\":" + quoted(live.phase) + ",\"seconds\":" + std::to_string(live.seconds) +
               ",\"holds_thread\":" + (live.holds_thread ? "true" : "false") + "}";
        separator = ",";
    }
    return out + "],\"live_left_out\":" + std::to_string(status.live_left_out) + "}\n";
}

}  // namespace headgate::proxy
