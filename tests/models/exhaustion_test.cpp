// What runs out: descriptors, slots, room for logs. "Survived" means: exchanges that are under way
// go on, nothing crashes, what was missing is said and counted, and service is back when it is.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/support/behaviour.h"
#include "tests/support/temporary_folder.h"

namespace headgate {
namespace {

using namespace support;

class Exhaustion : public Behaviour {};
EVERY_MODEL(Exhaustion);

std::size_t count_of(const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size())
        count++;
    return count;
}

/// The lowest number that is not in use: what the process's next descriptor would get.
rlim_t next_descriptor(pid_t process) {
    const std::string folder = "/proc/" + std::to_string(process) + "/fd/";
    rlim_t number = 0;
    while (std::filesystem::is_symlink(folder + std::to_string(number)))
        number++;
    return number;
}

/// Lets a process open no descriptor beyond those it has, for as long as this lives.
class NoMoreFiles {
public:
    explicit NoMoreFiles(pid_t process) : process_(process) {
        rlimit limit{};
        ::prlimit(process_, RLIMIT_NOFILE, nullptr, &before_);
        limit.rlim_cur = next_descriptor(process);
        limit.rlim_max = before_.rlim_max;
        EXPECT_EQ(::prlimit(process_, RLIMIT_NOFILE, &limit, nullptr), 0);
    }
    ~NoMoreFiles() { ::prlimit(process_, RLIMIT_NOFILE, &before_, nullptr); }
    NoMoreFiles(const NoMoreFiles&) = delete;
    NoMoreFiles& operator=(const NoMoreFiles&) = delete;

private:
    pid_t process_;
    rlimit before_{};
};

/// However many threads and processes would say it.
TEST_P(Exhaustion, OfDescriptorsIsSaidOnceASecond) {
    RunningOrigin origin;
    RunningProxy proxy(model(), threads_of(model(), 4) + pass_all_to(origin));
    RawConnection early(proxy.port());
    early.send(get("/hello"));
    EXPECT_EQ(early.receive_response().status, 200);
    proxy.wait_until_parked();
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::unique_ptr<NoMoreFiles>> limits;
    for (const pid_t child : proxy.wait_for_children(model() == "prefork" ? 4 : 1))
        limits.push_back(std::make_unique<NoMoreFiles>(child));
    std::vector<std::unique_ptr<RawConnection>> waiting;
    for (int i = 0; i < 10; i++)
        waiting.push_back(std::make_unique<RawConnection>(proxy.port()));
    const std::string line = "HG0301: ";
    wait_until("for three lines", [&] { return count_of(proxy.error_log(line), line) >= 3; });
    const std::size_t lines = count_of(proxy.error_log(), line);
    const auto time = std::chrono::steady_clock::now() - begin;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time).count();
    EXPECT_LE(lines, static_cast<std::size_t>(seconds) + 1);
}

TEST_P(Exhaustion, OfDescriptorsPausesAccepting) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), threads_of(model(), 2) + pass_all_to(origin));
    RawConnection busy(proxy.port());
    busy.send(get("/busy"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    std::vector<std::unique_ptr<NoMoreFiles>> limits;
    for (const pid_t child : proxy.children())
        limits.push_back(std::make_unique<NoMoreFiles>(child));
    std::vector<std::unique_ptr<RawConnection>> waiting;
    for (int i = 0; i < 10; i++)
        waiting.push_back(std::make_unique<RawConnection>(proxy.port()));
    proxy.error_log("HG0301: no more connections are accepted for now");
    upstream.send(ok("done", "Connection: close\r\n"));
    EXPECT_EQ(busy.receive_response().content, "done");
    busy.close();
    limits.clear();
    waiting.clear();
    RawConnection late(proxy.port());
    late.send(get("/late"));
    RawConnection again = origin.accept_request(head);
    again.send(ok("late"));
    EXPECT_EQ(late.receive_response().content, "late");
}

TEST_P(Exhaustion, OfSlotsLetsClientsWait) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(),
                       threads_of(model(), 1) + "MaxConnections 3\n" + pass_all_to(origin));
    std::vector<std::unique_ptr<RawConnection>> flood;
    for (int i = 0; i < 100; i++)
        flood.push_back(std::make_unique<RawConnection>(proxy.port()));
    proxy.wait_until_parked();
    RawConnection last(proxy.port());
    flood.clear();
    last.send(get("/last"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send(ok("x"));
    EXPECT_EQ(last.receive_response().status, 200);
    EXPECT_FALSE(proxy.has_ended());
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

/// Octets of address space.
rlim_t address_space(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/statm");
    rlim_t pages = 0;
    status >> pages;
    return pages * 4096;
}

/// A child that finds no memory to start in says so in the error log, and is replaced until one
/// does.
TEST_P(Exhaustion, OfMemoryAtAStartIsLogged) {
    if (is_sanitized) GTEST_SKIP() << "sanitizers end by themselves";
    if (model() == "prefork") GTEST_SKIP() << "its children need hardly any";
    RunningOrigin origin;
    RunningProxy proxy(model(), "StartServers 1\nThreadsPerChild 32\nMaxRequestWorkers 32\n" +
                                    pass_all_to(origin));
    rlimit before{};
    ASSERT_EQ(::prlimit(proxy.pid(), RLIMIT_AS, nullptr, &before), 0);
    rlimit limit = before;
    limit.rlim_cur = address_space(proxy.pid());
    ASSERT_EQ(::prlimit(proxy.pid(), RLIMIT_AS, &limit, nullptr), 0);
    ::kill(proxy.wait_for_children(1).front(), SIGKILL);
    proxy.error_log("[headgate:crit]");
    proxy.error_log("HG0305: no memory: Cannot allocate memory: process ");
    proxy.wait_for_message("ended for want of something: the error log says of what");
    ASSERT_EQ(::prlimit(proxy.pid(), RLIMIT_AS, &before, nullptr), 0);
    RawConnection client(proxy.port());
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
}

TEST(HalfHeads, TakeTheMemoryTheyHaveAndNoMore) {
    constexpr std::size_t count = is_sanitized ? 1'000 : 10'000;
    constexpr std::size_t octets = 8'000;
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max < count + 2'000) GTEST_SKIP() << "too few descriptors";
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    RunningProxy proxy("event", "ProxyPass / http://127.0.0.1:9/\nMaxConnections 11000\n");
    const std::uint64_t before = proxy.resident_octets();
    const std::string half = "GET / HTTP/1.1\r\nHost: a\r\nA: " + std::string(octets, 'x');
    std::vector<std::unique_ptr<RawConnection>> clients;
    for (std::size_t i = 0; i < count; i++) {
        clients.push_back(std::make_unique<RawConnection>(proxy.port()));
        clients.back()->send(half);
    }
    clients.back()->wait_until_read();  // the others came before it
    proxy.wait_until_parked();
    const std::uint64_t each = (proxy.resident_octets() - before) / count;
    std::printf("half head of %zu octets: %zu octets of memory\n", half.size(),
                static_cast<std::size_t>(each));
    constexpr std::size_t of_tls = 16'384;
    const std::size_t most = octets + 6144 + (tests_tls() ? of_tls : 0);
    if (!is_sanitized) {
        EXPECT_LT(each, most);
    }  // sanitizers keep what is freed
    RawConnection quick(proxy.port());
    quick.send(get("/"));
    EXPECT_EQ(quick.receive_response().status, 503);
}

TEST_P(Exhaustion, OfAHeadsRoomEndsIt) {
    RunningProxy proxy(model(), "LimitRequestFields 0\nLimitRequestFieldSize 65536\n");
    RawConnection client(proxy.port());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 10; i++)
        client.send("A: " + std::string(8'000, 'x') + "\r\n");
    EXPECT_EQ(client.receive_response().status, 431);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "client/request-head/too-large");
}

TEST_P(Exhaustion, OfALogsNameLosesNoRequests) {
    const TemporaryFolder folder;
    const std::string log = folder.file("gone.log");
    RunningProxy proxy(model(), "CustomLog \"" + log + "\" \"%r\"\n");
    std::filesystem::remove(log);
    RawConnection client(proxy.port());
    client.send(get("/none"));
    EXPECT_EQ(client.receive_response().status, 404);
    EXPECT_FALSE(std::filesystem::exists(log));
}

constexpr const char* status_place = "<Location /status>\nSetHandler server-status\n</Location>\n";

/// Of a status page, the number behind a key.
std::string value_of(const RunningProxy& proxy, const std::string& key) {
    RawConnection client(proxy.port());
    client.send(get("/status?auto", "Connection: close\r\n"));
    const std::string text = client.receive_response().content;
    const std::size_t at = text.find("\n" + key + ": ");
    if (at == std::string::npos) return "";
    const std::size_t start = at + key.size() + 3;
    return text.substr(start, text.find('\n', start) - start);
}

/// Of a process, what RLIMIT_DATA counts.
rlim_t data_octets(pid_t process) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    std::string word;
    rlim_t kib = 0;
    while (status >> word) {
        if (word == "VmData:" && status >> kib) break;
    }
    return kib * 1024;
}

/// Lets a process have only so much more memory than it has, for as long as this lives.
class NoMoreMemory {
public:
    NoMoreMemory(pid_t process, rlim_t more) : process_(process) {
        EXPECT_EQ(::prlimit(process_, RLIMIT_DATA, nullptr, &before_), 0);
        const rlimit limit{data_octets(process) + more, before_.rlim_max};
        EXPECT_EQ(::prlimit(process_, RLIMIT_DATA, &limit, nullptr), 0);
    }
    ~NoMoreMemory() { ::prlimit(process_, RLIMIT_DATA, &before_, nullptr); }
    NoMoreMemory(const NoMoreMemory&) = delete;
    NoMoreMemory& operator=(const NoMoreMemory&) = delete;

private:
    pid_t process_;
    rlimit before_{};
};

/// Half a head is answered 503 as soon as there is no memory for the next one, and what idles is
/// closed; the exchange beside them, which has begun, goes on.
TEST_P(Exhaustion, OfMemoryShedsWhoHasNoExchange) {
    if (is_sanitized) GTEST_SKIP() << "sanitizers have an allocator of their own";
    ScriptedOrigin origin;
    const unsigned threads = keeps_threads(model()) ? 8 : 1;
    // The allocator keeps nothing of its own: what half a head takes is the system's.
    ::setenv("MALLOC_TOP_PAD_", "0", 1);
    RunningProxy proxy(model(), threads_of(model(), threads) + "MaxConnections 200\n" +
                                    "LimitRequestFieldSize 65536\nLimitRequestFields 0\n" +
                                    status_place + pass_all_to(origin));
    ::unsetenv("MALLOC_TOP_PAD_");
    RawConnection idle(proxy.port());
    idle.send(get("/status?auto"));
    EXPECT_EQ(idle.receive_response().status, 200);
    RawConnection busy(proxy.port());
    busy.send(get("/busy"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    const rlim_t more = model() == "prefork" ? 0 : 128 * 1024;
    const std::vector<pid_t> children = proxy.wait_for_children(model() == "prefork" ? 8 : 1);
    std::vector<std::unique_ptr<NoMoreMemory>> limits;
    for (const pid_t child : children)
        limits.push_back(std::make_unique<NoMoreMemory>(child, more));
    std::string half = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 7; i++)
        half += "A: " + std::string(8'000, 'x') + "\r\n";
    std::vector<std::unique_ptr<RawConnection>> flood;
    const std::string line =
        "HG0301: no more connections are accepted for now: Cannot allocate memory";
    wait_until("for memory to run short", [&] {
        flood.push_back(std::make_unique<RawConnection>(proxy.port()));
        flood.back()->send(half);
        return proxy.error_log().find(line) != std::string::npos;
    });
    // Under TLS it may have been a handshake.
    if (!tests_tls()) {
        const auto has_news = [](const auto& each) { return each->has_news(); };
        auto shed = flood.end();
        wait_until("for one to be shed", [&] {
            shed = std::find_if(flood.begin(), flood.end(), has_news);
            return shed != flood.end();
        });
        EXPECT_EQ((*shed)->receive_response().status, 503);
    }
    upstream.send(ok("done", "Connection: close\r\n"));
    EXPECT_EQ(busy.receive_response().content, "done");
    busy.close();
    // That of another thread, or process, may idle on.
    if (threads == 1) {
        EXPECT_EQ(idle.receive_end(), RawConnection::End::fin);
    }
    idle.close();
    flood.clear();
    limits.clear();
    RawConnection late(proxy.port());
    late.send(get("/late"));
    RawConnection again = origin.accept_request(head);
    again.send(ok("late"));
    EXPECT_EQ(late.receive_response().content, "late");
    late.close();
    if (!tests_tls()) {
        EXPECT_NE(value_of(proxy, "Failed proxy/request-head/exhausted"), "");
    }
    EXPECT_EQ(proxy.children(), children);
}

TEST_P(Exhaustion, OfTheDiskLosesLogLinesAndNoRequests) {
    RunningProxy proxy(model(), std::string(status_place) + "CustomLog /dev/full common\n");
    for (int i = 0; i < 5; i++) {
        RawConnection client(proxy.port());
        client.send(get("/none"));
        EXPECT_EQ(client.receive_response().status, 404);
    }
    proxy.error_log(" lines of /dev/full were lost");
    wait_until("for the lines to be counted",
               [&] { return std::atoi(value_of(proxy, "LogLinesLost").c_str()) >= 5; });
    EXPECT_NE(value_of(proxy, "Total Accesses"), "");
}

TEST_P(Exhaustion, OfAFifoLosesLogLinesAndNoRequests) {
    const TemporaryFolder folder;
    const std::string fifo = folder.file("fifo");
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    // A line of 8 KiB fills the pipe soon, since nobody reads it.
    RunningProxy proxy(model(), std::string(status_place) + "LimitRequestLine 8190\n" +
                                    "CustomLog \"" + fifo + "\" \"%r\"\n");
    const std::string target = "/" + std::string(8000, 'x');
    RawConnection client(proxy.port());
    for (int i = 0; i < 40; i++) {
        client.send(get(target));
        EXPECT_EQ(client.receive_response().status, 404);
    }
    client.close();
    proxy.error_log(" lines of " + fifo + " were lost");
    wait_until("for the lines to be counted",
               [&] { return std::atoi(value_of(proxy, "LogLinesLost").c_str()) > 0; });
}

TEST_P(Exhaustion, OfPatienceIsCountedByKind) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), std::string(status_place) +
                                    "RequestReadTimeout header=1\nProxyPass / http://" +
                                    origin.address() + "/\n");
    RawConnection client(proxy.port());
    client.send("GET / HTTP/1.1\r\nHo");
    EXPECT_EQ(client.receive_response().status, 408);
    client.close();
    proxy.access_log(1);
    EXPECT_EQ(value_of(proxy, "Failed timeout/request-head/client-silent"), "1");
}

}  // namespace
}  // namespace headgate
