// How the program ends, and what does not end it.
#include <signal.h>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Signals : public Behaviour {};
EVERY_MODEL(Signals);

TEST_P(Signals, EachEndingOneEndsAnIdleProxy) {
    RunningOrigin origin;
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
        RunningProxy proxy(model(), pass_all_to(origin));
        proxy.signal(signal);
        EXPECT_EQ(proxy.exit_code(), 0);
        EXPECT_NE(proxy.messages().find("headgate: stopped"), std::string::npos);
    }
}

TEST_P(Signals, TermLetsAnExchangeFinish) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.signal(SIGTERM);
    proxy.wait_for_message("draining");
    proxy.wait_until_parked();
    EXPECT_FALSE(proxy.has_ended());
    upstream.send(ok("finished"));
    const Response response = client.receive_response();
    EXPECT_EQ(response.content, "finished");
    EXPECT_EQ(response.field("Connection"), "close");
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
    client.close();
    EXPECT_EQ(proxy.exit_code(), 0);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "ok");
}

TEST_P(Signals, TermLetsContentFinishInBothDirections) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 5\r\n\r\nhe");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    client.receive_head();
    proxy.signal(SIGTERM);
    proxy.wait_for_message("draining");
    proxy.wait_until_parked();
    client.send("llo");
    EXPECT_EQ(upstream.receive(5), "hello");
    upstream.send("1\r\nb\r\n0\r\n\r\n");
    EXPECT_EQ(client.receive_until("0\r\n\r\n"), "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
    client.close();
    EXPECT_EQ(proxy.exit_code(), 0);
}

/// A request that is on its way when the drain begins must not be lost: RFC 9112 section 9.3.1
/// knows that race.
TEST_P(Signals, TermLeavesAnIdleConnectionOneMoreRequest) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
    proxy.signal(SIGTERM);
    proxy.wait_for_message("draining");
    // Its child may hear of it a moment later; none of the requests until then is lost either.
    wait_until("for the last response", [&] {
        client.send(get("/hello"));
        const Response response = client.receive_response();
        EXPECT_EQ(response.status, 200);
        return response.status != 200 || response.field("Connection") == "close";
    });
    client.close();
    EXPECT_EQ(proxy.exit_code(), 0);
}

TEST_P(Signals, SecondTermStopsAtOnce) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.signal(SIGTERM);
    proxy.wait_for_message("draining");
    proxy.signal(SIGTERM);
    EXPECT_EQ(proxy.exit_code(), 0);
    EXPECT_NE(client.receive_response().status, 200);
    EXPECT_NE(client.receive_end(), RawConnection::End::not_yet);
}

TEST_P(Signals, GracefulShutdownTimeoutBoundsTheDrain) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "GracefulShutdownTimeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.signal(SIGTERM);
    EXPECT_EQ(proxy.exit_code(), 0);
}

TEST_P(Signals, OthersDoNotEndIt) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    for (const int signal : {SIGHUP, SIGWINCH, SIGUSR1, SIGUSR2, SIGPIPE}) {
        proxy.signal(signal);
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, 200) << "behind signal " << signal;
        EXPECT_FALSE(proxy.has_ended());
    }
    EXPECT_EQ(proxy.stop(), 0);
}

TEST_P(Signals, TermClosesTheListener) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.signal(SIGTERM);
    proxy.wait_for_message("draining");
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().content, "x");
    client.close();
    EXPECT_EQ(proxy.exit_code(), 0);
    RawConnection late(proxy.port());
    EXPECT_EQ(late.receive_end(), RawConnection::End::reset);  // refused
}

}  // namespace
}  // namespace headgate
