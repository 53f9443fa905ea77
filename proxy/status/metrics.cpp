// Status as Prometheus reads it (text format 0.0.4): ?metrics. Base units, counters that end in
// _total, and labels whose values are few: no client and no path is among them.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "proxy/net/failure.h"
#include "proxy/status/status.h"

namespace headgate::proxy {
namespace {

std::string label(std::string_view name, std::string_view value) {
    std::string out(name);
    out += "=\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') out += '\\';
        const bool is_plain = c >= 0x20 && c < 0x7F;
        out += is_plain ? c : '?';
    }
    return out + '"';
}

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, value == std::floor(value) ? "%.0f" : "%.6f", value);
    return text;
}

/// Families, each with its help and type in front of its samples.
class Families {
public:
    void family(const char* name, const char* type, const char* help) {
        name_ = name;
        text += std::string("# HELP ") + name + " " + help + "\n# TYPE " + name + " " + type + "\n";
    }
    void sample(double value, const std::string& labels = "") {
        text += name_ + (labels.empty() ? "" : "{" + labels + "}") + " " + number(value) + "\n";
    }
    template <class Number>
    void sample(Number value, const std::string& labels = "") {
        sample(static_cast<double>(value), labels);
    }
    std::string text;

private:
    std::string name_;
};

void add_program(const Status& status, Families& out) {
    out.family("headgate_info", "gauge", "Version and connection model.");
    out.sample(1, label("version", HEADGATE_VERSION) + "," + label("model", status.model));
    out.family("headgate_start_time_seconds", "gauge", "When the program started, since 1970.");
    out.sample(status.started);
    out.family("headgate_generation", "gauge", "How often the configuration was read anew.");
    out.sample(status.generation);
    out.family("headgate_processes", "gauge", "Children, by whether they take connections.");
    out.sample(status.processes - std::min(status.stopping, status.processes),
               label("state", "serving"));
    out.sample(status.stopping, label("state", "stopping"));
    out.family("headgate_threads", "gauge", "Threads that serve connections.");
    out.sample(status.busy_threads, label("state", "busy"));
    out.sample(status.idle_threads, label("state", "idle"));
    out.sample(status.finishing_threads, label("state", "finishing"));
    out.family("headgate_log_lines_lost_total", "counter", "Lines that no log would take.");
    out.sample(status.lines_lost);
}

void add_exchanges(const Status& status, Families& out) {
    out.family("headgate_connections", "gauge", "Connections of clients.");
    out.sample(status.connections);
    out.family("headgate_exchanges_total", "counter", "Exchanges that have ended.");
    out.sample(status.exchanges);
    out.family("headgate_sent_bytes_total", "counter", "Content sent to clients.");
    out.sample(status.octets);
    out.family("headgate_exchange_seconds_total", "counter", "How long exchanges took, together.");
    out.sample(status.duration);
    out.family("headgate_held_seconds_total", "counter", "How long they held a thread, together.");
    out.sample(status.held);
}

template <class Values>
void add_phases(const Values& values, Families& out) {
    for (std::size_t i = 0; i < loop::phase_limit; i++)
        out.sample(values[i], label("phase", net::phase::name(static_cast<loop::Phase>(i))));
}

void add_waits(const Status& status, Families& out) {
    out.family("headgate_parked", "gauge", "Exchanges that wait, by what for.");
    add_phases(status.parked, out);
    out.family("headgate_parked_seconds_total", "counter", "How long exchanges waited, together.");
    add_phases(status.parked_seconds, out);
    out.family("headgate_releases_total", "counter", "Waits that gave the thread back.");
    add_phases(status.releases, out);
}

/// Those that there were: most combinations of the three words never are.
void add_failures(const Status& status, Families& out) {
    out.family("headgate_failures_total", "counter", "Failures: side, phase and kind.");
    for (std::size_t i = 0; i < net::failure_indices; i++) {
        if (status.failures[i] == 0) continue;
        out.sample(status.failures[i], label("failure", net::name_of_index(i)));
    }
}

void add_tls(const TlsStatus& tls, Families& out) {
    const auto count = [&tls](TlsCount what) { return tls.counts[static_cast<std::size_t>(what)]; };
    out.family("headgate_tls_handshakes_total", "counter", "Handshakes of clients.");
    out.sample(count(TlsCount::full), label("result", "full"));
    out.sample(count(TlsCount::resumed), label("result", "resumed"));
    out.sample(count(TlsCount::failed), label("result", "failed"));
    std::map<std::string, std::time_t> expiries;  // of two that look the same, the first
    for (const TlsStatus::Certificate& each : tls.certificates) {
        const std::string labels = label("site", each.site) + "," + label("name", each.name) + "," +
                                   label("key", each.kind) + "," +
                                   label("shown_to", each.is_machine ? "upstreams" : "clients") +
                                   "," + label("url", each.url);
        const auto [at, is_new] = expiries.try_emplace(labels, each.expiry);
        if (!is_new) at->second = std::min(at->second, each.expiry);
    }
    out.family("headgate_tls_certificate_expiry_timestamp_seconds", "gauge",
               "When a certificate ends to be valid, since 1970.");
    for (const auto& [labels, expiry] : expiries)
        out.sample(expiry, labels);
}

}  // namespace

std::string status_metrics(const Status& status) {
    Families out;
    add_program(status, out);
    add_exchanges(status, out);
    add_waits(status, out);
    add_failures(status, out);
    add_tls(status.tls, out);
    return out.text;
}

}  // namespace headgate::proxy
