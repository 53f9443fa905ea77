// Replacing the program of this process by the file it was started from, which may be newer.
#pragma once

#include <string>
#include <vector>

#include "mpm/handover.h"

namespace headgate::mpm {

/// The command by which this process was started, its file made absolute.
std::vector<std::string> own_command();

/// Runs the command's program with --rehearse added, and with what it would take over: it loads the
/// configuration, opens logs and listeners as at a start, and ends. Whether it could. What takes
/// longer than half a minute could not.
bool rehearses(const std::vector<std::string>& command, const Handover& handover);

/// Does not return when it succeeds.
void exec_command(const std::vector<std::string>& command);

}  // namespace headgate::mpm
