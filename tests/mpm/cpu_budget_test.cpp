// The CPU budget: what a quota grants, in the kernel's own spelling.
#include "mpm/cpu_budget.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace headgate::mpm {
namespace {

TEST(CpuBudget, of_a_cpu_max_text) {
    const struct {
        const char* text;
        unsigned cpus;
    } cases[] = {
        {"max 100000\n", 0},
        {"100000 100000\n", 1},
        {"200000 100000\n", 2},
        {"150000 100000\n", 2},
        {"50000 100000\n", 1},
        {"1000 100000\n", 1},
        {"400000 50000", 8},
        {"", 0},
        {"\n", 0},
        {"100000", 0},
        {"-1 100000", 0},
        {"0 100000", 0},
        {"100000 0", 0},
        {"nonsense", 0},
        {"100001 100000", 2},
    };
    for (const auto& each : cases)
        EXPECT_EQ(cpus_of_cpu_max(each.text), each.cpus) << each.text;
}

TEST(CpuBudget, is_within_the_machine) {
    const CpuBudget budget = cpu_budget();
    EXPECT_GE(budget.cpus, 1u);
    EXPECT_LE(budget.cpus, static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF)));
    EXPECT_FALSE(budget.reason.empty());
}

}  // namespace
}  // namespace headgate::mpm
