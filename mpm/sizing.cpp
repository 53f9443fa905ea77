// See sizing.h.
#include "mpm/sizing.h"

#include <sys/resource.h>

#include <algorithm>

namespace headgate::mpm {
namespace {

std::string n(unsigned value) {
    return std::to_string(value);
}

}  // namespace

unsigned limited(const Limit& limit, std::vector<std::string>& warnings) {
    const std::string text(limit.name);
    unsigned value = limit.value;
    if (value > limit.cap) {
        warnings.push_back(text + " of " + n(value) + " exceeds the compiled limit, lowering to " +
                           n(limit.cap));
        value = limit.cap;
    }
    value = at_least_one(limit.name, value, warnings);
    if (limit.fixed == 0 || value == limit.fixed) return value;
    if (limit.is_written || value > limit.fixed) {
        warnings.push_back("changing " + text + " from " + n(limit.fixed) + " to " + n(value) +
                           " needs a restart, keeping " + n(limit.fixed));
    }
    return limit.fixed;
}

void warn_of_unused(const char* model, std::initializer_list<Unused> directives,
                    std::vector<std::string>& warnings) {
    for (const Unused& each : directives) {
        if (!each.is_written) continue;
        warnings.push_back(std::string(each.name) + " has no effect under " + model);
    }
}

unsigned at_least_one(const char* name, unsigned value, std::vector<std::string>& warnings) {
    if (value > 0) return value;
    warnings.push_back(std::string(name) + " below 1, raising to 1");
    return 1;
}

void apply_thread_rules(const Settings& settings, const FixedLimits& fixed,
                        unsigned thread_limit_cap, Sizing& sizing) {
    auto& warnings = sizing.warnings;
    sizing.server_limit = limited({"ServerLimit", sizing.server_limit,
                                   settings.server_limit.is_written(), 20000, fixed.servers},
                                  warnings);
    sizing.thread_limit =
        limited({"ThreadLimit", sizing.thread_limit, settings.thread_limit.is_written(),
                 thread_limit_cap, fixed.threads},
                warnings);
    if (sizing.threads_per_child > sizing.thread_limit) {
        warnings.push_back("ThreadsPerChild of " + n(sizing.threads_per_child) +
                           " exceeds ThreadLimit, lowering to " + n(sizing.thread_limit));
        sizing.threads_per_child = sizing.thread_limit;
    }
    const unsigned threads = sizing.threads_per_child =
        at_least_one("ThreadsPerChild", sizing.threads_per_child, warnings);
    unsigned most = settings.max_request_workers.is_written()
                        ? static_cast<unsigned>(*settings.max_request_workers)
                        : sizing.max_children * threads;
    if (most < threads) {
        warnings.push_back("MaxRequestWorkers of " + n(most) +
                           " is less than ThreadsPerChild, raising to " + n(threads));
        most = threads;
    }
    if (most % threads != 0) {
        warnings.push_back("MaxRequestWorkers of " + n(most) +
                           " is not a multiple of ThreadsPerChild, lowering to " +
                           n(most / threads * threads) + ", for at most " + n(most / threads) +
                           " children");
    }
    sizing.max_children = most / threads;
    if (sizing.max_children > sizing.server_limit) {
        warnings.push_back("MaxRequestWorkers of " + n(most) + " needs " + n(sizing.max_children) +
                           " children, more than ServerLimit, lowering to " +
                           n(sizing.server_limit * threads));
        sizing.max_children = sizing.server_limit;
    }
    sizing.start =
        std::min(at_least_one("StartServers", sizing.start, warnings), sizing.max_children);
    sizing.min_spare = at_least_one("MinSpareThreads", sizing.min_spare, warnings);
    sizing.max_spare = std::max(sizing.max_spare, sizing.min_spare + threads + 1);
    sizing.connections_per_child = static_cast<unsigned>(*settings.max_connections_per_child);
}

void apply_bucket_rules(unsigned buckets, Sizing& sizing) {
    const unsigned threads = sizing.threads_per_child;
    sizing.max_children = std::max(sizing.max_children, std::min(buckets, sizing.server_limit));
    sizing.start = std::max(sizing.start, std::min(buckets, sizing.max_children));
    if (threads == 1) {
        sizing.max_spare = std::max(sizing.max_spare, sizing.min_spare + buckets);
        return;
    }
    sizing.min_spare = std::max(sizing.min_spare, threads * (buckets - 1) + buckets);
    sizing.max_spare = std::max(sizing.max_spare, sizing.min_spare + (threads + 1) * buckets);
}

unsigned affordable_connections() {
    constexpr rlim_t reserved = 64;  // listeners, logs, DNS, the loops themselves
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur <= 2 * reserved) return 16;
    return static_cast<unsigned>(std::min<rlim_t>((limit.rlim_cur - reserved) / 2, 1'000'000));
}

}  // namespace headgate::mpm
