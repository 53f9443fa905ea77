// What -v and -V print.
#pragma once

#include <string>

namespace headgate::proxy {

/// "Headgate/0.1.0".
std::string version_text();
/// Compiler, libraries with their versions at run time, and what the machine offers.
std::string full_version_text();

}  // namespace headgate::proxy
