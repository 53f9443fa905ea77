// Sizing: how many processes, threads and connections a model gets, from what is written and what
// the machine has. Written numbers win; those that contradict each other are adjusted by Apache's
// rules, in Apache's order, with a warning each (mpm_common, event, worker and prefork).
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <vector>

#include "mpm/settings.h"

namespace headgate::mpm {

struct Sizing {
    unsigned server_limit = 1;  // rows of the scoreboard; fixed from the first start on
    unsigned thread_limit = 1;  // columns of the scoreboard; fixed from the first start on
    unsigned threads_per_child = 1;
    unsigned max_children = 1;  // serving at a time, one generation
    unsigned start = 1;         // children forked at first
    unsigned min_spare = 1;     // idle threads over all children: fewest and most kept
    unsigned max_spare = 2;
    unsigned connections = 1;            // slots of one child
    unsigned connections_per_child = 0;  // accepted until a child ends; 0: never
    std::string reason;                  // where numbers that nobody wrote come from, or empty
    std::vector<std::string> warnings;
};

/// ServerLimit and ThreadLimit of the first start: a reload that changes them is warned about, and
/// keeps them. Zero: this is the first start.
struct FixedLimits {
    unsigned servers = 0;
    unsigned threads = 0;
};

/// The rules that worker and event share (Apache's order, steps 1 to 10). `sizing` comes with the
/// defaults of the model for what is not written. `thread_limit_cap`: the highest ThreadLimit.
void apply_thread_rules(const Settings& settings, const FixedLimits& fixed,
                        unsigned thread_limit_cap, Sizing& sizing);

/// Apache's step 11, silently, for models whose children are tied to a bucket of listeners: enough
/// children, and enough spare threads, for each bucket.
void apply_bucket_rules(unsigned buckets, Sizing& sizing);

/// ServerLimit (and ThreadLimit, worker and event): within 1 and `cap`, and as at the first start.
struct Limit {
    const char* name;
    unsigned value;
    bool is_written;  // else a default: one below what is fixed is no change worth a word
    unsigned cap;
    unsigned fixed;  // 0: not yet
};
unsigned limited(const Limit& limit, std::vector<std::string>& warnings);

/// Directives of other models: a warning for each that is written.
struct Unused {
    const char* name;
    bool is_written;
};
void warn_of_unused(const char* model, std::initializer_list<Unused> directives,
                    std::vector<std::string>& warnings);

/// A value of at least 1, with a warning when it was not.
unsigned at_least_one(const char* name, unsigned value, std::vector<std::string>& warnings);

/// Connections that the descriptor limit affords one child, two descriptors each. Raises the soft
/// limit to the hard one.
unsigned affordable_connections();

}  // namespace headgate::mpm
