// How long a client's connection lives: by what it asks for, and by what the configuration allows.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Persistence : public Behaviour {};
EVERY_MODEL(Persistence);

struct Case {
    const char* name;
    const char* directives;
    const char* request_end;  // version and Connection
    std::size_t answered;     // requests of three in a row
};

const Case cases[] = {
    {"1.1", "", "HTTP/1.1\r\n", 3},
    {"1.1, close", "", "HTTP/1.1\r\nConnection: close\r\n", 1},
    {"1.1, close among others", "", "HTTP/1.1\r\nConnection: TE, Close\r\n", 1},
    {"1.0", "", "HTTP/1.0\r\n", 1},
    {"1.0, keep-alive", "", "HTTP/1.0\r\nConnection: Keep-Alive\r\n", 3},
    {"KeepAlive Off", "KeepAlive Off\n", "HTTP/1.1\r\n", 1},
    {"MaxKeepAliveRequests 2", "MaxKeepAliveRequests 2\n", "HTTP/1.1\r\n", 2},
    {"MaxKeepAliveRequests 0", "MaxKeepAliveRequests 0\n", "HTTP/1.1\r\n", 3},
};

TEST_P(Persistence, FollowsTheRequestAndTheConfiguration) {
    RunningOrigin origin;
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        RunningProxy proxy(model(), each.directives + pass_all_to(origin));
        RawConnection client(proxy.port());
        for (std::size_t i = 1; i <= each.answered; i++) {
            client.send("GET /hello " + std::string(each.request_end) + "Host: proxy.test\r\n\r\n");
            const Response response = client.receive_response();
            EXPECT_EQ(response.status, 200);
            const bool closes = i == each.answered && each.answered < 3;
            EXPECT_EQ(response.field("Connection") == "close", closes) << response.head;
        }
        if (each.answered < 3) {
            EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
        } else {
            EXPECT_FALSE(client.has_news());
        }
    }
}

TEST_P(Persistence, EndsAfterKeepAliveTimeout) {
    RunningOrigin origin;
    RunningProxy proxy(model(), "KeepAliveTimeout 300ms\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
    EXPECT_EQ(client.receive_rest(), "");
    EXPECT_EQ(client.end(), RawConnection::End::fin);
    EXPECT_EQ(proxy.access_log(1).size(), 1u);
}

/// RFC 9112 section 2.2: "a server that is expecting to receive and parse a request-line SHOULD
/// ignore at least one empty line (CRLF) received prior to the request-line."
TEST_P(Persistence, AnEmptyLineBetweenRequestsIsNothing) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(post("/upload", "hello") + "\r\n" + get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
    EXPECT_EQ(client.receive_response().content, "Hello from headgate-origin.\n");
}

}  // namespace
}  // namespace headgate
