// The command line: Apache's letters with their meanings, from one table that also makes --help.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conf/load.h"

namespace headgate::proxy {

struct CommandLine {
    enum class Action {
        run,
        test,             // -t
        rehearse,         // --rehearse
        show_sites,       // -S
        list_directives,  // -L [NAME]
        version,          // -v
        full_version,     // -V
        help,             // --help
        order,            // -k WORD, -s WORD
        healthcheck,      // healthcheck [URL]
        explain,          // explain [HG0101]
    };
    Action action = Action::run;
    conf::LoadOptions load;
    std::string model;      // --mpm; empty: as the configuration says
    std::string directive;  // of -L; empty: all
    std::string word;       // of -k, -s, healthcheck or explain
};

/// What was wrong with the words, with a suggestion; the exit status is 2.
struct UsageError {
    std::string text;
};

/// `arguments` without the program's name. On an error `result` is unspecified.
std::optional<UsageError> read_command_line(const std::vector<std::string>& arguments,
                                            CommandLine& result);

std::string help_text();

}  // namespace headgate::proxy
