// Sizing: how many threads and connections a model gets, from what is written and what the machine
// has. Written numbers win.
#pragma once

#include <string>
#include <vector>

#include "mpm/settings.h"

namespace headgate::mpm {

struct Sizing {
    unsigned threads = 1;               // of one child
    std::size_t connections = 1000;     // that one child may hold at a time
    std::vector<std::string> warnings;  // what was adjusted, and why
};

/// For the event model: one thread for each CPU of the budget unless ThreadsPerChild is written;
/// as many connections as descriptors allow (two each) unless MaxConnections is written.
Sizing size_event(const Settings& settings);

}  // namespace headgate::mpm
