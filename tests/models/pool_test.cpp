// Upstream connections are used again, and what that may and may not do to requests: nothing is
// sent twice that could have had an effect (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1).
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Pool : public Behaviour {
protected:
    /// A client's request, answered on a fresh upstream connection, which is then idle.
    RawConnection used_once(RawConnection& client, ScriptedOrigin& origin) {
        client.send(get("/first"));
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send(ok("first"));
        EXPECT_EQ(client.receive_response().content, "first");
        return upstream;
    }
};
EVERY_MODEL(Pool);

TEST_P(Pool, UsesOneConnectionForRequestsInARow) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + pass_all_to(origin));
    RawConnection client(proxy.port());
    RawConnection upstream = used_once(client, origin);
    for (int i = 0; i < 5; i++) {
        client.send(i % 2 == 0 ? get("/") : post("/", "hello"));
        upstream.receive_until(i % 2 == 0 ? "\r\n\r\n" : "hello");
        upstream.send(ok("again"));
        EXPECT_EQ(client.receive_response().content, "again");
    }
    client.close();
    RawConnection other(proxy.port());
    other.send(get("/"));
    upstream.receive_head();
    upstream.send(ok("for another client"));
    EXPECT_EQ(other.receive_response().content, "for another client");
    EXPECT_FALSE(origin.has_connection());
}

/// A client that leaves in the middle of a response costs the upstream its connection only where
/// much is due; and who waits for the rest is no thread.
TEST_P(Pool, KeepsAConnectionWhoseClientHasLeft) {
    struct Case {
        const char* name;
        std::string head;
        std::string rest;
        bool is_kept;
    };
    const Case cases[] = {
        {"length", "Content-Length: 11\r\n\r\nhello", " world", true},
        {"chunked", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "0\r\n\r\n", true},
        {"much is due", "Content-Length: 65542\r\n\r\nhello", "", false},
        {"until close", "\r\nhello", "", false},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), one_thread(model()) + pass_all_to(origin));
        RawConnection client(proxy.port());
        client.send(get("/first"));
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send("HTTP/1.1 200 OK\r\n" + each.head);
        client.receive_until("hello");
        proxy.wait_until_parked();
        client.reset();
        EXPECT_EQ(proxy.access_log(1)[0]["end"], "client/response-content/reset");
        if (!each.is_kept) {
            EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet);
            continue;
        }
        upstream.send(each.rest);
        settle(proxy, upstream);
        RawConnection next(proxy.port());
        next.send(get("/next"));
        EXPECT_NE(upstream.receive_head().find("GET /next "), std::string::npos);
        upstream.send(ok("x"));
        EXPECT_EQ(next.receive_response().content, "x");
        EXPECT_FALSE(origin.has_connection());
    }
}

TEST_P(Pool, KeepsManyClientsApart) {
    RunningOrigin origin;
    RunningProxy proxy(model(),
                       threads_of(model(), keeps_threads(model()) ? 40 : 1) + pass_all_to(origin));
    std::vector<RawConnection> clients;
    for (int i = 0; i < 40; i++)
        clients.emplace_back(proxy.port());
    for (std::size_t round = 0; round < 20; round++) {
        for (std::size_t i = 0; i < clients.size(); i++) {
            const std::string size = std::to_string(1 + i * 20 + round);
            clients[i].send(get("/chunked?ms=0&chunk=100&bytes=" + size));
        }
        for (std::size_t i = 0; i < clients.size(); i++) {
            EXPECT_EQ(clients[i].receive_response().content.size(), 1 + i * 20 + round);
        }
    }
}

struct NotAgain {
    const char* name;
    const char* parameters;
    std::string response;
};

const NotAgain not_again[] = {
    {"Connection: close", "", ok("x", "Connection: close\r\n")},
    {"HTTP/1.0", "", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"},
    {"octets behind the response", "", ok("x") + "HTTP/1.1 200 OK\r\n\r\n"},
    {"length and chunked at once", "",
     "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
     "1\r\nx\r\n0\r\n\r\n"},
    {"an interim response with a length", "",
     "HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\n\r\n" + ok("x")},
    {"a length with 204", "", "HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\n"},
    {"enablereuse=off", " enablereuse=off", ok("x")},
    {"disablereuse=on", " disablereuse=on", ok("x")},
};

TEST_P(Pool, ClosesConnectionsThatMustNotBeUsedAgain) {
    for (const NotAgain& each : not_again) {
        SCOPED_TRACE(each.name);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), one_thread(model()) + "ProxyPass / http://" + origin.address() +
                                        "/" + each.parameters + "\n");
        RawConnection client(proxy.port());
        client.send(get("/"));
        std::string head;
        RawConnection upstream = origin.accept_request(head);
        upstream.send(each.response);
        Response response = client.receive_response();
        if (response.status == 103) response = client.receive_response();
        EXPECT_TRUE(response.is_whole);
        EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet);
        client.send(get("/"));
        RawConnection next = origin.accept_request(head);
        next.send(ok("y"));
        EXPECT_EQ(client.receive_response().content, "y");
    }
}

TEST_P(Pool, NeverUsesAnIdleConnectionThatTheUpstreamHasClosed) {
    for (const std::string& request : {get("/second"), post("/second", "hello")}) {
        ScriptedOrigin origin;
        RunningProxy proxy(model(), one_thread(model()) + pass_all_to(origin));
        RawConnection client(proxy.port());
        RawConnection upstream = used_once(client, origin);
        upstream.close();
        client.send(request);
        std::string head;
        RawConnection fresh = origin.accept_request(head);
        EXPECT_NE(head.find(" /second "), std::string::npos);
        fresh.send(ok("second"));
        EXPECT_EQ(client.receive_response().content, "second");
        EXPECT_EQ(proxy.access_log(2)[1]["end"], "ok");
        EXPECT_FALSE(origin.has_connection());
    }
}

// ---- a reused connection that dies

TEST_P(Pool, SendsAGetOnceMoreWhenAReusedConnectionDies) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + pass_all_to(origin));
    RawConnection client(proxy.port());
    RawConnection upstream = used_once(client, origin);
    client.send(get("/second"));
    EXPECT_NE(upstream.receive_head().find(" /second "), std::string::npos);
    upstream.close();
    std::string head;
    RawConnection fresh = origin.accept_request(head);
    EXPECT_NE(head.find(" /second "), std::string::npos);
    fresh.send(ok("second"));
    EXPECT_EQ(client.receive_response().content, "second");
    const LogLine line = proxy.access_log(2)[1];
    EXPECT_EQ(line["attempts"], "2");
    EXPECT_EQ(line["end"], "ok");
    proxy.error_log("HG0203: ");
}

TEST_P(Pool, GivesUpWhenTheFreshConnectionDiesToo) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), one_thread(model()) + pass_all_to(origin));
    RawConnection client(proxy.port());
    RawConnection upstream = used_once(client, origin);
    client.send(get("/second"));
    upstream.receive_head();
    upstream.close();
    std::string head;
    origin.accept_request(head).close();
    EXPECT_EQ(client.receive_response().status, 502);
    EXPECT_EQ(proxy.access_log(2)[1]["attempts"], "2");
    EXPECT_FALSE(origin.has_connection());
}

struct NotTwice {
    const char* name;
    std::string request;
    std::string request_end;
    std::string answered;
};

const NotTwice not_twice[] = {
    {"POST", post("/second", "hello"), "hello", ""},
    {"POST without content", post("/second", ""), "\r\n\r\n", ""},
    {"PUT with content, which is gone",
     "PUT /second HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 5\r\n\r\nhello", "hello", ""},
    {"GET that was half answered", get("/second"), "\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
};

TEST_P(Pool, SendsNothingTwiceThatMayHaveHadAnEffect) {
    for (const NotTwice& each : not_twice) {
        SCOPED_TRACE(each.name);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), one_thread(model()) + pass_all_to(origin));
        RawConnection client(proxy.port());
        RawConnection upstream = used_once(client, origin);
        client.send(each.request);
        upstream.receive_until(each.request_end);
        upstream.send(each.answered);
        settle(proxy, upstream);
        upstream.close();
        EXPECT_EQ(client.receive_response().status, 502);
        EXPECT_EQ(proxy.access_log(2)[1]["attempts"], "1");
        EXPECT_FALSE(origin.has_connection());
    }
}

}  // namespace
}  // namespace headgate
