// See cpu_budget.h.
#include "mpm/cpu_budget.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace headgate::mpm {
namespace {

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

unsigned affinity() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return static_cast<unsigned>(std::max(CPU_COUNT(&set), 1));
}

/// The path of our group in the unified hierarchy: the line "0::/path".
std::string own_group() {
    std::ifstream file("/proc/self/cgroup");
    std::string line;
    while (std::getline(file, line)) {
        if (line.rfind("0::", 0) == 0) return line.substr(3);
    }
    return "";
}

}  // namespace

unsigned cpus_of_cpu_max(const std::string& text) {
    long long quota = 0;
    long long period = 0;
    if (std::sscanf(text.c_str(), "%lld %lld", &quota, &period) != 2) return 0;
    if (quota <= 0 || period <= 0) return 0;
    return static_cast<unsigned>((quota + period - 1) / period);
}

CpuBudget cpu_budget() {
    CpuBudget budget{affinity(), "affinity"};
    unsigned quota = cpus_of_cpu_max(text_of("/sys/fs/cgroup" + own_group() + "/cpu.max"));
    std::string reason = "cgroup v2 quota";
    if (quota == 0) quota = cpus_of_cpu_max(text_of("/sys/fs/cgroup/cpu.max"));
    if (quota == 0) {
        quota = cpus_of_cpu_max(text_of("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") + " " +
                                text_of("/sys/fs/cgroup/cpu/cpu.cfs_period_us"));
        reason = "cgroup v1 quota";
    }
    if (quota != 0 && quota < budget.cpus) budget = {quota, reason};
    return budget;
}

}  // namespace headgate::mpm
