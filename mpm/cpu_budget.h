// The CPUs this program may use: not what the machine has, but what affinity and the container's
// quota (cgroup v2 cpu.max, v1 cpu.cfs_quota_us) leave of it.
#pragma once

#include <string>

namespace headgate::mpm {

struct CpuBudget {
    unsigned cpus = 1;   // at least 1; a fraction of a quota counts as a whole one
    std::string reason;  // "affinity", "cgroup v2 quota", ...
};

CpuBudget cpu_budget();

/// The number of whole CPUs that a cgroup v2 "cpu.max" text grants; 0: no limit. For tests too.
unsigned cpus_of_cpu_max(const std::string& text);

}  // namespace headgate::mpm
