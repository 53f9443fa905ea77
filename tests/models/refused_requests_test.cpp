// Requests that are refused before anything is forwarded: malformed, ambiguous, too large, too
// slow. The status, the closed connection, and an origin that never hears of it.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class RefusedRequests : public Behaviour {};
EVERY_MODEL(RefusedRequests);

struct Case {
    std::string request;
    int status;
};

const std::string host = "Host: proxy.test\r\n";

const Case malformed[] = {
    {"nonsense\r\n\r\n", 400},
    {"GET /\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET / HTTP/1.1\n" + host + "\r\n", 400},                  // bare LF
    {"GET / HTTP/1.1\r\n" + host + "A : b\r\n\r\n", 400},       // space before the colon
    {"GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", 400},  // obs-fold
    {"GET / HTTP/1.1\r\n" + host + "A: b" + '\0' + "\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n" + host + "no colon\r\n\r\n", 400},
    {"GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
    {"GET /../../etc/passwd HTTP/1.1\r\n" + host + "\r\n", 400},
    {"GET nothing HTTP/1.1\r\n" + host + "\r\n", 400},
    {"GET / HTTP/2.0\r\n" + host + "\r\n", 505},
    {"GET / HTTP/1.1x\r\n" + host + "\r\n", 400},
    {"CONNECT example.test:443 HTTP/1.1\r\nHost: example.test\r\n\r\n", 405},
};

const Case ambiguous[] = {
    {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\n" + host + "Content-Length: +5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\n" + host + "Content-Length: 0x5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" + host +
         "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\n" + host + "Connection: Content-Length\r\nContent-Length: 5\r\n\r\nhello",
     400},
    {"POST / HTTP/1.1\r\n" + host + "Expect: tea\r\nContent-Length: 5\r\n\r\nhello", 417},
};

const Case oversized[] = {
    {"GET /" + std::string(300, 'x') + " HTTP/1.1\r\n" + host + "\r\n", 414},
    {"GET / HTTP/1.1\r\n" + host + "A: " + std::string(300, 'x') + "\r\n\r\n", 431},
    {"GET / HTTP/1.1\r\n" + host + "A: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n\r\n", 431},
    {"POST / HTTP/1.1\r\n" + host + "Content-Length: 101\r\n\r\n", 413},
};

constexpr const char* small_limits =
    "LimitRequestLine 256\nLimitRequestFieldSize 256\nLimitRequestFields 5\n"
    "LimitRequestBody 100\n";

TEST_P(RefusedRequests, AreAnsweredAndNeverForwarded) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), small_limits + pass_all_to(origin));
    std::vector<Case> cases(std::begin(malformed), std::end(malformed));
    cases.insert(cases.end(), std::begin(ambiguous), std::end(ambiguous));
    cases.insert(cases.end(), std::begin(oversized), std::end(oversized));
    std::size_t lines = 0;
    for (const Case& each : cases) {
        SCOPED_TRACE(each.request);
        RawConnection client(proxy.port());
        client.send(each.request + get("/smuggled"));
        const Response response = client.receive_response();
        EXPECT_EQ(response.status, each.status);
        EXPECT_TRUE(response.is_whole);
        EXPECT_EQ(response.field("Connection"), "close");
        EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
        EXPECT_EQ(proxy.access_log(++lines).back()["status"], std::to_string(each.status));
    }
    EXPECT_FALSE(origin.has_connection());
    EXPECT_EQ(proxy.access_log(lines).size(), lines) << "what followed was taken for a request";
    proxy.error_log("HG0101: 400: both Content-Length and Transfer-Encoding");
}

/// A head of exactly so many octets.
std::string head_of(std::size_t octets) {
    const std::string begin = "GET /none HTTP/1.1\r\n" + host + "A: ";
    return begin + std::string(octets - begin.size() - 4, 'x') + "\r\n\r\n";
}

TEST_P(RefusedRequests, AreThoseWhoseHeadIsTooLarge) {
    const Case cases[] = {
        {head_of(1024), 404},
        {head_of(1025), 431},
        {"GET /none HTTP/1.1\r\n" + host + "A: " + std::string(2000, 'x'), 431},
        {"GET /" + std::string(2000, 'x'), 414},
    };
    RunningProxy proxy(model(), "LimitRequestHead 1024\n");
    for (const Case& each : cases) {
        SCOPED_TRACE(each.request.size());
        RawConnection client(proxy.port());
        client.send(each.request);
        const Response response = client.receive_response();
        EXPECT_EQ(response.status, each.status);
        EXPECT_TRUE(response.is_whole);
    }
}

TEST_P(RefusedRequests, AreNotThoseWithLargeHeadsWhereTheyMayBe) {
    ScriptedOrigin origin;
    RunningProxy proxy(
        model(), "LimitRequestHead 200000\nLimitRequestFieldSize 190000\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(head_of(180'000));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    EXPECT_GT(head.size(), 179'000u);
    upstream.send(ok("large"));
    EXPECT_EQ(client.receive_response().content, "large");
    RawConnection other(proxy.port());
    other.send(head_of(200'001));
    EXPECT_EQ(other.receive_response().status, 431);
}

TEST_P(RefusedRequests, HaveAnAllowFieldWhereTheMethodIsTheReason) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("CONNECT example.test:443 HTTP/1.1\r\nHost: example.test\r\n\r\n");
    EXPECT_NE(client.receive_response().field("Allow"), "");  // RFC 9110 section 15.5.6
}

TEST_P(RefusedRequests, AreThosePathsThatAnUpstreamCouldReadDifferently) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "ProxyPass /admin !\n" + pass_all_to(origin));
    const char* const escapes[] = {"/x/..;/admin",  "/admin;/x",        "/x/%252e%252e/admin",
                                   "/x/..%5cadmin", "/x/%c0%ae%c0%ae/", "/;/admin",
                                   "/x\\..\\admin", "/%2561dmin"};
    std::size_t lines = 0;
    for (const char* path : escapes) {
        SCOPED_TRACE(path);
        RawConnection client(proxy.port());
        client.send(get(path));
        EXPECT_EQ(client.receive_response().status, 400);
        EXPECT_EQ(proxy.access_log(++lines).back()["end"], "client/request-head/malformed");
    }
    EXPECT_FALSE(origin.has_connection());
    RawConnection client(proxy.port());
    client.send(get("/x/%2e%2e/admin"));
    EXPECT_EQ(client.receive_response().status, 404);
    EXPECT_FALSE(origin.has_connection());
}

TEST_P(RefusedRequests, AreNotThoseWithUnusualPaths) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(),
                       "AllowEncodedSlashes NoDecode\nProxyPass /admin !\nProxyPass /raw/ http://" +
                           origin.address() + "/raw/ nocanon\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/a;v=1/b%20c/@s%2Fn?x=../y"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    EXPECT_TRUE(head.starts_with("GET /a;v=1/b%20c/@s%2Fn?x=../y HTTP/1.1\r\n")) << head;
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().status, 200);
    client.send(get("/raw/%7Ea//b%2fc"));
    head = upstream.receive_head();
    EXPECT_TRUE(head.starts_with("GET /raw/%7Ea//b%2fc HTTP/1.1\r\n")) << head;
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().status, 200);
}

// ---- found out while the content comes

TEST_P(RefusedRequests, EndTheExchangeWhenChunkedContentGrowsTooLarge) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "LimitRequestBody 100\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n40\r\n" +
                std::string(64, 'x') + "\r\n");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    client.send("40\r\n" + std::string(64, 'x') + "\r\n");
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 413);
    EXPECT_EQ(response.field("Connection"), "close");
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(upstream.receive_rest().find("0\r\n\r\n"), std::string::npos);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "client/request-content/too-large");
}

TEST_P(RefusedRequests, EndTheExchangeWhenAChunkIsMalformed) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    for (const char* chunk : {"g\r\n", "5\nhello\r\n", "5\r\nhelloo\r\n", "-5\r\n",
                              "fffffffffffffffff\r\n", "5 \r\r\n"}) {
        SCOPED_TRACE(chunk);
        RawConnection client(proxy.port());
        client.send("POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n" + chunk +
                    "0\r\n\r\n" + get("/smuggled"));
        const Response response = client.receive_response();
        EXPECT_EQ(response.status, 400);
        EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        EXPECT_EQ(upstream.receive_rest().find("0\r\n\r\n"), std::string::npos);
    }
    for (const LogLine& line : proxy.access_log(6)) {
        EXPECT_EQ(line["end"], "client/request-content/malformed");
    }
}

// ---- too slow

TEST_P(RefusedRequests, AreAnswered408WhenTheHeadStaysHalf) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "Timeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("GET / HTTP/1.1\r\nHo");
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 408);
    EXPECT_EQ(response.field("Connection"), "close");
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(proxy.access_log(1)[0]["status"], "408");
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "timeout/request-head/client-silent");
    EXPECT_FALSE(origin.has_connection());
}

TEST_P(RefusedRequests, AreAnswered408WhenTheContentStaysHalf) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "Timeout 1\nProxyTimeout 60\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send("POST / HTTP/1.1\r\n" + host + "Content-Length: 9\r\n\r\nhello");
    EXPECT_EQ(client.receive_response().status, 408);
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
    EXPECT_EQ(proxy.access_log(1)[0]["end"], "timeout/request-content/client-silent");
}

TEST_P(RefusedRequests, NothingIsSaidToAConnectionThatAskedNothing) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "Timeout 1\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    EXPECT_EQ(client.receive_rest(), "");
    EXPECT_EQ(client.end(), RawConnection::End::fin);
}

/// RFC 9112 section 2.2: "Older HTTP/1.0 user agent implementations might send an extra CRLF after
/// a POST request".
TEST_P(RefusedRequests, NothingIsSaidOfAnEmptyLineThatNothingFollows) {
    for (const bool is_ended_by_client : {true, false}) {
        SCOPED_TRACE(is_ended_by_client);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), "KeepAliveTimeout 1\n" + pass_all_to(origin));
        RawConnection client(proxy.port());
        client.send("POST / HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nhi\r\n");
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send(ok("thanks"));
        EXPECT_EQ(client.receive_response().content, "thanks");
        if (is_ended_by_client) client.finish_writing();
        EXPECT_EQ(client.receive_rest(), "");
        EXPECT_EQ(client.end(), RawConnection::End::fin);
        RawConnection other(proxy.port());
        other.send("GET /other HTTP/9.9\r\n\r\n");
        EXPECT_EQ(other.receive_response().status, 505);
        EXPECT_EQ(proxy.access_log(2)[1]["status"], "505");
    }
}

}  // namespace
}  // namespace headgate
