// See sizing.h.
#include "mpm/sizing.h"

#include <sys/resource.h>

#include <algorithm>

#include "mpm/cpu_budget.h"

namespace headgate::mpm {
namespace {

constexpr std::size_t reserved_descriptors = 64;  // listeners, logs, DNS, the loops themselves

/// Raises the soft limit to the hard one and returns it.
std::size_t descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

}  // namespace

Sizing size_event(const Settings& settings) {
    Sizing sizing;
    sizing.threads = settings.threads_per_child.is_written()
                         ? static_cast<unsigned>(*settings.threads_per_child)
                         : cpu_budget().cpus;
    const std::size_t descriptors = descriptor_limit();
    const std::size_t affordable =
        descriptors > 2 * reserved_descriptors ? (descriptors - reserved_descriptors) / 2 : 16;
    sizing.connections = affordable;
    if (*settings.max_connections > 0) {
        sizing.connections = static_cast<std::size_t>(*settings.max_connections);
        if (sizing.connections > affordable) {
            sizing.warnings.push_back(
                "MaxConnections " + std::to_string(sizing.connections) +
                " needs more descriptors than the limit of " + std::to_string(descriptors) +
                " allows (two a connection): connections may be refused an upstream");
        }
    }
    sizing.connections = std::max<std::size_t>(sizing.connections, 1);
    return sizing;
}

}  // namespace headgate::mpm
