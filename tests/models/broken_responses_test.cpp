// Upstreams that break off: before anything reached the client an answer says so; afterwards the
// response is cut so that nobody can take it for whole (RFC 9112 section 8), and the logs say why.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class BrokenResponses : public Behaviour {};
EVERY_MODEL(BrokenResponses);

enum class By { fin, reset };

struct Silence {
    const char* name;
    std::string sent;
    By by;
    const char* end;
};

const Silence silences[] = {
    {"FIN instead of an answer", "", By::fin, "upstream/upstream-wait/closed"},
    {"RST instead of an answer", "", By::reset, "upstream/upstream-wait/reset"},
    {"FIN in the status line", "HTTP/1.1 20", By::fin, "upstream/upstream-wait/incomplete"},
    {"FIN in the head", "HTTP/1.1 200 OK\r\nA: b\r\n", By::fin,
     "upstream/upstream-wait/incomplete"},
    {"RST in the head", "HTTP/1.1 200 OK\r\nA: b\r\n", By::reset, "upstream/upstream-wait/reset"},
    {"FIN behind an interim response", "HTTP/1.1 102 Processing\r\n\r\n", By::fin,
     "upstream/upstream-wait/closed"},
};

TEST_P(BrokenResponses, AreAnswered502BeforeAnythingWasSent) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    std::size_t lines = 0;
    for (const Silence& each : silences) {
        SCOPED_TRACE(each.name);
        RawConnection client(proxy.port());
        client.send("GET / HTTP/1.0\r\nHost: proxy.test\r\nConnection: keep-alive\r\n\r\n");
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send(each.sent);
        settle(proxy, upstream);
        each.by == By::fin ? upstream.close() : upstream.reset();
        const Response response = client.receive_response();
        EXPECT_EQ(response.status, 502);
        EXPECT_TRUE(response.is_whole);
        EXPECT_EQ(response.field("Connection"), "keep-alive");  // it is not the client's fault
        const LogLine line = proxy.access_log(++lines).back();
        EXPECT_EQ(line["end"], each.end);
        EXPECT_EQ(line["attempts"], "1");
        EXPECT_FALSE(origin.has_connection());
        proxy.error_log("HG0201: upstream ");
    }
}

struct Break {
    const char* name;
    const char* version;
    std::string head;
    std::string content;   // as sent
    std::string received;  // as the client must get it
    std::string rest;      // sent in the end, before the break
    By by;
    RawConnection::End client_sees;
    const char* end;
};

constexpr auto fin = RawConnection::End::fin;
constexpr auto reset = RawConnection::End::reset;

const Break breaks[] = {
    {"length, FIN", "1.1", "Content-Length: 9\r\n\r\n", "hello", "hello", "", By::fin, fin,
     "upstream/response-content/incomplete"},
    {"length, RST", "1.1", "Content-Length: 9\r\n\r\n", "hello", "hello", "", By::reset, fin,
     "upstream/response-content/reset"},
    {"length, FIN, to 1.0", "1.0", "Content-Length: 9\r\n\r\n", "hello", "hello", "", By::fin,
     reset, "upstream/response-content/incomplete"},
    {"length, RST, to 1.0", "1.0", "Content-Length: 9\r\n\r\n", "hello", "hello", "", By::reset,
     reset, "upstream/response-content/reset"},
    {"chunked, FIN between chunks", "1.1", "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n",
     "5\r\nhello\r\n", "", By::fin, fin, "upstream/response-content/incomplete"},
    {"chunked, FIN in a chunk", "1.1", "Transfer-Encoding: chunked\r\n\r\n", "9\r\nhello",
     "5\r\nhello\r\n", "", By::fin, fin, "upstream/response-content/incomplete"},
    {"chunked, FIN before the last line", "1.1", "Transfer-Encoding: chunked\r\n\r\n",
     "5\r\nhello\r\n", "5\r\nhello\r\n", "0\r\n", By::fin, fin,
     "upstream/response-content/incomplete"},
    {"chunked, RST", "1.1", "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n",
     "5\r\nhello\r\n", "", By::reset, fin, "upstream/response-content/reset"},
    {"chunked, no size", "1.1", "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n",
     "5\r\nhello\r\n", "hello\r\n", By::fin, fin, "upstream/response-content/malformed"},
    {"chunked, FIN, to 1.0", "1.0", "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n", "hello",
     "", By::fin, reset, "upstream/response-content/incomplete"},
    {"chunked, no size, to 1.0", "1.0", "Transfer-Encoding: chunked\r\n\r\n", "5\r\nhello\r\n",
     "hello", "hello\r\n", By::fin, reset, "upstream/response-content/malformed"},
    {"until close, RST", "1.1", "\r\n", "hello", "5\r\nhello\r\n", "", By::reset, fin,
     "upstream/response-content/reset"},
    {"until close, RST, to 1.0", "1.0", "\r\n", "hello", "hello", "", By::reset, reset,
     "upstream/response-content/reset"},
};

TEST_P(BrokenResponses, AreCutSoThatTheyCannotBeTakenForWhole) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    std::size_t lines = 0;
    for (const Break& each : breaks) {
        SCOPED_TRACE(each.name);
        RawConnection client(proxy.port());
        client.send("GET / HTTP/" + std::string(each.version) + "\r\nHost: proxy.test\r\n\r\n");
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send("HTTP/1.1 200 OK\r\n" + each.head + each.content);
        EXPECT_TRUE(client.receive_head().starts_with("HTTP/1.1 200 "));
        EXPECT_EQ(client.receive(each.received.size()), each.received);
        settle(proxy, upstream);
        upstream.send(each.rest);
        each.by == By::fin ? upstream.close() : upstream.reset();
        EXPECT_EQ(client.receive_rest(), "");
        // Under TLS an end without close_notify shows as a reset: then it is one, or a bare FIN.
        EXPECT_EQ(client.end(), tests_tls() ? reset : each.client_sees);
        const LogLine line = proxy.access_log(++lines).back();
        EXPECT_EQ(line["end"], each.end);
        EXPECT_EQ(line["status"], "200");
        EXPECT_EQ(line["content"], "5");
    }
    proxy.error_log("HG0202: upstream ");
}

/// What breaks while its head is still held back is answered, and the log says so: nothing was cut.
TEST_P(BrokenResponses, AreAnsweredWhileNothingWasSent) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n");
    EXPECT_EQ(client.receive_response().status, 502);
    const LogLine line = proxy.access_log(1)[0];
    EXPECT_EQ(line["end"], "upstream/response-content/malformed");
    proxy.error_log("HG0207: upstream malformed in response-content");
}

}  // namespace
}  // namespace headgate
