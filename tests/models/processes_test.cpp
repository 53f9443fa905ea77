// Processes, seen from outside: how many there are, what the death of one costs, who replaces it.
// The rows are those of the table of observable behaviour that the models are built to.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

bool has(const std::vector<pid_t>& all, pid_t one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

void wait_until_gone(const RunningProxy& proxy, pid_t child) {
    wait_until("for child " + std::to_string(child) + " to be gone",
               [&] { return !has(proxy.children(), child); });
}

/// Answered by somebody, whoever that is.
void expect_an_answer(const RunningProxy& proxy) {
    RawConnection client(proxy.port());
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
}

// ---- how many

struct Counted {
    const char* name;
    const char* model;
    const char* directives;
    std::size_t children;
    unsigned threads;  // over all, the supervisor's one included
    const char* message;
};

const Counted counted[] = {
    {"row 1: prefork starts 5", "prefork", "StartServers 5\n", 5, 6, "5 processes with 1 thread"},
    {"row 1: worker starts 3 of 25", "worker",
     "StartServers 3\nThreadsPerChild 25\nMinSpareThreads 75\nMaxSpareThreads 250\n", 3, 76,
     "3 processes with 25 threads"},
    {"row 1, our rule: event has what is written", "event", "StartServers 3\nThreadsPerChild 2\n",
     3, 7, "3 processes with 2 threads"},
    {"row 2", "worker", "StartServers 3\nThreadsPerChild 8\nMaxRequestWorkers 20\n", 2, 17,
     "MaxRequestWorkers of 20 is not a multiple of ThreadsPerChild, lowering to 16"},
    {"row 2", "event", "StartServers 3\nThreadsPerChild 8\nMaxRequestWorkers 20\n", 2, 17,
     "MaxRequestWorkers of 20 is not a multiple of ThreadsPerChild, lowering to 16"},
    {"row 3", "worker", "ThreadsPerChild 100\nThreadLimit 64\n", 1, 65,
     "ThreadsPerChild of 100 exceeds ThreadLimit, lowering to 64"},
    {"row 3", "event", "ThreadsPerChild 100\nThreadLimit 64\n", 1, 65,
     "ThreadsPerChild of 100 exceeds ThreadLimit, lowering to 64"},
    {"row 5: 1, 2, 4, 8", "prefork", "StartServers 1\nMinSpareServers 8\nMaxSpareServers 20\n", 8,
     9, "1 process with 1 thread"},
    {"numbers that make no sense", "worker",
     "StartServers 0\nThreadsPerChild 4\nMinSpareThreads -1\nMaxSpareThreads 8\n", 1, 5,
     "StartServers below 1, raising to 1"},
    {"row 6: one fewer a second", "prefork",
     "StartServers 12\nMinSpareServers 2\nMaxSpareServers 10\n", 10, 11, "12 processes"},
};

TEST(Processes, AreAsManyAsConfigured) {
    RunningOrigin origin;
    for (const Counted& each : counted) {
        SCOPED_TRACE(std::string(each.name) + ", " + each.model);
        RunningProxy proxy(each.model, each.directives + pass_all_to(origin));
        proxy.wait_for_children(each.children);
        wait_until("for the threads", [&] { return proxy.threads() == each.threads; });
        EXPECT_NE(proxy.messages().find(each.message), std::string::npos) << proxy.messages();
        expect_an_answer(proxy);
    }
}

/// Row 7: a fourth child when too few threads are idle.
TEST(Processes, OfWorkerGrowWithTheLoad) {
    ScriptedOrigin origin;
    RunningProxy proxy("worker", "ThreadsPerChild 2\nMinSpareThreads 2\nMaxSpareThreads 8\n" +
                                     pass_all_to(origin));
    proxy.wait_for_children(1);
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_for_children(2);
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().content, "x");
}

/// Row 7, our rule: event grows when its threads run more than 80 % of the time, however many
/// exchanges are parked.
TEST(Processes, OfEventGrowWhenTheirThreadsRunAllTheTime) {
    RunningProxy proxy("event",
                       "MaxRequestWorkers 2\nMaxKeepAliveRequests 0\n"
                       "<Location /status>\nSetHandler server-status\n</Location>\n");
    std::vector<RawConnection> clients;
    for (int i = 0; i < 8; i++)
        clients.emplace_back(proxy.port());
    EXPECT_EQ(proxy.children().size(), 1u);
    std::string requests;
    for (int i = 0; i < 64; i++)
        requests += get("/status");
    wait_until("for a second child", [&] {
        for (RawConnection& each : clients) {
            each.send_until_blocked(requests);
            while (each.has_news() && !each.receive_some().empty())
                continue;
        }
        return proxy.children().size() == 2;
    });
}

/// Row 23, our rule: MaxConnections, not a factor of threads, is where event stops accepting; it
/// goes on when a connection ends.
TEST(Processes, OfEventAcceptUpToMaxConnections) {
    RunningOrigin origin;
    RunningProxy proxy("event",
                       "MaxConnections 4\nKeepAliveTimeout 60\n"
                       "AsyncRequestWorkerFactor 1\n" +
                           pass_all_to(origin));
    std::vector<RawConnection> clients;
    for (int i = 0; i < 4; i++) {
        clients.emplace_back(proxy.port());
        clients.back().send(get("/hello"));
        EXPECT_EQ(clients.back().receive_response().status, 200);
    }
    RawConnection next(proxy.port());
    next.send(get("/hello"));
    proxy.wait_until_parked();
    EXPECT_FALSE(next.has_news()) << "it waits to be accepted";
    clients.pop_back();
    EXPECT_EQ(next.receive_response().status, 200);
}

class Processes : public Behaviour {};
EVERY_MODEL(Processes);

// ---- the death of one

/// Row 9: only its connections are lost, it is replaced, and the log says who died of what.
TEST_P(Processes, LoseOnlyTheConnectionsOfOneThatIsKilled) {
    ScriptedOrigin origin;
    const char* two_by_two = "StartServers 2\nThreadsPerChild 2\nMaxRequestWorkers 4\n";
    RunningProxy proxy(model(), (model() == "prefork" ? threads_of(model(), 4) : two_by_two) +
                                    pass_all_to(origin));
    const std::size_t count = proxy.children().size();
    std::vector<RawConnection> clients;
    std::vector<RawConnection> upstreams;
    std::string head;
    for (int i = 0; i < 4; i++) {
        clients.emplace_back(proxy.port());
        clients.back().send(get("/"));
        upstreams.push_back(origin.accept_request(head));
    }
    const pid_t killed = proxy.children().front();
    ::kill(killed, SIGKILL);
    wait_until_gone(proxy, killed);
    proxy.wait_for_message("child " + std::to_string(killed) + " was ended by signal 9 (Killed)");
    proxy.wait_for_children(count);
    int lost = 0;
    for (std::size_t i = 0; i < clients.size(); i++) {
        if (upstreams[i].has_news()) {
            EXPECT_EQ(clients[i].receive_response().status, 0);
            EXPECT_NE(clients[i].end(), RawConnection::End::not_yet);
            lost++;
        } else {
            upstreams[i].send(ok("x", "Connection: close\r\n"));
            EXPECT_EQ(clients[i].receive_response().content, "x");
        }
    }
    if (keeps_threads(model())) {
        EXPECT_EQ(lost, model() == "prefork" ? 1 : 2);
    }
    RawConnection next(proxy.port());
    next.send(get("/"));
    origin.accept_request(head).send(ok("y"));
    EXPECT_EQ(next.receive_response().content, "y");
}

/// The crash brake: who dies before it ever accepted is replaced a second later, not at once. The
/// supervisor may be late for it, but never early.
TEST_P(Processes, ReplaceOneThatNeverAcceptedAfterAWhile) {
    RunningOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + pass_all_to(origin));
    for (int i = 0; i < 2; i++) {
        const pid_t killed = proxy.wait_for_children(1).front();
        const auto when = std::chrono::steady_clock::now();
        ::kill(killed, SIGKILL);
        wait_until_gone(proxy, killed);
        proxy.wait_for_children(1);
        EXPECT_GE(std::chrono::steady_clock::now() - when, std::chrono::seconds(1));
    }
    expect_an_answer(proxy);
}

constexpr uid_t other_user = 123457;

/// Lets a program of that user fork while its user has fewer processes than these.
bool limit_processes(pid_t program, rlim_t most) {
    const pid_t helper = ::fork();
    if (helper == 0) {
        rlimit limit{};
        const bool is_done =
            ::setuid(other_user) == 0 && ::prlimit(program, RLIMIT_NPROC, nullptr, &limit) == 0 &&
            (limit.rlim_cur = most, true) && ::prlimit(program, RLIMIT_NPROC, &limit, nullptr) == 0;
        ::_exit(is_done ? 0 : 1);
    }
    int status = 1;
    ::waitpid(helper, &status, 0);
    return status == 0;
}

/// What keeps children from being forked is said once, not for each of them at each try; then they
/// come back.
TEST_P(Processes, ComeBackWhenTheyCanBeForkedAgain) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can have it run as another user";
    const TemporaryFolder folder;
    std::filesystem::permissions(folder.file("."), std::filesystem::perms(0777));
    std::filesystem::copy_file(built_program("headgate"), folder.file("headgate"));
    const std::string file = folder.write(
        "headgate.conf", "ServerName a.test\nErrorLog /dev/stderr\nListen 127.0.0.1:" +
                             std::to_string(free_port()) + "\nMPM " + model() + "\n" +
                             (model() == "prefork" ? threads_of(model(), 5)
                                                   : "StartServers 5\nMaxRequestWorkers 10\n"
                                                     "ThreadsPerChild 2\n"));
    ChildProgram program(folder, "/usr/bin/setpriv",
                         {"--reuid", std::to_string(other_user), "--clear-groups",
                          folder.file("headgate"), "-f", file});
    const auto all = [&](std::size_t count) {
        std::vector<pid_t> children;
        wait_until("for " + std::to_string(count) + " children", [&] {
            children.clear();
            const std::string number = std::to_string(program.pid());
            std::ifstream list("/proc/" + number + "/task/" + number + "/children");
            for (pid_t child = 0; list >> child;)
                children.push_back(child);
            return children.size() == count;
        });
        return children;
    };
    wait_until("for a start", [&] { return program.err().find("listening") != std::string::npos; });
    const std::vector<pid_t> children = all(5);
    ASSERT_TRUE(limit_processes(program.pid(), 1));
    for (const pid_t child : children)
        ::kill(child, SIGKILL);
    wait_until("for the reason", [&] {
        return program.err().find("cannot fork a child: Resource temporarily unavailable\n") !=
               std::string::npos;
    });
    all(0);
    ASSERT_TRUE(limit_processes(program.pid(), 1000));
    all(5);
    const std::string said = program.err();
    EXPECT_EQ(said.find("cannot fork"), said.rfind("cannot fork")) << said;
    EXPECT_NE(said.find("children can be forked again\n"), std::string::npos) << said;
    program.signal(SIGTERM);
    EXPECT_EQ(program.exit_code(), 0);
}

/// Row 8: counted in connections, not in requests; the next one is another child's.
TEST_P(Processes, EndAfterMaxConnectionsPerChild) {
    RunningOrigin origin;
    RunningProxy proxy(model(),
                       one_thread(model()) + "MaxConnectionsPerChild 3\n" + pass_all_to(origin));
    const pid_t first = proxy.wait_for_children(1).front();
    for (int i = 0; i < 3; i++) {
        EXPECT_TRUE(has(proxy.children(), first));
        RawConnection client(proxy.port());
        for (int j = 0; j < 4; j++) {
            client.send(get("/hello"));
            const Response response = client.receive_response();
            EXPECT_EQ(response.status, 200);
            if (response.field("Connection") == "close") break;  // the third: it drains
        }
    }
    expect_an_answer(proxy);
    wait_until_gone(proxy, first);
    EXPECT_EQ(proxy.wait_for_children(1).size(), 1u);
}

/// And it is replaced before what it still has in hand is over.
TEST_P(Processes, AreReplacedWhileTheyDrain) {
    RunningOrigin quick;
    ScriptedOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) +
                                    "MaxConnectionsPerChild 1\nProxyPass /hello http://" +
                                    quick.address() + "/hello\n" + pass_all_to(origin));
    const pid_t first = proxy.wait_for_children(1).front();
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    expect_an_answer(proxy);
    EXPECT_TRUE(has(proxy.children(), first));
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().content, "x");
    client.close();
    wait_until_gone(proxy, first);
}

/// A supervisor that is killed leaves no orphan that shares its port: children finish what they
/// have and take no more, and the address is free at once.
TEST_P(Processes, DrainWhenTheSupervisorIsKilled) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    const std::vector<pid_t> children = proxy.children();
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.kill_supervisor();
    wait_until("for the address to be free", [&] {
        RawConnection late(proxy.port());
        return late.receive_end() == RawConnection::End::reset;
    });
    const auto alive = std::count_if(children.begin(), children.end(), is_alive);
    EXPECT_GE(alive, 1) << "the exchange goes on";
    RunningOrigin quick;
    const TemporaryFolder folder;
    const std::string file = folder.write(
        "again.conf", "Listen 127.0.0.1:" + std::to_string(proxy.port()) + "\nServerName a.test\n" +
                          "StartServers 1\nErrorLog " + folder.file("error.log") + "\n" +
                          tls_if_tested(folder) + pass_all_to(quick));
    {
        ChildProgram again(folder, built_program("headgate"), {"-f", file, "--mpm", model()});
        wait_until("for the next one to listen",
                   [&] { return again.err().find("listening on") != std::string::npos; });
        expect_an_answer(proxy);
        upstream.send(ok("x"));
        EXPECT_EQ(client.receive_response().content, "x");
        client.close();
        again.signal(SIGTERM);
        EXPECT_EQ(again.exit_code(), 0);
    }
    wait_until("for the children to be gone",
               [&] { return std::none_of(children.begin(), children.end(), is_alive); });
}

/// A child that can never start ends the program, and its exit code says so.
TEST_P(Processes, EndTheProgramWhenTheyCannotStart) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    const TemporaryFolder folder;
    const std::string file =
        folder.write("nobody.conf", "Listen 127.0.0.1:" + std::to_string(free_port()) +
                                        "\nServerName a.test\nUser no-such-user\nErrorLog " +
                                        folder.file("error.log") + "\n");
    const Ran ran = run_headgate({"-f", file, "--mpm", model()});
    EXPECT_EQ(ran.exit_code, 1) << ran.err;
    EXPECT_NE(ran.err.find("no-such-user"), std::string::npos) << ran.err;
}

/// Row 20, 21: nothing is left of an ended program, and its PidFile went when it began to end.
TEST_P(Processes, AreGoneWhenTheProgramEnds) {
    for (const int signal : {SIGTERM, SIGQUIT}) {
        ScriptedOrigin origin;
        RunningProxy proxy(model(), pass_all_to(origin));
        EXPECT_EQ(proxy.pid_in_file(), proxy.pid());
        const std::vector<pid_t> children = proxy.children();
        RawConnection client(proxy.port());
        client.send(get("/"));
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        proxy.signal(signal);
        proxy.wait_for_message("draining");
        wait_until("for the PidFile to go", [&] { return proxy.pid_in_file() == 0; });
        wait_until("for connections to be refused", [&] {
            RawConnection late(proxy.port());
            return late.receive_end() == RawConnection::End::reset;
        });
        upstream.send(ok("x"));
        EXPECT_EQ(client.receive_response().content, "x");
        client.close();
        EXPECT_EQ(proxy.exit_code(), 0);
        EXPECT_TRUE(std::none_of(children.begin(), children.end(), is_alive));
    }
}

}  // namespace
}  // namespace headgate
