// Worker: few processes, many threads each, one connection at a time on each thread. A park waits
// in the thread.
#include <algorithm>

#include "mpm/cpu_budget.h"
#include "mpm/model.h"

namespace headgate::mpm {
namespace {

unsigned written_or(const conf::Set<int>& setting, unsigned otherwise) {
    return setting.is_written() ? static_cast<unsigned>(*setting) : otherwise;
}

Sizing size(const Settings& settings, const FixedLimits& fixed) {
    Sizing sizing;
    sizing.server_limit = written_or(settings.server_limit, 16);
    sizing.thread_limit = written_or(settings.thread_limit, 64);
    sizing.threads_per_child = written_or(settings.threads_per_child, 25);
    sizing.max_children = 16;
    sizing.start = written_or(settings.start_servers, 3);
    sizing.min_spare = written_or(settings.min_spare_threads, 75);
    sizing.max_spare = written_or(settings.max_spare_threads, 250);
    apply_thread_rules(settings, fixed, 20000, sizing);
    sizing.connections = sizing.threads_per_child;
    affordable_connections();
    warn_of_unused("worker",
                   {{"MinSpareServers", settings.min_spare_servers.is_written()},
                    {"MaxSpareServers", settings.max_spare_servers.is_written()},
                    {"MaxConnections", settings.max_connections.is_written()}},
                   sizing.warnings);
    return sizing;
}

unsigned buckets(const Settings& settings, const Sizing&) {
    const int ratio = *settings.listen_cores_buckets_ratio;
    return ratio < 1 ? 1 : std::max(cpu_budget().cpus / static_cast<unsigned>(ratio), 1u);
}

}  // namespace

const Model worker_model{ModelName::worker, "worker", false, size, buckets};

}  // namespace headgate::mpm
