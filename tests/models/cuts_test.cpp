// Exchanges that a process does not wait for any longer: a drain's deadline, or a second signal.
// The client that has nothing yet is told 503; one that has a head is cut, so that it cannot take
// what it has for the whole. The logs say that it was the administrator's doing.
#include <signal.h>

#include <algorithm>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Cuts : public Behaviour {};
EVERY_MODEL(Cuts);

/// Has the program end without waiting for what it has in hand.
void stop_at_once(RunningProxy& proxy) {
    proxy.signal(SIGTERM);
    proxy.wait_for_message("draining");
    proxy.wait_until_parked();
    proxy.signal(SIGTERM);
    proxy.wait_for_message("stopping at once");
}

void expect_refused(RawConnection& client) {
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 503);
    EXPECT_TRUE(response.is_whole);
    EXPECT_EQ(response.field("Connection"), "close");
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
}

TEST_P(Cuts, ByADrainsDeadlineAnswer503) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "GracefulShutdownTimeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    proxy.signal(SIGTERM);
    expect_refused(client);
    EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet);
    EXPECT_EQ(proxy.exit_code(), 0);
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_EQ(line["status"], "503");
    EXPECT_EQ(line["end"], "admin/upstream-wait/stopped");
    const std::string log = proxy.error_log("HG0304: admin stopped in upstream-wait: ");
    EXPECT_NE(log.find("[headgate:warn]"), std::string::npos) << log;
    EXPECT_EQ(log.find("[headgate:error]"), std::string::npos) << log;
}

/// A reload's old processes have the same deadline; the new ones go on.
TEST_P(Cuts, OfAReloadLeaveTheNewProcessesAlone) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "GracefulShutdownTimeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    proxy.signal(SIGUSR1);
    expect_refused(client);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "admin/upstream-wait/stopped");
    RawConnection next(proxy.port());
    next.send(get("/"));
    RawConnection again = origin.accept_request(head);
    again.send(ok("x"));
    EXPECT_EQ(next.receive_response().content, "x");
}

TEST_P(Cuts, OfRequestsThatAreNotAllThereAnswer503) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection half(proxy.port());
    half.send("GET / HTTP/1.1\r\nHost: pro");
    settle(proxy, half);
    RawConnection uploading(proxy.port());
    uploading.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 5\r\n\r\nhe");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    settle(proxy, uploading);
    stop_at_once(proxy);
    expect_refused(half);
    expect_refused(uploading);
    EXPECT_EQ(proxy.exit_code(), 0);
    std::vector<std::string> ends;
    for (const LogLine& line : proxy.access_log(2))
        ends.push_back(line["end"]);
    std::sort(ends.begin(), ends.end());
    EXPECT_EQ(ends[0], "admin/request-content/stopped");
    EXPECT_EQ(ends[1], "admin/request-head/stopped");
}

struct Content {
    const char* name;
    const char* version;
    std::string head;
    std::string content;   // as sent
    std::string received;  // as the client must get it
    RawConnection::End client_sees;
};

constexpr auto fin = RawConnection::End::fin;
constexpr auto reset = RawConnection::End::reset;

const Content contents[] = {
    {"length", "1.1", "Content-Length: 9\r\n\r\n", "hello", "hello", fin},
    {"chunked", "1.1", "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", "5\r\nhello\r\n",
     fin},
    {"until close", "1.1", "\r\n", "hello", "5\r\nhello\r\n", fin},
    {"length, to 1.0", "1.0", "Content-Length: 9\r\n\r\n", "hello", "hello", reset},
    {"chunked, to 1.0", "1.0", "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", "hello",
     reset},
    {"until close, to 1.0", "1.0", "\r\n", "hello", "hello", reset},
};

TEST_P(Cuts, InTheContentCannotBeTakenForItsEnd) {
    for (const Content& each : contents) {
        SCOPED_TRACE(each.name);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), pass_all_to(origin));
        RawConnection client(proxy.port());
        client.send("GET / HTTP/" + std::string(each.version) + "\r\nHost: proxy.test\r\n\r\n");
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send("HTTP/1.1 200 OK\r\n" + each.head + each.content);
        EXPECT_TRUE(client.receive_head().starts_with("HTTP/1.1 200 "));
        EXPECT_EQ(client.receive(each.received.size()), each.received);
        settle(proxy, upstream);
        stop_at_once(proxy);
        EXPECT_EQ(client.receive_rest(), "");
        // Over TLS it ends without close_notify.
        EXPECT_EQ(client.end(), tests_tls() ? reset : each.client_sees);
        EXPECT_EQ(proxy.exit_code(), 0);
        const LogLine line = proxy.access_log(1)[0];
        EXPECT_EQ(line["status"], "200");
        EXPECT_EQ(line["end"], "admin/response-content/stopped");
        proxy.error_log("HG0304: admin stopped in response-content: ");
    }
}

TEST_P(Cuts, OfTunnelsAreTheAdministratorsToo) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    client.receive_head();
    settle(proxy, upstream);
    stop_at_once(proxy);
    EXPECT_NE(client.receive_end(), RawConnection::End::not_yet);
    EXPECT_EQ(proxy.exit_code(), 0);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "admin/tunnel/stopped");
    proxy.error_log("HG0220: admin stopped in tunnel: ");
}

}  // namespace
}  // namespace headgate
