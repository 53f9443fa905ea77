// Upstreams that cannot be reached, do not answer or talk nonsense: the status of our answer, and
// the line in the error log that names the reason.
#include <chrono>
#include <thread>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Failures : public Behaviour {};
EVERY_MODEL(Failures);

struct Unreachable {
    const char* name;
    std::string target;
    int status;
    const char* end;
    const char* reason;
};

TEST_P(Failures, OfReachingTheUpstream) {
    const std::string closed = "http://127.0.0.1:" + std::to_string(free_port()) + "/";
    const Unreachable cases[] = {
        {"nobody listens", closed, 503, "upstream/connect/unreachable",
         "HG0205: upstream unreachable in connect: connect failed (Connection refused)"},
        {"no such name", "http://nobody.invalid:80/", 502, "upstream/resolve/unresolved",
         "HG0206: upstream unresolved in resolve: the name has no address"},
    };
    for (const Unreachable& each : cases) {
        SCOPED_TRACE(each.name);
        RunningProxy proxy(model(), "ProxyPass / " + each.target + "\n");
        RawConnection client(proxy.port());
        client.send(get("/"));
        EXPECT_EQ(client.receive_response().status, each.status);
        EXPECT_EQ(proxy.access_log(1)[0]["end"], each.end);
        const std::string log = proxy.error_log(each.reason);
        EXPECT_NE(log.find("[headgate:error]"), std::string::npos) << log;
        client.send(get("/"));  // the connection to the client lives on
        EXPECT_EQ(client.receive_response().status, each.status);
    }
}

TEST_P(Failures, OfAnUpstreamThatIsSilent) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "ProxyTimeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    EXPECT_EQ(client.receive_response().status, 504);
    EXPECT_EQ(upstream.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "timeout/upstream-wait/upstream-silent");
    proxy.error_log("HG0204: timeout upstream-silent in upstream-wait");
}

TEST_P(Failures, OfAnUpstreamThatFallsSilentInItsContent) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "ProxyTimeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    const Response response = client.receive_response();
    EXPECT_EQ(response.content, "hello");
    EXPECT_FALSE(response.is_whole);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "timeout/response-content/upstream-silent");
    proxy.error_log("HG0202: timeout upstream-silent in response-content");
}

TEST_P(Failures, TimeoutOfTheRuleGoesBeforeProxyTimeout) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(),
                       "ProxyTimeout 60\nProxyPass / http://" + origin.address() + "/ timeout=1\n");
    RawConnection client(proxy.port());
    client.send(get("/"));
    EXPECT_EQ(client.receive_response().status, 504);
}

TEST_P(Failures, NotOfAnUpstreamThatHalfCloses) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    for (int i = 0; i < 3; i++) {
        client.send(get("/halfclose"));
        EXPECT_EQ(client.receive_response().content, "No more from this side.\n");
    }
    for (const LogLine& line : proxy.access_log(3))
        EXPECT_EQ(line["end"], "ok");
}

/// ProxyTimeout is for one wait, not for the whole of a response.
TEST_P(Failures, NotOfAnUpstreamThatDripsForLongerThanTheTimeout) {
    RunningOrigin origin;
    RunningProxy proxy(model(), "ProxyTimeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/chunked?bytes=5&chunk=1&ms=300"));
    const Response response = client.receive_response();
    EXPECT_TRUE(response.is_whole);
    EXPECT_EQ(response.content.size(), 5u);
}

/// The upload itself is progress: the upstream's time to answer begins when it has the request.
TEST_P(Failures, NotOfAnUploadThatTakesLongerThanTheTimeout) {
    RunningOrigin origin;
    RunningProxy proxy(model(), "ProxyTimeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("POST /upload HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 5\r\n\r\n");
    for (int octet = 0; octet < 5; octet++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        client.send("x");
    }
    EXPECT_EQ(client.receive_response().status, 200);
}

/// And a silent upstream is still noticed once the upload is through.
TEST_P(Failures, OfAnUpstreamThatIsSilentAfterAnUpload) {
    RunningOrigin origin;
    RunningProxy proxy(model(), "ProxyTimeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("POST /slow?ms=60000 HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 1\r\n\r\nx");
    EXPECT_EQ(client.receive_response().status, 504);
}

// ---- nonsense

const char* const nonsense[] = {
    "garbage\r\n\r\n",
    "SSH-2.0-OpenSSH_9.2\r\n",
    "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
};

TEST_P(Failures, OfUnderstandingTheUpstream) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    std::size_t lines = 0;
    for (const char* each : nonsense) {
        SCOPED_TRACE(each);
        RawConnection client(proxy.port());
        client.send(get("/"));
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send(each);
        const Response response = client.receive_response();
        EXPECT_EQ(response.status, 502);
        EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet);
        EXPECT_EQ(proxy.access_log(++lines).back()["end"], "upstream/upstream-wait/malformed");
    }
    proxy.error_log("HG0207: upstream malformed in upstream-wait: ");
}

TEST_P(Failures, OfClientsThatLeave) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection waiting(proxy.port());
    waiting.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    waiting.reset();
    EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet);
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_EQ(line["status"], "499");
    EXPECT_EQ(line["end"], "client/upstream-wait/reset");

    RawConnection reading(proxy.port());
    reading.send(get("/"));
    RawConnection dripping = origin.accept_request(head);
    dripping.send("HTTP/1.1 200 OK\r\n\r\nfirst");
    reading.receive_until("first");
    proxy.wait_until_parked();
    reading.reset();
    EXPECT_NE(dripping.receive_end(), RawConnection::End::not_yet);
    EXPECT_EQ(proxy.access_log(2)[1]["end"], "client/response-content/reset");
}

TEST_P(Failures, NotOfClientsThatFinishWriting) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    client.finish_writing();
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    proxy.wait_until_parked();
    EXPECT_FALSE(upstream.has_news());
    upstream.send(ok("hello"));
    EXPECT_EQ(client.receive_response().content, "hello");
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
}

/// Half a request, and half a response already: the origin, which may wait for the rest of the one
/// before it sends the rest of the other, hears that there is none.
TEST_P(Failures, OfAnUploadWhoseResponseHasBegun) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 10\r\n\r\nhalf");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.receive_until("half");
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfour");
    EXPECT_TRUE(client.receive_until("four").ends_with("four"));
    client.finish_writing();
    EXPECT_EQ(upstream.receive_rest(), "");
    EXPECT_EQ(upstream.end(), RawConnection::End::fin);
    upstream.send("more");
    EXPECT_EQ(client.receive_rest(), "more");
    EXPECT_EQ(client.end(), RawConnection::End::fin);
}

TEST_P(Failures, OfAnEndlessHead) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(),
                       "ProxyPass / http://" + origin.address() + "/ responsefieldsize=1024\n");
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'x'));
    EXPECT_EQ(client.receive_response().status, 502);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "upstream/upstream-wait/too-large");
}

TEST_P(Failures, OfAnUpstreamThatNeverComesToItsFinalResponse) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("GET / HTTP/1.0\r\nHost: proxy.test\r\n\r\n");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    for (int i = 0; i < 20; i++)
        upstream.send("HTTP/1.1 103 Early Hints\r\n\r\n");
    EXPECT_EQ(client.receive_response().status, 502);
}

}  // namespace
}  // namespace headgate
