// What the program gets from whoever starts it, and what of it reaches the children: listening
// sockets, the size of stacks, where cores go.
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Inherited : public Behaviour {
protected:
    static int get_status(std::uint16_t port) {
        RawConnection client(port);
        client.send(get("/hello"));
        return client.receive_response().status;
    }
};
EVERY_MODEL(Inherited);

/// A listening socket that programs started from here inherit.
struct Inheritable {
    Inheritable() : descriptor(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(descriptor, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(descriptor, 16), 0);
        ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
        port = ntohs(address.sin_port);
    }
    ~Inheritable() { close(); }
    void close() {
        if (descriptor >= 0) ::close(descriptor);
        descriptor = -1;
    }
    std::string directive() const { return "Listen fd:" + std::to_string(descriptor) + "\n"; }

    int descriptor;
    std::uint16_t port = 0;
};

TEST_P(Inherited, ListenerServes) {
    RunningOrigin origin;
    Inheritable socket;
    const std::string directives = socket.directive() + pass_all_to(origin);
    RunningProxy proxy(model(), directives);
    socket.close();
    EXPECT_EQ(get_status(proxy.port()), 200);
    EXPECT_EQ(get_status(socket.port), 200);
    EXPECT_EQ(proxy.run_again({"-t"}).exit_code, 0) << "who only checks has not inherited it";
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 1");
    EXPECT_EQ(get_status(socket.port), 200);
    proxy.signal(SIGUSR2);
    wait_until("for the new program", [&] {
        const std::string text = proxy.messages();
        return text.find("listening on") != text.rfind("listening on");
    });
    EXPECT_EQ(get_status(socket.port), 200);
    proxy.reconfigure(pass_all_to(origin));
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 3");
    wait_until("for it to be closed", [&] { return get_status(socket.port) == 0; });
    proxy.reconfigure(directives);
    proxy.signal(SIGHUP);
    proxy.wait_for_message("not a listening TCP socket");
    EXPECT_EQ(get_status(proxy.port()), 200);
    EXPECT_EQ(proxy.stop(), 0);
}

TEST_P(Inherited, DescriptorMustBeAListener) {
    const TemporaryFolder folder;
    const std::string file =
        folder.write("wrong.conf", "ServerName a.test\nListen fd:999\nErrorLog " +
                                       folder.file("error.log") + "\n");
    const Ran ran = run_headgate({"-f", file, "--mpm", model()});
    EXPECT_EQ(ran.exit_code, 1);
    EXPECT_NE(ran.err.find("descriptor 999 is not a listening TCP socket"), std::string::npos)
        << ran.err;
}

/// systemd's way: descriptors from 3 on, told by LISTEN_FDS, meant for the address that they have.
TEST_P(Inherited, ListenersOfSystemdServe) {
    RunningOrigin origin;
    Inheritable socket;
    const TemporaryFolder folder;
    const std::string file = folder.write(
        "systemd.conf", "ServerName a.test\nListen 127.0.0.1:" + std::to_string(socket.port) +
                            "\nErrorLog " + folder.file("error.log") + "\nStartServers 1\n" +
                            tls_if_tested(folder) + pass_all_to(origin));
    // The number of the process is the shell's, which the program takes over.
    const std::string number = std::to_string(socket.descriptor);
    const std::string script = "exec 3<&" + number + (number == "3" ? "" : " " + number + "<&-") +
                               "; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"";
    ChildProgram program(
        folder, "/bin/sh",
        {"-c", script, "sh", built_program("headgate"), "-f", file, "--mpm", model()});
    wait_until("for it to listen", [&] {
        return program.has_ended() || program.err().find("listening on") != std::string::npos;
    });
    ASSERT_FALSE(program.has_ended()) << program.err();
    socket.close();
    EXPECT_EQ(get_status(socket.port), 200);
    program.signal(SIGTERM);
    EXPECT_EQ(program.exit_code(), 0);
}

/// Whether a process has a writable mapping of exactly this size.
[[maybe_unused]] bool has_mapping(pid_t process, std::uint64_t octets) {
    std::ifstream maps("/proc/" + std::to_string(process) + "/maps");
    for (std::string line; std::getline(maps, line);) {
        std::uint64_t from = 0;
        std::uint64_t to = 0;
        char writable = 0;
        const int read = std::sscanf(line.c_str(), "%lx-%lx %*c%c", &from, &to, &writable);
        if (read == 3 && writable == 'w' && to - from == octets) return true;
    }
    return false;
}

/// The first thread has the process's own stack.
TEST(InheritedByThreads, ThreadStackSize) {
    constexpr std::uint64_t size = 3'158'016;  // nobody's default
    RunningOrigin origin;
    for (const char* model : {"worker", "event"}) {
        RunningProxy proxy(model, "ThreadsPerChild 2\nThreadStackSize " + std::to_string(size) +
                                      "\n" + pass_all_to(origin));
        wait_until("for its threads", [&] { return proxy.threads() == 3; });
#ifndef __SANITIZE_THREAD__  // which adds to the stacks of threads
        EXPECT_TRUE(has_mapping(proxy.children().front(), size)) << model;
#endif
    }
}

TEST_P(Inherited, CoreDumpDirectory) {
    RunningOrigin origin;
    const TemporaryFolder cores;
    const std::string folder = std::filesystem::canonical(cores.file(".")).string();
    std::filesystem::permissions(folder, std::filesystem::perms(0755));
    const bool is_root = ::geteuid() == 0;
    RunningProxy proxy(model(), "CoreDumpDirectory " + folder + "\n" +
                                    (is_root ? "User #12345\n" : "") + pass_all_to(origin));
    EXPECT_EQ(get_status(proxy.port()), 200);
    for (const pid_t child : proxy.children()) {
        const std::string process = "/proc/" + std::to_string(child);
        wait_until("for it to be there", [&] {
            std::error_code error;
            return std::filesystem::read_symlink(process + "/cwd", error) == folder;
        });
        // The kernel gives the files of a process that may not be dumped to root.
        struct stat facts {};
        wait_until("for dumps to be on", [&] {
            return ::stat((process + "/environ").c_str(), &facts) == 0 &&
                   facts.st_uid == (is_root ? 12345 : ::geteuid());
        });
    }
    EXPECT_EQ(proxy.run_again({"-t", "-c", "CoreDumpDirectory /dev/null"}).exit_code, 1);
}

}  // namespace
}  // namespace headgate
