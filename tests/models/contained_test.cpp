// As containers run it: process 1 of a namespace, a user that no file knows, no capability, a root
// that is mounted read-only, nowhere to write. docker/test.sh does the same with the real image.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

constexpr const char* contained =
    "exec unshare --pid --fork --kill-child --mount --mount-proc sh -c '"
    "mount -o remount,bind,ro / && "
    "exec setpriv --reuid 123456 --regid 0 --clear-groups --bounding-set -all --no-new-privs "
    "\"$@\"' sh \"$@\"";

std::size_t times(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at++)
        count++;
    return count;
}

class Contained : public Behaviour {
protected:
    void SetUp() override {
        std::filesystem::permissions(folder.file("."), std::filesystem::perms(0755));
        ChildProgram trial(folder, "/bin/sh", {"-c", contained, "sh", "true"});
        if (trial.exit_code() != 0) GTEST_SKIP() << "no namespaces here: " << trial.err();
        // Where it lies, not everybody may look.
        std::filesystem::copy_file(built_program("headgate"), folder.file("headgate"));
    }
    std::string configuration() const {
        return folder.write("headgate.conf",
                            "ServerName proxy.test\nListen 127.0.0.1:" + std::to_string(port) +
                                "\nErrorLog /dev/stderr\nCustomLog /dev/stdout common\nPidFile " +
                                folder.file("headgate.pid") + "\nMPM " + model() +
                                "\nStartServers 1\n" + tls_if_tested(folder) + pass_all_to(origin));
    }
    void expect_an_answer() const {
        RawConnection client(port);
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, 200);
    }

    TemporaryFolder folder;
    RunningOrigin origin;
    std::uint16_t port = free_port();
};
EVERY_MODEL(Contained);

/// The only child of a process; 0 while there is none.
pid_t child_of(pid_t process) {
    const std::string number = std::to_string(process);
    pid_t child = 0;
    std::ifstream("/proc/" + number + "/task/" + number + "/children") >> child;
    return child;
}

TEST_P(Contained, ServesReloadsIsReplacedAndDrains) {
    ChildProgram program(folder, "/bin/sh",
                         {"-c", contained, "sh", folder.file("headgate"), "-f", configuration()});
    const auto says = [&](const std::string& text, std::size_t count = 1) {
        wait_until("for \"" + text + "\"",
                   [&] { return program.has_ended() || times(program.err(), text) == count; });
        ASSERT_FALSE(program.has_ended()) << program.err();
    };
    says("listening on");
    says("warning: cannot write PidFile");
    const pid_t supervisor = child_of(program.pid());
    ASSERT_NE(supervisor, 0);
    expect_an_answer();
    ::kill(supervisor, SIGWINCH);
    ::kill(supervisor, SIGHUP);
    says("reloaded: generation 1");
    expect_an_answer();
    ::kill(supervisor, SIGUSR2);
    says("listening on", 2);
    EXPECT_EQ(child_of(program.pid()), supervisor) << "still process 1";
    expect_an_answer();
    ::kill(supervisor, SIGTERM);
    EXPECT_EQ(program.exit_code(), 0) << program.err();
    EXPECT_GE(times(program.out(), "GET /hello"), 3u) << program.out();
}

}  // namespace
}  // namespace headgate
