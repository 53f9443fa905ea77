// Sizing: written numbers win, those that contradict each other are adjusted by Apache's rules, and
// what was adjusted is said. Tables of the rules, in their order, for each model.
#include "mpm/sizing.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "mpm/cpu_budget.h"
#include "mpm/model.h"

namespace headgate::mpm {
namespace {

/// What is written; 0: it is not (-1: a written 0).
struct Written {
    int start = 0, server_limit = 0, thread_limit = 0, threads = 0, most = 0;
    int min_spare = 0, max_spare = 0, per_child = 0;
};
struct Expected {
    unsigned threads, children, start, min_spare, max_spare;
    unsigned server_limit, thread_limit;
    std::vector<std::string> warnings;  // exactly, in order
};
struct Case {
    const char* name;
    Written written;
    FixedLimits fixed;
    Expected expected;
};

void write(conf::Set<int>& setting, int value) {
    if (value != 0) setting.write(value < 0 ? 0 : value);
}

Settings settings_of(const Written& written, bool has_threads) {
    Settings settings;
    write(settings.start_servers, written.start);
    write(settings.server_limit, written.server_limit);
    write(settings.thread_limit, written.thread_limit);
    write(settings.threads_per_child, written.threads);
    write(settings.max_request_workers, written.most);
    write(has_threads ? settings.min_spare_threads : settings.min_spare_servers, written.min_spare);
    write(has_threads ? settings.max_spare_threads : settings.max_spare_servers, written.max_spare);
    write(settings.max_connections_per_child, written.per_child);
    return settings;
}

void check(ModelName model, const Case& each) {
    SCOPED_TRACE(each.name);
    const Settings settings = settings_of(each.written, model != ModelName::prefork);
    const Sizing sizing = model_of(model).size(settings, each.fixed);
    EXPECT_EQ(sizing.threads_per_child, each.expected.threads);
    EXPECT_EQ(sizing.max_children, each.expected.children);
    EXPECT_EQ(sizing.start, each.expected.start);
    EXPECT_EQ(sizing.min_spare, each.expected.min_spare);
    EXPECT_EQ(sizing.max_spare, each.expected.max_spare);
    EXPECT_EQ(sizing.server_limit, each.expected.server_limit);
    EXPECT_EQ(sizing.thread_limit, each.expected.thread_limit);
    EXPECT_EQ(sizing.warnings, each.expected.warnings);
    EXPECT_EQ(sizing.connections_per_child, static_cast<unsigned>(each.written.per_child));
}

// ---- worker

const Case worker_cases[] = {
    {"Apache's defaults", {}, {}, {25, 16, 3, 75, 250, 16, 64, {}}},
    {"everything written",
     {.start = 2,
      .server_limit = 4,
      .thread_limit = 10,
      .threads = 10,
      .most = 40,
      .min_spare = 5,
      .max_spare = 30,
      .per_child = 7},
     {},
     {10, 4, 2, 5, 30, 4, 10, {}}},
    {"ServerLimit above what is compiled",
     {.server_limit = 30000},
     {},
     {25,
      16,
      3,
      75,
      250,
      20000,
      64,
      {"ServerLimit of 30000 exceeds the compiled limit, lowering to 20000"}}},
    {"ServerLimit below 1",
     {.server_limit = -1},
     {},
     {25,
      1,
      1,
      75,
      250,
      1,
      64,
      {"ServerLimit below 1, raising to 1",
       "MaxRequestWorkers of 400 needs 16 children, more than ServerLimit, lowering to 25"}}},
    {"ServerLimit changed by a reload",
     {.server_limit = 32},
     {16, 64},
     {25,
      16,
      3,
      75,
      250,
      16,
      64,
      {"changing ServerLimit from 16 to 32 needs a restart, keeping 16"}}},
    {"ThreadLimit changed by a reload",
     {.thread_limit = 128},
     {16, 64},
     {25,
      16,
      3,
      75,
      250,
      16,
      64,
      {"changing ThreadLimit from 64 to 128 needs a restart, keeping 64"}}},
    {"ThreadLimit above what is compiled",
     {.thread_limit = 20001},
     {},
     {25,
      16,
      3,
      75,
      250,
      16,
      20000,
      {"ThreadLimit of 20001 exceeds the compiled limit, lowering to 20000"}}},
    {"ThreadsPerChild above ThreadLimit",
     {.threads = 100},
     {},
     {64, 16, 3, 75, 250, 16, 64, {"ThreadsPerChild of 100 exceeds ThreadLimit, lowering to 64"}}},
    {"ThreadsPerChild below 1",
     {.threads = -1},
     {},
     {1, 16, 3, 75, 250, 16, 64, {"ThreadsPerChild below 1, raising to 1"}}},
    {"MaxRequestWorkers below ThreadsPerChild",
     {.most = 10},
     {},
     {25,
      1,
      1,
      75,
      250,
      16,
      64,
      {"MaxRequestWorkers of 10 is less than ThreadsPerChild, raising to 25"}}},
    {"MaxRequestWorkers is no multiple",
     {.threads = 8, .most = 20},
     {},
     {8,
      2,
      2,
      75,
      250,
      16,
      64,
      {"MaxRequestWorkers of 20 is not a multiple of ThreadsPerChild, lowering to 16, for at most "
       "2 "
       "children"}}},
    {"more children than ServerLimit",
     {.server_limit = 2, .threads = 10, .most = 50},
     {},
     {10,
      2,
      2,
      75,
      250,
      2,
      64,
      {"MaxRequestWorkers of 50 needs 5 children, more than ServerLimit, lowering to 20"}}},
    {"StartServers below 1",
     {.start = -1},
     {},
     {25, 16, 1, 75, 250, 16, 64, {"StartServers below 1, raising to 1"}}},
    {"StartServers above the children allowed: silently",
     {.start = 10, .most = 50},
     {},
     {25, 2, 2, 75, 250, 16, 64, {}}},
    {"MinSpareThreads below 1",
     {.min_spare = -1},
     {},
     {25, 16, 3, 1, 250, 16, 64, {"MinSpareThreads below 1, raising to 1"}}},
    {"MaxSpareThreads too low: silently, with one above the manual's",
     {.max_spare = 80},
     {},
     {25, 16, 3, 75, 101, 16, 64, {}}},
};

/// A default is no wish: what the first start allows is enough, or is said to be less.
TEST(SizeWorker, takes_the_limits_of_another_model_as_they_are) {
    Settings settings;
    const Sizing roomy = model_of(ModelName::worker).size(settings, {256, 64});
    EXPECT_EQ(roomy.server_limit, 256u);
    EXPECT_EQ(roomy.max_children, 16u);
    EXPECT_TRUE(roomy.warnings.empty());
    const Sizing narrow = model_of(ModelName::prefork).size(settings, {16, 64});
    EXPECT_EQ(narrow.max_children, 16u);
    EXPECT_EQ(narrow.warnings.size(), 2u);
}

TEST(SizeModels, say_what_has_no_effect) {
    Settings settings;
    settings.min_spare_servers.write(1);
    settings.min_spare_threads.write(1);
    const auto warnings = [&](ModelName name) {
        return model_of(name).size(settings, {}).warnings;
    };
    EXPECT_EQ(warnings(ModelName::prefork),
              std::vector<std::string>{"MinSpareThreads has no effect under prefork"});
    EXPECT_EQ(warnings(ModelName::worker),
              std::vector<std::string>{"MinSpareServers has no effect under worker"});
    EXPECT_EQ(warnings(ModelName::event),
              std::vector<std::string>{"MinSpareServers has no effect under event"});
}

TEST(SizeWorker, has_spare_threads_for_each_bucket) {
    Sizing sizing = model_of(ModelName::worker).size(Settings{}, {});
    apply_bucket_rules(1, sizing);
    EXPECT_EQ(sizing.min_spare, 75u);
    EXPECT_EQ(sizing.max_spare, 250u);
    apply_bucket_rules(12, sizing);
    EXPECT_EQ(sizing.start, 12u);
    EXPECT_EQ(sizing.min_spare, 25u * 11 + 12);
    EXPECT_EQ(sizing.max_spare, 25u * 11 + 12 + 26 * 12);
    apply_bucket_rules(40, sizing);
    EXPECT_EQ(sizing.max_children, 16u) << "ServerLimit holds";
    Sizing prefork = model_of(ModelName::prefork).size(Settings{}, {});
    apply_bucket_rules(8, prefork);
    EXPECT_EQ(prefork.start, 8u);
    EXPECT_EQ(prefork.max_spare, 13u);
}

TEST(SizeWorker, follows_apache) {
    for (const Case& each : worker_cases)
        check(ModelName::worker, each);
}

// ---- prefork

const Case prefork_cases[] = {
    {"Apache's defaults", {}, {}, {1, 256, 5, 5, 10, 256, 1, {}}},
    {"everything written",
     {.start = 2, .server_limit = 30, .most = 20, .min_spare = 1, .max_spare = 4, .per_child = 3},
     {},
     {1, 20, 2, 1, 4, 30, 1, {}}},
    {"ServerLimit above what is compiled",
     {.server_limit = 200001},
     {},
     {1,
      256,
      5,
      5,
      10,
      200000,
      1,
      {"ServerLimit of 200001 exceeds the compiled limit, lowering to 200000"}}},
    {"ServerLimit changed by a reload",
     {.server_limit = 300},
     {256, 1},
     {1,
      256,
      5,
      5,
      10,
      256,
      1,
      {"changing ServerLimit from 256 to 300 needs a restart, keeping 256"}}},
    {"MaxRequestWorkers above ServerLimit",
     {.server_limit = 10, .most = 50},
     {},
     {1, 10, 5, 5, 10, 10, 1, {"MaxRequestWorkers of 50 exceeds ServerLimit, lowering to 10"}}},
    {"MaxRequestWorkers below 1",
     {.most = -1},
     {},
     {1, 1, 1, 5, 10, 256, 1, {"MaxRequestWorkers below 1, raising to 1"}}},
    {"StartServers below 1",
     {.start = -1},
     {},
     {1, 256, 1, 5, 10, 256, 1, {"StartServers below 1, raising to 1"}}},
    {"StartServers above MaxRequestWorkers: silently",
     {.start = 9, .most = 4},
     {},
     {1, 4, 4, 5, 10, 256, 1, {}}},
    {"MinSpareServers below 1",
     {.min_spare = -1},
     {},
     {1, 256, 5, 1, 10, 256, 1, {"MinSpareServers below 1, raising to 1"}}},
    {"MaxSpareServers too low: silently",
     {.min_spare = 8, .max_spare = 3},
     {},
     {1, 256, 5, 8, 9, 256, 1, {}}},
};

TEST(SizePrefork, follows_apache) {
    for (const Case& each : prefork_cases)
        check(ModelName::prefork, each);
}

// ---- event: our own rule
// --------------------------------------------------------------------------

std::size_t descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

TEST(SizeEvent, has_a_process_with_one_thread_for_each_cpu) {
    const Sizing sizing = model_of(ModelName::event).size(Settings{}, {});
    EXPECT_EQ(sizing.threads_per_child, 1u);
    EXPECT_EQ(sizing.start, cpu_budget().cpus);
    EXPECT_EQ(sizing.max_children, cpu_budget().cpus);
    EXPECT_GE(sizing.connections, 1u);
    EXPECT_LE(sizing.connections * 2, descriptors()) << "two descriptors a connection";
    EXPECT_TRUE(sizing.warnings.empty());
    EXPECT_EQ(model_of(ModelName::event).buckets(Settings{}, sizing),
              std::min(cpu_budget().cpus, 64u));
}

const Case event_cases[] = {
    {"written numbers win", {.start = 2, .threads = 3}, {}, {3, 2, 2, 1, 6, 16, 64, {}}},
    {"room for more children",
     {.start = 1, .threads = 1, .most = 4},
     {},
     {1, 4, 1, 1, 3, 16, 64, {}}},
    {"MaxRequestWorkers is no multiple",
     {.start = 1, .threads = 8, .most = 20},
     {},
     {8,
      2,
      1,
      1,
      10,
      16,
      64,
      {"MaxRequestWorkers of 20 is not a multiple of ThreadsPerChild, lowering to 16, for at most "
       "2 "
       "children"}}},
    {"ThreadsPerChild above ThreadLimit",
     {.start = 1, .threads = 100},
     {},
     {64, 1, 1, 1, 100, 16, 64, {"ThreadsPerChild of 100 exceeds ThreadLimit, lowering to 64"}}},
    {"ServerLimit changed by a reload",
     {.start = 1, .server_limit = 32, .threads = 1},
     {16, 64},
     {1, 1, 1, 1, 3, 16, 64, {"changing ServerLimit from 16 to 32 needs a restart, keeping 16"}}},
};

TEST(SizeEvent, follows_apache_where_numbers_are_written) {
    for (const Case& each : event_cases)
        check(ModelName::event, each);
}

TEST(SizeEvent, takes_connections_from_descriptors_unless_written) {
    Settings settings;
    settings.max_connections.write(100);
    EXPECT_EQ(model_of(ModelName::event).size(settings, {}).connections, 100u);
    settings.max_connections.write(2'000'000'000);
    const Sizing sizing = model_of(ModelName::event).size(settings, {});
    ASSERT_EQ(sizing.warnings.size(), 1u);
    EXPECT_NE(sizing.warnings[0].find("MaxConnections of 2000000000"), std::string::npos);
}

// ---- what models are

TEST(Models, are_rows_of_data) {
    EXPECT_STREQ(model_of(ModelName::prefork).text, "prefork");
    EXPECT_STREQ(model_of(ModelName::worker).text, "worker");
    EXPECT_STREQ(model_of(ModelName::event).text, "event");
    EXPECT_FALSE(model_of(ModelName::prefork).serves_many);
    EXPECT_FALSE(model_of(ModelName::worker).serves_many);
    EXPECT_TRUE(model_of(ModelName::event).serves_many);
}

TEST(Models, have_one_bucket_unless_a_ratio_is_written) {
    Settings settings;
    for (const ModelName name : {ModelName::prefork, ModelName::worker}) {
        const Model& model = model_of(name);
        EXPECT_EQ(model.buckets(settings, {}), 1u);
    }
    settings.listen_cores_buckets_ratio.write(1);
    EXPECT_EQ(model_of(ModelName::worker).buckets(settings, {}), cpu_budget().cpus);
}

}  // namespace
}  // namespace headgate::mpm
