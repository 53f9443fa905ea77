// See privileges.h.
#include "mpm/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace headgate::mpm {
namespace {

std::optional<uid_t> user_id(const std::string& name) {
    if (name.size() > 1 && name[0] == '#') return std::strtol(name.c_str() + 1, nullptr, 10);
    const passwd* entry = ::getpwnam(name.c_str());
    return entry != nullptr ? std::optional<uid_t>(entry->pw_uid) : std::nullopt;
}

std::optional<gid_t> group_id(const std::string& name) {
    if (name.size() > 1 && name[0] == '#') return std::strtol(name.c_str() + 1, nullptr, 10);
    const group* entry = ::getgrnam(name.c_str());
    return entry != nullptr ? std::optional<gid_t>(entry->gr_gid) : std::nullopt;
}

std::string failed(const char* what) {
    return std::string(what) + " failed: " + std::strerror(errno);
}

std::string become(const Settings& settings) {
    if (settings.group.is_written()) {
        const auto group = group_id(*settings.group);
        if (!group) return "Group " + *settings.group + " does not exist";
        const gid_t only = *group;
        if (::setgroups(1, &only) != 0) return failed("setgroups");
        if (::setresgid(only, only, only) != 0) return failed("setresgid");
    }
    if (settings.user.is_written()) {
        const auto user = user_id(*settings.user);
        if (!user) return "User " + *settings.user + " does not exist";
        if (::setresuid(*user, *user, *user) != 0) return failed("setresuid");
    }
    return "";
}

}  // namespace

std::string drop_privileges(const Settings& settings) {
    if (::geteuid() == 0) {
        const std::string problem = become(settings);
        if (!problem.empty()) return problem;
    }
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return "";
}

}  // namespace headgate::mpm
