// Replacing the program of this process by the file it was started from, which may be newer.
#pragma once

#include <string>
#include <vector>

namespace headgate::mpm {

/// The command by which this process was started, its file made absolute.
std::vector<std::string> own_command();

/// Runs the command's program with -t added; whether it accepts the configuration.
bool accepts_configuration(const std::vector<std::string>& command);

/// Does not return when it succeeds.
void exec_command(const std::vector<std::string>& command);

}  // namespace headgate::mpm
