// However the octets of requests and responses are cut into segments, the messages are the same;
// and what happens when one side is earlier, or gone sooner, than the other expects.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Segments : public Behaviour {};
EVERY_MODEL(Segments);

TEST_P(Segments, AnswersPipelinedRequestsInOrder) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    std::string requests;
    for (int i = 1; i <= 10; i++) {
        requests += get("/length?ms=0&bytes=" + std::to_string(i * 100));
    }
    RawConnection client(proxy.port());
    client.send(requests);
    for (std::size_t i = 1; i <= 10; i++) {
        EXPECT_EQ(client.receive_response().content.size(), i * 100);
    }
    EXPECT_FALSE(client.has_news());
}

TEST_P(Segments, TakesRequestsOctetByOctet) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send_one_by_one(get("/hello"));
    EXPECT_EQ(client.receive_response().content, "Hello from headgate-origin.\n");
    client.send_one_by_one(post("/echo", "octets"));
    EXPECT_EQ(client.receive_response().content, "octets");
    client.send_one_by_one(
        "POST /echo HTTP/1.1\r\nHost: proxy.test\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\noc\r\n4\r\ntets\r\n0\r\n\r\n");
    EXPECT_EQ(client.receive_response().content, "octets");
}

TEST_P(Segments, TakesARequestCutAnywhere) {
    RunningOrigin origin;
    RunningProxy proxy(model(), "MaxKeepAliveRequests 0\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    const std::string request = post("/upload", "hello", "Accept: */*\r\n");
    for (std::size_t at = 1; at < request.size(); at++) {
        client.send(request.substr(0, at));
        settle(proxy, client);
        client.send(request.substr(at));
        EXPECT_TRUE(client.receive_response().content.starts_with("bytes=5 ")) << "cut at " << at;
    }
}

TEST_P(Segments, TakesAResponseCutAnywhere) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "MaxKeepAliveRequests 0\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    RawConnection upstream = origin.accept();
    const std::string response =
        "HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n5;c=d\r\nhello\r\n0\r\n\r\n";
    for (std::size_t at = 1; at < response.size(); at++) {
        if (at > 1) client.send(get("/"));
        upstream.receive_head();
        upstream.send(response.substr(0, at));
        settle(proxy, upstream);
        upstream.send(response.substr(at));
        const Response received = client.receive_response();
        EXPECT_EQ(received.field("A"), "b") << "cut at " << at;
        EXPECT_EQ(received.content, "hello") << "cut at " << at;
    }
}

// ---- earlier than expected

TEST_P(Segments, PassesAFinalResponseThatComesDuringTheUpload) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 1000000\r\n\r\nsome");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    EXPECT_EQ(upstream.receive(4), "some");
    upstream.send(ok("enough"));
    const Response response = client.receive_response();
    EXPECT_EQ(response.content, "enough");
    EXPECT_EQ(response.field("Connection"), "close");
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
    EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet);  // never to be used again
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "ok");
}

TEST_P(Segments, PassesAnAnswerOfAnUpstreamThatStopsReading) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 1000000\r\n\r\n");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 413 Too Much\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
    settle(proxy, upstream);
    upstream.close();
    client.send(std::string(500'000, 'x'));
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.content, "no");
}

// ---- gone sooner than expected

TEST_P(Segments, AnswersAClientThatHasHalfClosed) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    for (const std::string& request : {get("/"), post("/", "hello")}) {
        RawConnection client(proxy.port());
        client.send(request);
        client.finish_writing();
        RawConnection upstream = origin.accept();
        upstream.receive_head();
        settle(proxy, client);
        upstream.send(ok("still here"));
        EXPECT_EQ(client.receive_response().content, "still here");
        EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
        upstream.close();
    }
    for (const LogLine& line : proxy.access_log(2))
        EXPECT_EQ(line["end"], "ok");
}

struct Departure {
    const char* name;
    std::string sent;
    bool resets;
    bool reaches_upstream;
    const char* end;
};

const Departure departures[] = {
    {"FIN in the head", "GET / HTTP/1.1\r\nHo", false, false, "client/request-head/incomplete"},
    {"RST in the head", "GET / HTTP/1.1\r\nHo", true, false, "client/request-head/reset"},
    {"FIN in content of known length",
     "POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 9\r\n\r\nhello", false, true,
     "client/request-content/incomplete"},
    {"RST in content of known length",
     "POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 9\r\n\r\nhello", true, true,
     "client/request-content/reset"},
    {"FIN in chunked content",
     "POST / HTTP/1.1\r\nHost: proxy.test\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", false,
     true, "client/request-content/incomplete"},
    {"FIN before the last chunk",
     "POST / HTTP/1.1\r\nHost: proxy.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
     false, true, "client/request-content/incomplete"},
};

/// An incomplete request must not look complete to the upstream (RFC 9112 section 8).
TEST_P(Segments, CutsTheUpstreamOffWhenTheClientLeavesInsideItsRequest) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    std::size_t lines = 0;
    for (const Departure& each : departures) {
        SCOPED_TRACE(each.name);
        RawConnection client(proxy.port());
        client.send(each.sent);
        settle(proxy, client);
        if (each.resets) {
            client.reset();
        } else {
            client.finish_writing();
        }
        if (each.reaches_upstream) {
            std::string head;
            RawConnection upstream = origin.accept_request(head);
            EXPECT_EQ(upstream.receive_rest().find("0\r\n\r\n"), std::string::npos);
        }
        EXPECT_EQ(proxy.access_log(++lines).back()["end"], each.end);
    }
    EXPECT_FALSE(origin.has_connection());
}

/// Sends of an endless response as much as the proxy takes while its client does not read.
RawConnection flood(const RunningProxy& proxy, ScriptedOrigin& origin) {
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string content(1 << 20, 'x');
    while (upstream.send_until_blocked(content) > 0)
        proxy.wait_until_parked();
    return upstream;
}

TEST_P(Segments, LetsTheUpstreamGoWhenTheClientLeavesInsideItsResponse) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port(), 4096);
    client.send(get("/"));
    RawConnection upstream = flood(proxy, origin);
    client.reset();
    EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet);
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_EQ(line["end"], "client/client-write/reset");
    EXPECT_EQ(line["status"], "200");
}

TEST_P(Segments, CutsOffAClientThatDoesNotRead) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "Timeout 1\nProxyTimeout 60\n" + pass_all_to(origin));
    RawConnection client(proxy.port(), 4096);
    client.send(get("/"));
    RawConnection upstream = flood(proxy, origin);
    EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "timeout/client-write/client-silent");
}

TEST_P(Segments, SurvivesAClientThatLeavesBeforeItsResponse) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    client.reset();
    upstream.send(ok("for nobody"));
    EXPECT_EQ(proxy.access_log(1)[0]["end"].substr(0, 7), "client/");

    RawConnection other(proxy.port());
    other.send(get("/"));
    upstream.close();
    RawConnection next = origin.accept_request(head);
    next.send(ok("for you"));
    EXPECT_EQ(other.receive_response().content, "for you");
}

}  // namespace
}  // namespace headgate
