// Privileges: what can be tested in a child process that may give everything up.
#include "mpm/privileges.h"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace headgate::mpm {
namespace {

/// drop_privileges() in a child; its answer, "|", and the user it ended up as.
std::string dropped(const Settings& settings) {
    int ends[2];
    if (::pipe(ends) != 0) return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        std::string text = drop_privileges(settings) + "|";
        text += std::to_string(::getuid()) + "|" +
                std::to_string(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
        const ssize_t written = ::write(ends[1], text.data(), text.size());
        ::_exit(written > 0 ? 0 : 1);
    }
    ::close(ends[1]);
    char text[512];
    const ssize_t size = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return {text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST(DropPrivileges, names_what_does_not_exist) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give privileges up";
    Settings settings;
    settings.user.write("no-such-user");
    EXPECT_EQ(dropped(settings).substr(0, 33), "User no-such-user does not exist|");
    Settings group;
    group.group.write("no-such-group");
    EXPECT_EQ(dropped(group).substr(0, 35), "Group no-such-group does not exist|");
}

TEST(DropPrivileges, becomes_the_number_that_is_written) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give privileges up";
    Settings settings;
    settings.user.write("#4242");
    settings.group.write("#4242");
    EXPECT_EQ(dropped(settings), "|4242|1");
}

TEST(DropPrivileges, keeps_who_it_is_where_nothing_is_written) {
    EXPECT_EQ(dropped(Settings{}), "|" + std::to_string(::getuid()) + "|1");
}

}  // namespace
}  // namespace headgate::mpm
