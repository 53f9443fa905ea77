// Sizing: written numbers win, the rest comes from the machine; what was adjusted is said.
#include "mpm/sizing.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "mpm/cpu_budget.h"

namespace headgate::mpm {
namespace {

std::size_t descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

TEST(SizeEvent, follows_the_machine_where_nothing_is_written) {
    const Sizing sizing = size_event(Settings{});
    EXPECT_EQ(sizing.threads, cpu_budget().cpus);
    EXPECT_GE(sizing.connections, 1u);
    EXPECT_LE(sizing.connections * 2, descriptors()) << "two descriptors a connection";
    EXPECT_TRUE(sizing.warnings.empty());
}

TEST(SizeEvent, written_numbers_win) {
    Settings settings;
    settings.threads_per_child.write(7);
    settings.max_connections.write(100);
    const Sizing sizing = size_event(settings);
    EXPECT_EQ(sizing.threads, 7u);
    EXPECT_EQ(sizing.connections, 100u);
    EXPECT_TRUE(sizing.warnings.empty());
}

TEST(SizeEvent, warns_where_descriptors_do_not_suffice) {
    Settings settings;
    settings.max_connections.write(2'000'000'000);
    const Sizing sizing = size_event(settings);
    EXPECT_EQ(sizing.connections, 2'000'000'000u);
    ASSERT_EQ(sizing.warnings.size(), 1u);
    EXPECT_NE(sizing.warnings[0].find("MaxConnections 2000000000"), std::string::npos);
}

}  // namespace
}  // namespace headgate::mpm
