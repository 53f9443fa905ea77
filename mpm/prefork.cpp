// Prefork: many processes, one thread each, one connection at a time. A park waits in the process.
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
    auto& warnings = sizing.warnings;
    sizing.server_limit = limited({"ServerLimit", written_or(settings.server_limit, 256),
                                   settings.server_limit.is_written(), 200000, fixed.servers},
                                  warnings);
    sizing.max_children = written_or(settings.max_request_workers, 256);
    if (sizing.max_children > sizing.server_limit) {
        warnings.push_back("MaxRequestWorkers of " + std::to_string(sizing.max_children) +
                           " exceeds ServerLimit, lowering to " +
                           std::to_string(sizing.server_limit));
        sizing.max_children = sizing.server_limit;
    }
    sizing.max_children = at_least_one("MaxRequestWorkers", sizing.max_children, warnings);
    sizing.start = at_least_one("StartServers", written_or(settings.start_servers, 5), warnings);
    sizing.start = std::min(sizing.start, sizing.max_children);
    sizing.min_spare =
        at_least_one("MinSpareServers", written_or(settings.min_spare_servers, 5), warnings);
    sizing.max_spare = std::max(written_or(settings.max_spare_servers, 10), sizing.min_spare + 1);
    sizing.connections_per_child = static_cast<unsigned>(*settings.max_connections_per_child);
    affordable_connections();
    warn_of_unused("prefork",
                   {{"ThreadsPerChild", settings.threads_per_child.is_written()},
                    {"MinSpareThreads", settings.min_spare_threads.is_written()},
                    {"MaxSpareThreads", settings.max_spare_threads.is_written()},
                    {"ThreadStackSize", settings.thread_stack_size.is_written()},
                    {"MaxConnections", settings.max_connections.is_written()}},
                   warnings);
    return sizing;
}

unsigned buckets(const Settings& settings, const Sizing&) {
    const int ratio = *settings.listen_cores_buckets_ratio;
    return ratio < 1 ? 1 : std::max(cpu_budget().cpus / static_cast<unsigned>(ratio), 1u);
}

}  // namespace

const Model prefork_model{ModelName::prefork, "prefork", false, size, buckets};

const Model& model_of(ModelName name) {
    switch (name) {
        case ModelName::prefork:
            return prefork_model;
        case ModelName::worker:
            return worker_model;
        case ModelName::event:
            return event_model;
    }
    return event_model;
}

}  // namespace headgate::mpm
