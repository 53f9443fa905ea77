// What reaches the client of what the upstream answered: every framing of responses, to both
// versions of HTTP/1, octet by octet, and whether the connections live on. RFC 9112 sections 6, 7
// and 9.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Forwarding : public Behaviour {};
EVERY_MODEL(Forwarding);

const std::string date = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

enum class Client { http_1_1, http_1_0, http_1_0_keep_alive };

std::string request(const std::string& method, Client client) {
    return method + " / HTTP/1." + (client == Client::http_1_1 ? "1" : "0") +
           "\r\nHost: proxy.test\r\n" +
           (client == Client::http_1_0_keep_alive ? "Connection: keep-alive\r\n" : "") + "\r\n";
}

struct Case {
    const char* name;
    const char* method;
    Client client;
    std::string from_upstream;
    bool upstream_closes;
    std::string to_client;
    bool client_connection_lives;
};

using enum Client;

const Case cases[] = {
    {"length", "GET", http_1_1, "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nhello",
     false, "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nhello", true},
    {"length to 1.0", "GET", http_1_0,
     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nhello", false,
     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\nConnection: close\r\n\r\nhello", false},
    {"length to 1.0 that keeps", "GET", http_1_0_keep_alive,
     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nhello", false,
     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
     true},
    {"length 0", "GET", http_1_1, "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 0\r\n\r\n", false,
     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 0\r\n\r\n", true},
    {"length, upstream closes", "GET", http_1_1,
     "HTTP/1.1 200 OK\r\n" + date + "Connection: close\r\nContent-Length: 5\r\n\r\nhello", true,
     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nhello", true},

    {"chunked", "GET", http_1_1,
     "HTTP/1.1 200 OK\r\n" + date +
         "Transfer-Encoding: chunked\r\n\r\n"
         "5;x=1\r\nhello\r\n0\r\nTrailer: t\r\n\r\n",
     false,
     "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     true},
    {"chunked to 1.0", "GET", http_1_0,
     "HTTP/1.1 200 OK\r\n" + date +
         "Transfer-Encoding: chunked\r\n\r\n"
         "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
     false, "HTTP/1.1 200 OK\r\n" + date + "Connection: close\r\n\r\nhello", false},
    {"chunked to 1.0 that keeps", "GET", http_1_0_keep_alive,
     "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     false, "HTTP/1.1 200 OK\r\n" + date + "Connection: close\r\n\r\nhello", false},
    {"chunked, empty", "GET", http_1_1,
     "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false,
     "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},

    {"until close", "GET", http_1_1, "HTTP/1.1 200 OK\r\n" + date + "\r\nhello", true,
     "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
     true},
    {"until close to 1.0", "GET", http_1_0, "HTTP/1.0 200 OK\r\n" + date + "\r\nhello", true,
     "HTTP/1.1 200 OK\r\n" + date + "Connection: close\r\n\r\nhello", false},
    {"until close, empty", "GET", http_1_1, "HTTP/1.1 200 OK\r\n" + date + "\r\n", true,
     "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", true},

    {"HEAD with length", "HEAD", http_1_1,
     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\n", false,
     "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\n", true},
    {"HEAD with chunked", "HEAD", http_1_1,
     "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n", false,
     "HTTP/1.1 200 OK\r\n" + date + "\r\n", true},
    {"204", "GET", http_1_1, "HTTP/1.1 204 No Content\r\n" + date + "\r\n", false,
     "HTTP/1.1 204 No Content\r\n" + date + "\r\n", true},
    {"304 with a length", "GET", http_1_1,
     "HTTP/1.1 304 Not Modified\r\n" + date + "Content-Length: 5\r\n\r\n", false,
     "HTTP/1.1 304 Not Modified\r\n" + date + "Content-Length: 5\r\n\r\n", true},
    {"no reason phrase", "GET", http_1_1, "HTTP/1.1 299 \r\n" + date + "Content-Length: 0\r\n\r\n",
     false, "HTTP/1.1 299 \r\n" + date + "Content-Length: 0\r\n\r\n", true},
};

TEST_P(Forwarding, WritesEveryFramingForEveryClient) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        RawConnection client(proxy.port());
        client.send(request(each.method, each.client));
        RawConnection upstream = origin.accept();
        upstream.receive_head();
        upstream.send(each.from_upstream);
        if (each.upstream_closes) upstream.close();
        EXPECT_EQ(client.receive(each.to_client.size()), each.to_client);
        if (!each.client_connection_lives) {
            EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
            continue;
        }
        upstream.close();  // so that the next request comes on a connection of its own
        client.send(request("GET", http_1_1));
        RawConnection next = origin.accept();
        next.receive_head();
        next.send(ok("again"));
        EXPECT_EQ(client.receive_response().content, "again");
    }
}

TEST_P(Forwarding, LogsTheFramingOfEveryResponse) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    const std::pair<const char*, const char*> framings[] = {{"/length?ms=0", "length"},
                                                            {"/chunked?ms=0", "chunked"},
                                                            {"/close?ms=0", "close"},
                                                            {"/status?code=204", "none"}};
    std::size_t lines = 0;
    for (const auto& [target, framing] : framings) {
        client.send(get(target));
        EXPECT_TRUE(client.receive_response().is_whole) << target;
        EXPECT_EQ(proxy.access_log(++lines).back()["framing"], framing) << target;
        EXPECT_EQ(proxy.access_log(lines).back()["end"], "ok") << target;
    }
}

// ---- interim responses

TEST_P(Forwarding, PassesInterimResponsesToHttp11Only) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    for (const Client version : {http_1_1, http_1_0}) {
        RawConnection client(proxy.port());
        client.send(request("GET", version));
        RawConnection upstream = origin.accept();
        upstream.receive_head();
        upstream.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        if (version == http_1_1) {
            const std::string hints = client.receive_head();
            EXPECT_TRUE(hints.starts_with("HTTP/1.1 103 ")) << hints;
            EXPECT_EQ(find_field(hints, "Link"), "</a>");
        }
        upstream.send(ok("final"));
        EXPECT_EQ(client.receive_response().content, "final");
    }
}

TEST_P(Forwarding, PassesExpectationAndContinueThrough) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(
        "POST / HTTP/1.1\r\nHost: proxy.test\r\nExpect: 100-continue\r\n"
        "Content-Length: 5\r\n\r\n");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    EXPECT_EQ(find_field(head, "Expect"), "100-continue");
    upstream.send("HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_TRUE(client.receive_head().starts_with("HTTP/1.1 100 "));
    client.send("hello");
    EXPECT_EQ(upstream.receive(5), "hello");
    upstream.send(ok("thanks"));
    EXPECT_EQ(client.receive_response().content, "thanks");
}

TEST_P(Forwarding, SaysContinueItselfWhenTheUpstreamIsNotAsked) {
    ScriptedOrigin origin;
    RunningProxy proxy(
        model(),
        pass_all_to(origin) + "<Location /unset>\n  RequestHeader unset Expect\n</Location>\n");
    for (const std::string request :
         {"POST / HTTP/1.1\r\nConnection: Expect\r\n", "POST /unset HTTP/1.1\r\n"}) {
        SCOPED_TRACE(request);
        RawConnection client(proxy.port());
        client.send(request +
                    "Host: proxy.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        EXPECT_TRUE(client.receive_head().starts_with("HTTP/1.1 100 "));
        client.send("hello");
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        EXPECT_EQ(find_field(head, "Expect"), "");
        EXPECT_EQ(upstream.receive(5), "hello");
        upstream.send("HTTP/1.1 100 Continue\r\n\r\n" + ok("thanks", "Connection: close\r\n"));
        EXPECT_EQ(client.receive_response().content, "thanks");
    }
}

TEST_P(Forwarding, KeepsAContinueFromAClientThatDidNotAsk) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(post("/", "hello"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 100 Continue\r\n\r\n" + ok("thanks"));
    EXPECT_EQ(client.receive_response().status, 200);
}

TEST_P(Forwarding, FinalResponseToAnExpectationEndsTheConnection) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(
        "POST / HTTP/1.1\r\nHost: proxy.test\r\nExpect: 100-continue\r\n"
        "Content-Length: 5\r\n\r\n");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    upstream.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(response.content, "no");
    EXPECT_EQ(response.field("Connection"), "close");
    EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
}

// ---- requests with content

TEST_P(Forwarding, CarriesContentUpInItsFraming) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(post("/length", "hello"));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    EXPECT_EQ(find_field(head, "Content-Length"), "5");
    EXPECT_EQ(find_field(head, "Transfer-Encoding"), "");
    EXPECT_EQ(upstream.receive(5), "hello");
    upstream.send(ok("1"));
    EXPECT_EQ(client.receive_response().content, "1");

    client.send(
        "POST /chunked HTTP/1.1\r\nHost: proxy.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;a=b\r\nhello\r\n0\r\n\r\n");
    head = upstream.receive_head();
    EXPECT_EQ(find_field(head, "Transfer-Encoding"), "chunked");
    EXPECT_EQ(find_field(head, "Content-Length"), "");
    EXPECT_EQ(upstream.receive_until("0\r\n\r\n"), "5\r\nhello\r\n0\r\n\r\n");
    upstream.send(ok("2"));
    EXPECT_EQ(client.receive_response().content, "2");
    EXPECT_FALSE(origin.has_connection());
}

TEST_P(Forwarding, BringsBackWhatWasSent) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(post("/echo", "hello"));
    EXPECT_EQ(client.receive_response().content, "hello");
    client.send(
        "POST /echo HTTP/1.1\r\nHost: proxy.test\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n");
    EXPECT_EQ(client.receive_response().content, "hello!");
}

}  // namespace
}  // namespace headgate
