// What the program says of itself: Apache's ?auto, JSON, and the page.
#include <boost/json/src.hpp>

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class StatusPage : public Behaviour {
protected:
    static constexpr const char* place =
        "<Location /server-status>\nSetHandler server-status\n</Location>\n";

    static Response ask(const RunningProxy& proxy, const std::string& query) {
        RawConnection client(proxy.port());
        client.send(get("/server-status" + query));
        return client.receive_response();
    }
};
EVERY_MODEL(StatusPage);

/// Apache's keys in Apache's order; what is ours stands among the connections and behind them.
const char* const apache_keys[] = {
    "ServerVersion",
    "ServerMPM",
    "Server Built",
    "CurrentTime",
    "RestartTime",
    "ParentServerConfigGeneration",
    "ParentServerMPMGeneration",
    "ServerUptimeSeconds",
    "ServerUptime",
    "Load1",
    "Load5",
    "Load15",
    "Total Accesses",
    "Total kBytes",
    "Total Duration",
    "CPUUser",
    "CPUSystem",
    "CPUChildrenUser",
    "CPUChildrenSystem",
    "CPULoad",
    "Uptime",
    "ReqPerSec",
    "BytesPerSec",
    "BytesPerReq",
    "DurationPerReq",
    "BusyWorkers",
    "GracefulWorkers",
    "IdleWorkers",
    "Processes",
    "Stopping",
    "ConnsTotal",
    "ConnsAsyncWaitIO",
    "ConnsAsyncWriting",
    "ConnsAsyncKeepAlive",
    "ConnsAsyncClosing",
    "Scoreboard",
};

TEST_P(StatusPage, AutoHasApachesKeysInApachesOrder) {
    RunningOrigin origin;
    RunningProxy proxy(model(), place + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
    proxy.access_log(1);
    client.close();
    proxy.wait_until_parked();
    const Response response = ask(proxy, "?auto");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.field("Content-Type").substr(0, 10), "text/plain");
    std::istringstream lines(response.content);
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line, "proxy.test");
    std::size_t next = 0;
    std::string letters;
    while (std::getline(lines, line)) {
        ASSERT_NE(line.find(": "), std::string::npos) << line;
        const std::string key = line.substr(0, line.find(": "));
        if (next < std::size(apache_keys) && key == apache_keys[next]) next++;
        const std::string value = line.substr(key.size() + 2);
        if (key == "ServerMPM") {
            EXPECT_EQ(value, model());
        } else if (key == "BusyWorkers") {
            EXPECT_EQ(value, "1") << "this request";
        } else if (key == "Total Accesses") {
            EXPECT_EQ(value, "1");
        }
        letters = key == "Scoreboard" ? value : "";
    }
    EXPECT_EQ(next, std::size(apache_keys)) << "no " << apache_keys[next] << " where it belongs:\n"
                                            << response.content;
    const std::size_t threads = model() == "worker" ? 8 : model() == "prefork" ? 4 : 1;
    EXPECT_EQ(letters.size(), threads) << "one letter a thread, in the last line: " << letters;
    EXPECT_EQ(std::count(letters.begin(), letters.end(), 'W'), 1) << letters;
}

/// Each sample belongs to the family in front of it, and is there once (Prometheus' text format).
TEST_P(StatusPage, MetricsAreWellFormedAndCount) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), place + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/slow"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    const Response response = ask(proxy, "?metrics");
    EXPECT_EQ(response.field("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    static const std::regex sample_line(
        "([a-z_]+)(\\{([a-z_]+=\"[^\"]*\",?)+\\})? -?[0-9]+(\\.[0-9]+)?");
    std::istringstream lines(response.content);
    std::string line, family, type;
    std::set<std::string> series;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string hash, what;
        if (line.starts_with("# TYPE ")) {
            words >> hash >> what >> family >> type;
            EXPECT_EQ(family.ends_with("_total"), type == "counter") << line;
        }
        if (line.starts_with('#')) continue;
        std::smatch parts;
        ASSERT_TRUE(std::regex_match(line, parts, sample_line)) << line;
        EXPECT_EQ(parts[1], family);
        EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
    }
    const std::string texts[] = {"headgate_parked{phase=\"upstream-wait\"} 1\n",
                                 "headgate_exchanges_total 0\n", "model=\"" + model() + "\"} 1\n"};
    for (const std::string& expected : texts) {
        EXPECT_NE(response.content.find(expected), std::string::npos) << response.content;
    }
}

TEST_P(StatusPage, JsonShowsWhatIsParkedAndWhere) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), place + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/slow?x=1"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    const Response response = ask(proxy, "?json");
    EXPECT_EQ(response.field("Content-Type"), "application/json");
    boost::json::error_code error;
    const boost::json::value parsed = boost::json::parse(response.content, error);
    ASSERT_FALSE(error) << response.content;
    EXPECT_EQ(parsed.at("model").as_string(), model());
    EXPECT_EQ(parsed.at("generation").as_int64(), 0);
    EXPECT_EQ(parsed.at("phases").at("upstream-wait").at("parked").as_int64(), 1);
    const auto& children = parsed.at("children").as_array();
    EXPECT_EQ(children.size(), proxy.children().size());
    const boost::json::value* waiting = nullptr;
    for (const auto& each : parsed.at("live").as_array()) {
        if (each.at("phase").as_string() == "upstream-wait") waiting = &each;
    }
    ASSERT_NE(waiting, nullptr) << response.content;
    EXPECT_EQ(waiting->at("holds_thread").as_bool(), keeps_threads(model()));
    EXPECT_EQ(waiting->at("request").as_string().subview(0, 9), "GET /slow");
    EXPECT_NE(waiting->at("upstream").as_string().find(origin.address()), std::string::npos);
    EXPECT_GT(waiting->at("pid").as_int64(), 0);
    // Where the thread is kept, the parked exchange's is busy beside this request's.
    const std::int64_t busy = parsed.at("threads").at("busy").as_int64();
    EXPECT_EQ(busy, keeps_threads(model()) ? 2 : 1);
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().content, "x");
}

TEST_P(StatusPage, IsAPageForPeople) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), place + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/a&b"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    const Response response = ask(proxy, "?refresh=7");
    EXPECT_EQ(response.field("Content-Type").substr(0, 9), "text/html");
    EXPECT_EQ(response.field("Cache-Control"), "no-store");
    const std::string texts[] = {
        "<!DOCTYPE html>",
        "proxy.test",
        model() + " model",
        "http-equiv=refresh content=7",
        "1 exchange parked",
        "upstream-wait",
        "GET /a&amp;b",
        origin.address(),
        "Scoreboard",
        "?auto",
        "?json",
        "?metrics",
        keeps_threads(model()) ? "a parked exchange keeps its thread"
                               : "A model that keeps the thread would need",
    };
    for (const std::string& text : texts) {
        EXPECT_NE(response.content.find(text), std::string::npos) << text;
    }
    EXPECT_EQ(response.content.find("<script"), std::string::npos);
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().content, "x");
}

/// StatusListen is answered by a process of its own: also when every thread is kept.
TEST_P(StatusPage, IsServedApartWhenEveryThreadIsBusy) {
    ScriptedOrigin origin;
    RunningProxy proxy(
        model(), one_thread(model()) + "StatusListen 127.0.0.1:${PORT2}\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    for (const bool again : {false, true}) {
        RawConnection watcher = RawConnection::plain(proxy.second_port());  // it never speaks TLS
        watcher.send(get(again ? "/?json" : "/?auto"));
        const Response response = watcher.receive_response();
        EXPECT_EQ(response.status, 200);
        EXPECT_NE(response.content.find(again ? "\"upstream-wait\":{\"parked\":1"
                                              : "ConnsAsyncProxyWait: 1\n"),
                  std::string::npos)
            << response.content;
        if (again) continue;
        EXPECT_NE(response.content.find("Processes: 1\n"), std::string::npos) << "without itself";
    }
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().content, "x");
    client.close();
    EXPECT_EQ(proxy.stop(), 0);
}

/// Sums outlive the children that counted.
TEST_P(StatusPage, SumsSurviveAReload) {
    RunningOrigin origin;
    RunningProxy proxy(model(), place + pass_all_to(origin));
    const std::vector<pid_t> old = proxy.children();
    for (int i = 0; i < 5; i++) {
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, 200);
    }
    proxy.access_log(5);
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 1");
    wait_until("for the old children to be gone", [&] {
        for (const pid_t each : old) {
            if (is_alive(each)) return false;
        }
        return true;
    });
    const Response response = ask(proxy, "?auto");
    EXPECT_NE(response.content.find("Total Accesses: 5\n"), std::string::npos) << response.content;
    EXPECT_NE(response.content.find("ParentServerMPMGeneration: 1\n"), std::string::npos);
}

TEST_P(StatusPage, CountsWhatUpstreamsAreForgiven) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), std::string(place) + "ProxyAccept bare-lf\n" + pass_all_to(origin));
    EXPECT_EQ(ask(proxy, "?auto").content.find("Accepted"), std::string::npos);
    EXPECT_EQ(ask(proxy, "").content.find("ProxyAccept"), std::string::npos);
    for (int i = 0; i < 2; i++) {
        RawConnection client(proxy.port());
        client.send(get("/"));
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send("HTTP/1.1 200 OK\nContent-Length: 2\nConnection: close\n\nok");
        EXPECT_EQ(client.receive_response().content, "ok");
    }
    proxy.access_log(4);  // counted before they are logged
    EXPECT_NE(ask(proxy, "?auto").content.find("\nAccepted bare-lf: 2\n"), std::string::npos);
    EXPECT_NE(ask(proxy, "?json").content.find("\"accepted\":{\"bare-lf\":2}"), std::string::npos);
    EXPECT_NE(ask(proxy, "").content.find("<tr><td>bare-lf<td class=n>2</tr>"), std::string::npos);
}

}  // namespace
}  // namespace headgate
