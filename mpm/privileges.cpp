// See privileges.h.
#include "mpm/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace headgate::mpm {
namespace {

constexpr std::int64_t none = -1;

/// "#1000" as a number: all digits, below the two values that mean "no change"; else none.
std::int64_t number(const std::string& name) {
    std::uint32_t value = 0;
    const char* end = name.data() + name.size();
    if (name.size() < 2 || name[0] != '#') return none;
    const auto [stop, error] = std::from_chars(name.data() + 1, end, value);
    const bool is_whole = error == std::errc() && stop == end && value < UINT32_MAX - 1;
    return is_whole ? value : none;
}

struct Ids {
    std::int64_t user = none;
    std::int64_t group = none;
    std::string problem;
};

/// A user without a Group has its own primary group; a number that no file knows is its own group.
void read_user(const std::string& name, Ids& ids) {
    const std::int64_t id = number(name);
    const passwd* entry =
        id != none ? ::getpwuid(static_cast<uid_t>(id)) : ::getpwnam(name.c_str());
    if (entry == nullptr && id == none) ids.problem = "User " + name + " does not exist";
    ids.user = entry != nullptr ? entry->pw_uid : id;
    ids.group = entry != nullptr ? entry->pw_gid : id;
}

void read_group(const std::string& name, Ids& ids) {
    const std::int64_t id = number(name);
    const group* entry = id != none ? nullptr : ::getgrnam(name.c_str());
    if (entry == nullptr && id == none) ids.problem = "Group " + name + " does not exist";
    ids.group = entry != nullptr ? entry->gr_gid : id;
}

Ids read_ids(const Settings& settings) {
    Ids ids;
    if (settings.user.is_written()) read_user(*settings.user, ids);
    if (settings.group.is_written()) read_group(*settings.group, ids);
    return ids;
}

std::string failed(const char* what) {
    return std::string(what) + " failed: " + std::strerror(errno);
}

std::string become(const Ids& ids) {
    if (ids.group != none) {
        const auto only = static_cast<gid_t>(ids.group);
        if (::setgroups(1, &only) != 0) return failed("setgroups");
        if (::setresgid(only, only, only) != 0) return failed("setresgid");
    }
    if (ids.user != none) {
        const auto user = static_cast<uid_t>(ids.user);
        if (::setresuid(user, user, user) != 0) return failed("setresuid");
    }
    const bool is_done = (ids.user == none || ::geteuid() == ids.user) &&
                         (ids.group == none || ::getegid() == ids.group);
    return is_done ? "" : "User and Group were not taken on";
}

}  // namespace

std::string drop_privileges(const Settings& settings) {
    if (::geteuid() == 0) {
        const Ids ids = read_ids(settings);
        const std::string problem = ids.problem.empty() ? become(ids) : ids.problem;
        if (!problem.empty()) return problem;
    }
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return "";
}

void allow_core_dumps(const Settings& settings) {
    if (!settings.core_dump_directory.is_written()) return;
    const std::string& folder = *settings.core_dump_directory;
    const std::string path = folder.front() == '/' ? folder : *settings.server_root + "/" + folder;
    if (::chdir(path.c_str()) != 0) {
        std::fprintf(stderr, "headgate: warning: CoreDumpDirectory %s: %s\n", path.c_str(),
                     std::strerror(errno));
    }
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/// Both: a limit does not keep a core from a program that the kernel pipes it into.
void guard_memory(bool is_guarded) {
    ::prctl(PR_SET_DUMPABLE, is_guarded ? 0 : 1, 0, 0, 0);
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = is_guarded ? 0 : limit.rlim_max;
    ::setrlimit(RLIMIT_CORE, &limit);
}

std::string check_privileges(const Settings& settings) {
    return ::geteuid() == 0 ? read_ids(settings).problem : "";
}

}  // namespace headgate::mpm
