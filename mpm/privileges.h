// Privileges: after the listeners are bound and the logs are open, root becomes User and Group
// (Apache's mod_unixd), and can never go back.
#pragma once

#include <string>

#include "mpm/settings.h"

namespace headgate::mpm {

/// Drops to User and Group when running as root and they are written; sets no-new-privileges in any
/// case. Empty on success, else what went wrong in words. A program that is not root keeps what it
/// is.
std::string drop_privileges(const Settings& settings);

/// CoreDumpDirectory, when written: a crash leaves its core there. After drop_privileges(), which
/// switches dumps off.
void allow_core_dumps(const Settings& settings);

/// While secrets are held: no core of this process or of those it forks later, and no other process
/// of the same user may look into them. False takes it back, as far as the hard limit allows.
void guard_memory(bool is_guarded);

/// What drop_privileges would object to, before any process depends on it; empty when nothing.
std::string check_privileges(const Settings& settings);

}  // namespace headgate::mpm
