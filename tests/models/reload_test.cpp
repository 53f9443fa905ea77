// A new configuration, a new program, and what is told to a running one: nothing in hand is lost,
// and what is wrong changes nothing.
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

constexpr const char* broken = "KeepAlive maybe\n";

std::size_t times(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at++)
        count++;
    return count;
}

bool share_one(const std::vector<pid_t>& left, const std::vector<pid_t>& right) {
    return std::any_of(left.begin(), left.end(), [&](pid_t each) {
        return std::find(right.begin(), right.end(), each) != right.end();
    });
}

/// A proxy with one response in flight, and a quick path beside it.
class Reload : public Behaviour {
protected:
    std::string directives(const std::string& more = "") {
        return more + "ProxyPass /hello http://" + quick.address() + "/hello\n" +
               pass_all_to(origin);
    }
    /// Half a response is there.
    std::string begin(RawConnection& client) {
        client.send(get("/"));
        std::string head;
        upstream.emplace_back(origin.accept_request(head));
        upstream.back().send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf");
        const std::string received = client.receive_head();
        EXPECT_EQ(client.receive(4), "half");
        return received;
    }
    static std::string marked(const std::string& generation) {
        return "Header set X-Generation " + generation + "\n";
    }
    /// The same, on a child of the generation that is marked so: those that drain may take some of
    /// the connections that came before they knew.
    RawConnection begin_on(const RunningProxy& proxy, const std::string& generation) {
        while (true) {
            RawConnection client(proxy.port());
            const std::string head = begin(client);
            if (head.find("X-Generation: " + generation) != std::string::npos) return client;
            end(client);
        }
    }
    void end(RawConnection& client) {
        upstream.back().send("-end");
        EXPECT_EQ(client.receive(4), "-end");
    }
    static void expect_quick(const RunningProxy& proxy) {
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, 200);
    }
    static void wait_until_gone(const std::vector<pid_t>& children) {
        wait_until("for the old children to be gone",
                   [&] { return std::none_of(children.begin(), children.end(), is_alive); });
    }

    RunningOrigin quick;
    ScriptedOrigin origin;
    std::vector<RawConnection> upstream;
};
EVERY_MODEL(Reload);

/// Row 19: by signal or by word.
TEST_P(Reload, LetsAResponseFinishAndServesAnew) {
    const char* words[] = {"", "graceful", "restart"};
    for (const std::string word : words) {
        SCOPED_TRACE("by " + (word.empty() ? "HUP" : "-k " + word));
        RunningProxy proxy(model(), directives());
        const std::vector<pid_t> old = proxy.children();
        RawConnection client(proxy.port());
        begin(client);
        proxy.reconfigure(directives("Header set X-Generation second\n"));
        if (word.empty()) {
            proxy.signal(SIGHUP);
        } else {
            EXPECT_EQ(proxy.run_again({"-k", word}).exit_code, 0);
        }
        proxy.wait_for_message("reloaded: generation 1");
        wait_until("for the new generation to answer", [&] {
            RawConnection other(proxy.port());
            other.send(get("/hello"));
            return other.receive_response().field("X-Generation") == "second";
        });
        EXPECT_TRUE(share_one(old, proxy.children())) << "one still has the response in hand";
        EXPECT_EQ(proxy.pid_in_file(), proxy.pid());
        end(client);
        client.close();
        wait_until_gone(old);
        EXPECT_FALSE(proxy.children().empty());
        expect_quick(proxy);
        EXPECT_EQ(proxy.stop(), 0);
    }
}

/// A connection between two requests is not cut: it may send one more (RFC 9112 section 9.3.1).
TEST_P(Reload, LeavesAnIdleConnectionOneMoreRequest) {
    RunningProxy proxy(model(), directives());
    RawConnection client(proxy.port());
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 1");
    proxy.wait_until_parked();
    client.send(get("/hello"));
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.field("Connection"), "close");
}

/// Row 22: by signal and by word; the old configuration goes on, under the same children.
TEST_P(Reload, RefusesAConfigurationWithErrors) {
    RunningProxy proxy(model(), directives());
    const std::vector<pid_t> old = proxy.children();
    RawConnection client(proxy.port());
    begin(client);
    proxy.reconfigure(directives(broken));
    for (const char* word : {"graceful", "restart"}) {
        const Ran ran = proxy.run_again({"-k", word});
        EXPECT_EQ(ran.exit_code, 1);
        EXPECT_NE(ran.err.find("\"maybe\" is not a value for KeepAlive"), std::string::npos)
            << ran.err;
        EXPECT_EQ(proxy.messages().find("maybe"), std::string::npos) << "it did not hear of it";
    }
    proxy.signal(SIGHUP);
    proxy.wait_for_message("the running configuration was not changed");
    EXPECT_NE(proxy.messages().find("\"maybe\" is not a value for KeepAlive"), std::string::npos);
    EXPECT_TRUE(share_one(old, proxy.children()));
    EXPECT_EQ(proxy.messages().find("reloaded"), std::string::npos);
    expect_quick(proxy);
    end(client);
    EXPECT_EQ(proxy.stop(), 0);
}

/// Row 4: what is fixed at the first start is kept, and that is said.
TEST_P(Reload, KeepsServerLimit) {
    RunningProxy proxy(model(), directives("ServerLimit 8\nMutex default\n"));
    proxy.reconfigure(directives("ServerLimit 9\nMutex default\n"));
    proxy.signal(SIGUSR1);
    proxy.wait_for_message("changing ServerLimit from 8 to 9 needs a restart, keeping 8");
    proxy.wait_for_message("reloaded: generation 1");
    expect_quick(proxy);
    proxy.signal(SIGUSR1);
    proxy.wait_for_message("reloaded: generation 2");
    for (const char* warning : {"changing ServerLimit", "no effect in Headgate: Mutex"}) {
        EXPECT_EQ(times(proxy.messages(), warning), 1u) << "once, not for each reload";
    }
}

/// Who is forked when the logs were reopened writes to the new ones, also when the reload that was
/// asked for with it is refused.
TEST_P(Reload, ReopensTheLogsOfChildrenToCome) {
    RunningProxy proxy(model(), one_thread(model()) + directives());
    expect_quick(proxy);
    proxy.access_log(1);
    proxy.move_access_log();
    proxy.reconfigure(directives(broken));
    proxy.signal(SIGUSR1);
    proxy.wait_for_message("the running configuration was not changed");
    const std::vector<pid_t> old = proxy.children();
    for (const pid_t each : old)
        ::kill(each, SIGKILL);
    wait_until_gone(old);
    expect_quick(proxy);
    EXPECT_EQ(proxy.access_log(1).size(), 1u);
}

TEST_P(Reload, OpensAndClosesAddresses) {
    RunningProxy proxy(model(), directives());
    proxy.reconfigure(directives("Listen 127.0.0.1:${PORT2}\n"));
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 1");
    RawConnection client(proxy.second_port());
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
    client.close();
    proxy.reconfigure(directives());
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 2");
    wait_until("for the address to be closed", [&] {
        RawConnection late(proxy.second_port());
        late.send(get("/hello"));  // an old child may still take it
        return late.receive_response().status == 0;
    });
    expect_quick(proxy);
}

/// Fewer loops than at the first start: none of the sockets is left without anybody.
TEST_P(Reload, ServesEverySocketWithFewerLoops) {
    const char* more = "StartServers 4\nThreadsPerChild 1\n";
    RunningProxy proxy(model(), directives(more));
    const std::vector<pid_t> old = proxy.wait_for_children(4);
    proxy.reconfigure(directives("StartServers 1\nThreadsPerChild 1\n"));
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 1");
    wait_until_gone(old);
    for (int i = 0; i < 32; i++)
        expect_quick(proxy);
}

TEST_P(Reload, SurvivesManyInARow) {
    RunningProxy proxy(model(), directives());
    RawConnection client(proxy.port());
    begin(client);
    for (int i = 0; i < 20; i++) {
        proxy.signal(SIGHUP);
        expect_quick(proxy);
    }
    end(client);
    client.close();
    EXPECT_EQ(proxy.stop(), 0);
}

/// What is drained is cut when its time is over, in a reload as at the end.
TEST_P(Reload, IsBoundedByGracefulShutdownTimeout) {
    RunningProxy proxy(model(), directives("GracefulShutdownTimeout 1\n"));
    const std::vector<pid_t> old = proxy.children();
    RawConnection client(proxy.port());
    begin(client);
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 1");
    EXPECT_EQ(client.receive_rest(), "");
    wait_until_gone(old);
    expect_quick(proxy);
}

/// From any model to any other: what is fixed at the first start leaves room for all.
TEST(ReloadOfModel, GoesFromAnyToAny) {
    RunningOrigin quick;
    for (const std::string from : models_built) {
        for (const std::string to : models_built) {
            SCOPED_TRACE(from + " to " + to);
            const TemporaryFolder folder;
            const std::uint16_t port = free_port();
            const auto write = [&](const std::string& model) {
                return folder.write(
                    "headgate.conf",
                    "ServerName proxy.test\nListen 127.0.0.1:" + std::to_string(port) +
                        "\nErrorLog " + folder.file("error.log") + "\nStartServers 1\n" +
                        (model == "worker" ? "ThreadsPerChild 8\nMinSpareThreads 1\n" : "") +
                        "MPM " + model + "\nMinSpareServers 1\n<Location /status>\n" +
                        "SetHandler server-status\n</Location>\n" + tls_if_tested(folder) +
                        pass_all_to(quick));
            };
            ChildProgram program(folder, built_program("headgate"), {"-f", write(from)});
            const auto ask = [&] {
                RawConnection client(port);
                client.send(get("/status?auto"));
                return client.receive_response().content;
            };
            wait_until("for the first generation",
                       [&] { return ask().find("ServerMPM: " + from) != std::string::npos; });
            write(to);
            program.signal(SIGHUP);
            wait_until("for the second", [&] {
                return ask().find("ServerMPM: " + to + "\n") != std::string::npos &&
                       program.err().find("reloaded: generation 1") != std::string::npos;
            });
            if (to == "worker") {
                wait_until("for its threads", [&] {
                    const std::string text = ask();
                    return text.find("Processes: 1\n") != std::string::npos &&
                           text.find("IdleWorkers: 7\n") != std::string::npos;
                });
            }
            EXPECT_EQ(program.err().find("ThreadLimit"), std::string::npos) << program.err();
            program.signal(SIGTERM);
            EXPECT_EQ(program.exit_code(), 0);
        }
    }
}

// ---- another program

/// USR2: the program is replaced in its process; sockets, and what is in hand, stay.
TEST_P(Reload, ReplacesTheProgramInItsProcess) {
    RunningProxy proxy(model(), directives());
    const std::vector<pid_t> old = proxy.children();
    RawConnection client(proxy.port());
    begin(client);
    proxy.reconfigure(directives("Header set X-Generation second\n"));
    proxy.signal(SIGUSR2);
    wait_until("for the new program to listen",
               [&] { return times(proxy.messages(), "listening on") == 2; });
    wait_until("for it to answer", [&] {
        RawConnection other(proxy.port());
        other.send(get("/hello"));
        return other.receive_response().field("X-Generation") == "second";
    });
    EXPECT_TRUE(share_one(old, proxy.children()));
    EXPECT_EQ(proxy.pid_in_file(), proxy.pid());
    end(client);
    client.close();
    wait_until_gone(old);
    EXPECT_FALSE(proxy.has_ended());
    expect_quick(proxy);
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 2");
    expect_quick(proxy);
    EXPECT_EQ(proxy.stop(), 0);
}

/// The new program shows what it can before the old one is gone: -t would not be enough.
TEST_P(Reload, KeepsTheProgramWhenTheNewOneCannotStart) {
    const ScriptedOrigin other;
    const std::string wrong[] = {broken, "ErrorLog /nowhere/headgate/error.log\n",
                                 "Listen " + other.address() + "\n"};
    RunningProxy proxy(model(), directives());
    std::size_t refused = 0;
    for (const std::string& each : wrong) {
        SCOPED_TRACE(each);
        proxy.reconfigure(directives(each));
        EXPECT_EQ(proxy.run_again({"-t"}).exit_code, each == broken ? 1 : 0);
        proxy.signal(SIGUSR2);
        refused++;
        wait_until("for the new program to be refused", [&] {
            return times(proxy.messages(), "the new program cannot start; this one goes on") ==
                   refused;
        });
        expect_quick(proxy);
    }
    EXPECT_EQ(times(proxy.messages(), "listening on"), 1u);
    EXPECT_EQ(proxy.stop(), 0);
}

/// Nor is -t what decides: a program that says yes to it and then ends is not let in.
TEST_P(Reload, KeepsTheProgramWhenAnotherOneIsInItsPlace) {
    const TemporaryFolder folder;
    const std::string program = folder.file("headgate");
    std::filesystem::copy_file(built_program("headgate"), program);
    const std::uint16_t port = free_port();
    const std::string file = folder.write(
        "headgate.conf", "ServerName proxy.test\nListen 127.0.0.1:" + std::to_string(port) +
                             "\nErrorLog " + folder.file("error.log") + "\n" +
                             tls_if_tested(folder) + directives());
    ChildProgram running(folder, program, {"-f", file, "--mpm", model()});
    wait_until("for it to listen",
               [&] { return running.err().find("listening on") != std::string::npos; });
    const std::string other = folder.write(
        "other", "#!/bin/sh\nfor word; do [ \"$word\" = -t ] && exit 0; done\nexit 7\n");
    std::filesystem::permissions(other, std::filesystem::perms(0755));
    std::filesystem::rename(other, program);
    running.signal(SIGUSR2);
    wait_until("for the new program to be refused", [&] {
        return running.err().find("the new program cannot start") != std::string::npos;
    });
    RawConnection client(port);
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
    client.close();
    running.signal(SIGTERM);
    EXPECT_EQ(running.exit_code(), 0);
}

/// The words by which it was started do not get in the way: -k start starts nothing twice.
TEST_P(Reload, ReplacesAProgramThatWasStartedByWord) {
    const TemporaryFolder folder;
    const std::uint16_t port = free_port();
    const std::string file =
        folder.write("headgate.conf",
                     "ServerName proxy.test\nListen 127.0.0.1:" + std::to_string(port) +
                         "\nErrorLog " + folder.file("error.log") + "\nPidFile " +
                         folder.file("headgate.pid") + "\n" + tls_if_tested(folder) + directives());
    ChildProgram running(folder, built_program("headgate"),
                         {"-f", file, "--mpm", model(), "-k", "start"});
    for (std::size_t i = 1; i <= 2; i++) {
        wait_until("for it to listen", [&] { return times(running.err(), "listening on") == i; });
        RawConnection client(port);
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, 200);
        running.signal(i == 1 ? SIGUSR2 : SIGTERM);
    }
    EXPECT_EQ(running.exit_code(), 0);
}

/// Replacing the program leaves no more generations behind than reloading does.
TEST_P(Reload, BoundsGenerationsAcrossPrograms) {
    RunningProxy proxy(model(), directives(marked("1")));
    std::vector<RawConnection> clients;
    const auto programs = [&] { return times(proxy.messages(), "listening on"); };
    for (std::size_t i = 1; i <= 3; i++) {
        wait_until("for the next program", [&] { return programs() == i; });
        clients.push_back(begin_on(proxy, std::to_string(i)));
        proxy.reconfigure(directives(marked(std::to_string(i + 1))));
        proxy.signal(SIGUSR2);
    }
    const pid_t killed = proxy.children().back();
    ::kill(killed, SIGKILL);
    proxy.wait_for_message("child " + std::to_string(killed) + " was ended");
    EXPECT_EQ(programs(), 3u) << "the third waits";
    for (RawConnection& each : upstream)
        each.send("-end");
    EXPECT_EQ(clients.front().receive(4), "-end");
    clients.front().close();
    wait_until("for the third", [&] { return programs() == 4; });
    expect_quick(proxy);
}

// ---- words

TEST_P(Reload, EndsByWord) {
    for (const std::vector<std::string>& words : {std::vector<std::string>{"-k", "stop"},
                                                  {"-k", "graceful-stop"},
                                                  {"-s", "quit"},
                                                  {"-s", "stop"}}) {
        RunningProxy proxy(model(), directives());
        const Ran ran = proxy.run_again(words);
        EXPECT_EQ(ran.exit_code, 0) << ran.err;
        EXPECT_EQ(proxy.exit_code(), 0);
        const Ran again = proxy.run_again(words);
        EXPECT_EQ(again.exit_code, 4) << "there is nobody any more";
        EXPECT_NE(again.err.find("not running"), std::string::npos) << again.err;
    }
}

TEST_P(Reload, ByNginxsWord) {
    RunningProxy proxy(model(), directives());
    EXPECT_EQ(proxy.run_again({"-s", "reload"}).exit_code, 0);
    proxy.wait_for_message("reloaded: generation 1");
    expect_quick(proxy);
    EXPECT_EQ(proxy.run_again({"-k", "start"}).exit_code, 1) << "it runs already";
    EXPECT_EQ(proxy.run_again({"-k", "halt"}).exit_code, 2);
    EXPECT_EQ(proxy.stop(), 0);
}

}  // namespace
}  // namespace headgate
