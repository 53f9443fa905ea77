// System calls of one exchange on persistent connections, counted by strace on the real program.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include "tests/support/origins.h"
#include "tests/support/raw_connection.h"
#include "tests/support/running_proxy.h"
#include "tests/support/temporary_folder.h"

namespace headgate {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool measures = false;
#else
constexpr bool measures = true;
#endif

/// strace on every thread of a process, for as long as it lives.
class CallCounter {
public:
    explicit CallCounter(pid_t process) : process_(process), file_(folder_.file("calls")) {
        tracer_ = ::fork();
        if (tracer_ == 0) {
            const int quiet = ::open("/dev/null", O_WRONLY);
            ::dup2(quiet, STDERR_FILENO);
            ::execlp("strace", "strace", "-f", "-c", "-o", file_.c_str(), "-p",
                     std::to_string(process).c_str(), nullptr);
            ::_exit(127);
        }
    }
    /// Waits until every thread is traced; false when strace ends instead.
    bool wait_until_attached() const {
        for (int i = 0; i < 500; i++) {
            if (::waitpid(tracer_, nullptr, WNOHANG) == tracer_) return false;
            if (is_attached()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
    /// Ends the count: calls by name.
    std::map<std::string, double> calls() {
        ::kill(tracer_, SIGINT);
        ::waitpid(tracer_, nullptr, 0);
        std::map<std::string, double> counts;
        std::ifstream file(file_);
        std::string line;
        while (std::getline(file, line)) {
            // % time, seconds, usecs/call, calls, errors (may be missing), syscall
            std::istringstream words(line);
            double share, seconds, each, calls;
            std::string word, name;
            if (!(words >> share >> seconds >> each >> calls)) continue;
            while (words >> word)
                name = word;
            if (name != "total") counts[name] = calls;
        }
        return counts;
    }

private:
    bool is_attached() const {
        const std::string tasks = "/proc/" + std::to_string(process_) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            std::ifstream status(task.path() / "status");
            std::string line;
            while (std::getline(status, line)) {
                if (line.rfind("TracerPid:", 0) == 0 &&
                    line.find_first_of("123456789") == line.npos) {
                    return false;
                }
            }
        }
        return true;
    }

    support::TemporaryFolder folder_;
    pid_t process_;
    std::string file_;
    pid_t tracer_ = -1;
};

TEST(Budget, system_calls_of_an_exchange) {
    if (!measures) GTEST_SKIP() << "sanitizers make calls of their own";
    constexpr int count = 1000;
    const support::RunningOrigin origin;
    support::RunningProxy proxy("event",
                                "ThreadsPerChild 1\nMaxKeepAliveRequests 0\nProxyPass / http://" +
                                    origin.address() + "/\n");
    support::RawConnection client(proxy.port());
    const std::string request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    const auto exchange = [&] {
        client.send(request);
        return client.receive_response();
    };
    for (int i = 0; i < 10; i++)
        exchange();
    CallCounter counter(proxy.wait_for_children(1)[0]);
    ASSERT_TRUE(counter.wait_until_attached()) << "strace is needed: apt-get install strace";
    for (int i = 0; i < count; i++)
        exchange();
    std::map<std::string, double> calls = counter.calls();
    const double reads =
        (calls["recvfrom"] + calls["recvmsg"] + calls["readv"] + calls["read"]) / count;
    const double writes = (calls["sendmsg"] + calls["sendto"] + calls["writev"]) / count;
    std::printf(
        "system calls per exchange: reads %.2f, writes %.2f, log writes %.2f, epoll_wait %.2f, "
        "epoll_ctl %.2f\n",
        reads, writes, calls["write"] / count, calls["epoll_wait"] / count,
        calls["epoll_ctl"] / count);
    for (const auto& [name, number] : calls) {
        if (number / count >= 0.05) std::printf("  %-16s %.2f\n", name.c_str(), number / count);
    }
    EXPECT_GT(reads, 1.9) << "was anything counted?";
    EXPECT_LE(reads, 2.1);
    EXPECT_LE(writes, 2.1);
}

}  // namespace
}  // namespace headgate
