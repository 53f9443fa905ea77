// Event: few processes, few threads each, any number of connections side by side. A parked exchange
// holds no thread, so threads are sized by CPUs, and connections by descriptors.
#include <algorithm>

#include "mpm/cpu_budget.h"
#include "mpm/model.h"

namespace headgate::mpm {
namespace {

unsigned written_or(const conf::Set<int>& setting, unsigned otherwise) {
    return setting.is_written() ? static_cast<unsigned>(*setting) : otherwise;
}

/// Departs from Apache: as many processes as CPUs with one thread each, unless numbers are written
/// (OpenSSL 3.0 contends between threads, not between processes); and AsyncRequestWorkerFactor does
/// not count: parked exchanges are bounded by MaxConnections.
Sizing size(const Settings& settings, const FixedLimits& fixed) {
    Sizing sizing;
    const CpuBudget budget = cpu_budget();
    const unsigned cpus = budget.cpus;
    if (!settings.start_servers.is_written() && !settings.threads_per_child.is_written()) {
        sizing.reason =
            std::to_string(cpus) + (cpus == 1 ? " CPU" : " CPUs") + " by " + budget.reason;
    }
    sizing.threads_per_child = written_or(settings.threads_per_child, 1);
    sizing.start = written_or(settings.start_servers,
                              std::max(cpus / std::max(sizing.threads_per_child, 1u), 1u));
    sizing.server_limit = written_or(settings.server_limit, std::max(16u, sizing.start));
    sizing.thread_limit = written_or(settings.thread_limit, 64);
    sizing.max_children = std::max(sizing.start, 1u);
    sizing.min_spare = written_or(settings.min_spare_threads, 1);
    sizing.max_spare =
        written_or(settings.max_spare_threads, sizing.max_children * sizing.threads_per_child);
    apply_thread_rules(settings, fixed, 100000, sizing);
    warn_of_unused("event",
                   {{"MinSpareServers", settings.min_spare_servers.is_written()},
                    {"MaxSpareServers", settings.max_spare_servers.is_written()},
                    {"ListenCoresBucketsRatio", settings.listen_cores_buckets_ratio.is_written()}},
                   sizing.warnings);
    const unsigned affordable = affordable_connections();
    sizing.connections = affordable;
    if (*settings.max_connections > 0) {
        sizing.connections = static_cast<unsigned>(*settings.max_connections);
        if (sizing.connections > affordable) {
            sizing.warnings.push_back("MaxConnections of " + std::to_string(sizing.connections) +
                                      " needs more descriptors than the limit allows (two a "
                                      "connection, room for " +
                                      std::to_string(affordable) + ")");
        }
    }
    return sizing;
}

unsigned buckets(const Settings&, const Sizing& sizing) {
    return std::clamp(sizing.start * sizing.threads_per_child, 1u, 64u);
}

}  // namespace

const Model event_model{ModelName::event, "event", true, size, buckets};

}  // namespace headgate::mpm
