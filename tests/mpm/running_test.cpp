// PidFile, and telling the program that it names what to do.
#include "mpm/running.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mpm/pid_file.h"
#include "tests/support/temporary_folder.h"

namespace headgate::mpm {
namespace {

Settings with_pid_file(const std::string& path, const std::string& root = "") {
    Settings settings;
    settings.pid_file.write(path);
    settings.server_root.write(root);
    return settings;
}

/// A process that waits to be ended by a signal.
class Sleeper {
public:
    Sleeper() : pid_(::fork()) {
        while (pid_ == 0)
            ::pause();
    }
    ~Sleeper() { end(SIGKILL); }
    pid_t pid() const { return pid_; }
    /// The signal that ended it.
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, 0), &status, 0);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
    void end(int signal) {
        if (pid_ == 0) return;
        ::kill(pid_, signal);
        wait();
    }

private:
    pid_t pid_;
};

TEST(PidFile, is_there_as_long_as_the_program_serves) {
    const support::TemporaryFolder folder;
    const Settings settings = with_pid_file("run.pid", folder.file(""));
    EXPECT_EQ(pid_file_path(settings), folder.file("") + "/run.pid");
    {
        const PidFile file(settings, [](const std::string& text) { ADD_FAILURE() << text; });
        EXPECT_EQ(folder.read("run.pid"), std::to_string(::getpid()) + "\n");
    }
    EXPECT_EQ(folder.read("run.pid"), "");
    EXPECT_NE(::access(folder.file("run.pid").c_str(), F_OK), 0);
}

TEST(PidFile, is_not_written_unless_it_is_asked_for) {
    EXPECT_EQ(pid_file_path(Settings{}), "");
}

TEST(PidFile, warns_when_it_cannot_be_written) {
    std::string said;
    const PidFile file(with_pid_file("/nowhere/at/all.pid"),
                       [&](const std::string& text) { said = text; });
    EXPECT_EQ(said, "warning: cannot write PidFile /nowhere/at/all.pid");
}

TEST(RunningProcess, is_another_one_that_lives) {
    const support::TemporaryFolder folder;
    EXPECT_EQ(running_process(folder.file("none")), 0);
    EXPECT_EQ(running_process(folder.write("words", "nonsense\n")), 0);
    EXPECT_EQ(running_process(folder.write("zero", "0\n")), 0);
    EXPECT_EQ(running_process(folder.write("minus", "-1\n")), 0) << "that would be everybody";
    const std::string own = std::to_string(::getpid());
    EXPECT_EQ(running_process(folder.write("own", own)), 0) << "left by an earlier life";
    Sleeper sleeper;
    const std::string file = folder.write("sleeper", std::to_string(sleeper.pid()));
    EXPECT_EQ(running_process(file), sleeper.pid());
    sleeper.end(SIGKILL);
    EXPECT_EQ(running_process(file), 0);
}

TEST(Order, has_apaches_words_and_nginxs) {
    const struct {
        const char* word;
        Order order;
        bool reads;
    } words[] = {
        {"start", Order::start, true},         {"stop", Order::stop, false},
        {"quit", Order::graceful_stop, false}, {"graceful-stop", Order::graceful_stop, false},
        {"graceful", Order::graceful, true},   {"reload", Order::graceful, true},
        {"restart", Order::restart, true},     {"reopen", Order::reopen, true},
    };
    for (const auto& each : words) {
        EXPECT_EQ(order_named(each.word), each.order) << each.word;
        EXPECT_EQ(reads_configuration(each.order), each.reads) << each.word;
    }
    EXPECT_FALSE(order_named("halt"));
    EXPECT_FALSE(order_named(""));
}

TEST(TellRunning, sends_the_signal_of_the_order) {
    const std::pair<Order, int> orders[] = {
        {Order::stop, SIGTERM},   {Order::graceful_stop, SIGQUIT}, {Order::graceful, SIGUSR1},
        {Order::restart, SIGHUP}, {Order::reopen, SIGUSR1},
    };
    const support::TemporaryFolder folder;
    for (const auto& [order, signal] : orders) {
        Sleeper sleeper;
        const std::string file = folder.write("run.pid", std::to_string(sleeper.pid()));
        std::string text;
        EXPECT_EQ(tell_running(with_pid_file(file), order, text), Told::sent) << text;
        EXPECT_EQ(sleeper.wait(), signal);
    }
}

TEST(TellRunning, says_why_nobody_heard) {
    std::string text;
    EXPECT_EQ(tell_running(Settings{}, Order::stop, text), Told::failed);
    EXPECT_EQ(text, "the configuration has no PidFile, by which a running Headgate is found");
    EXPECT_EQ(tell_running(with_pid_file("/nowhere.pid"), Order::stop, text), Told::not_running);
    EXPECT_EQ(text, "not running (no process for /nowhere.pid)");
}

}  // namespace
}  // namespace headgate::mpm
