// The point of it all, rows 10 to 18: as many exchanges as there are threads wait for something,
// and one more client comes. Under event, whose parked exchanges hold no thread and are not
// counted, it is answered at once, also beside twenty times as many; under worker and prefork it
// waits until somebody ends.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

/// A client that is in the middle of something, and what the origin has of it.
struct Held {
    RawConnection client;
    std::vector<RawConnection> upstream;
};

struct Kind {
    const char* name;
    Held (*begin)(const RunningProxy& proxy, ScriptedOrigin& origin);
    unsigned many = 40;  // where they hold no thread
};

Held idle(const RunningProxy& proxy, ScriptedOrigin&) {
    Held held{RawConnection(proxy.port()), {}};
    held.client.send(get("/hello"));
    EXPECT_EQ(held.client.receive_response().status, 200);
    return held;
}

Held half_a_head(const RunningProxy& proxy, ScriptedOrigin&) {
    Held held{RawConnection(proxy.port()), {}};
    held.client.send("GET / HTTP/1.1\r\nHost: pro");
    return held;
}

/// Sends a request whose head reaches the origin.
Held begun(const RunningProxy& proxy, ScriptedOrigin& origin, const std::string& request,
           int receive_buffer = 0) {
    Held held{RawConnection(proxy.port(), receive_buffer), {}};
    held.client.send(request);
    std::string head;
    held.upstream.push_back(origin.accept_request(head));
    return held;
}

Held thinking_upstream(const RunningProxy& proxy, ScriptedOrigin& origin) {
    return begun(proxy, origin, get("/"));
}

Held slow_upload(const RunningProxy& proxy, ScriptedOrigin& origin) {
    return begun(proxy, origin,
                 "POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 1000\r\n\r\nhalf");
}

Held slow_response(const RunningProxy& proxy, ScriptedOrigin& origin) {
    Held held = begun(proxy, origin, get("/"));
    held.upstream[0].send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    held.client.receive_until("a\r\n");
    return held;
}

Held idle_tunnel(const RunningProxy& proxy, ScriptedOrigin& origin) {
    Held held = begun(proxy, origin, get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
    held.upstream[0].send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    EXPECT_EQ(held.client.receive_head().substr(0, 12), "HTTP/1.1 101");
    return held;
}

/// Content until both sides are blocked: the client takes nothing.
Held slow_reader(const RunningProxy& proxy, ScriptedOrigin& origin) {
    Held held = begun(proxy, origin, get("/"), 4096);
    held.upstream[0].send("HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n");
    const std::string content(1 << 20, 'x');
    while (held.upstream[0].send_until_blocked(content) > 0)
        proxy.wait_until_parked();
    return held;
}

const Kind kinds[] = {
    {"rows 10, 11: idle connections", idle},
    {"rows 12, 13: half a request head", half_a_head},
    {"rows 14, 15: an upstream that thinks", thinking_upstream},
    {"row 15: a response that drips", slow_response},
    {"row 16: slow readers", slow_reader, 4},
    {"row 17: idle tunnels", idle_tunnel},
    {"row 18: slow uploads", slow_upload},
};

class Parked : public Behaviour {};
EVERY_MODEL(Parked);

TEST_P(Parked, AndOneMoreClient) {
    RunningOrigin quick;
    for (const Kind& kind : kinds) {
        SCOPED_TRACE(kind.name);
        ScriptedOrigin origin;
        const unsigned threads = 2;
        RunningProxy proxy(model(), threads_of(model(), threads) +
                                        "KeepAliveTimeout 60\nProxyPass /hello http://" +
                                        quick.address() + "/hello\n" + pass_all_to(origin));
        const bool keeps = keeps_threads(model());
        const unsigned tasks = 1 + threads;  // one is the supervisor's
        wait_until("for the threads", [&] { return proxy.threads() == tasks; });
        std::vector<Held> held;
        for (unsigned i = 0; i < (keeps ? threads : kind.many); i++)
            held.push_back(kind.begin(proxy, origin));
        proxy.wait_until_parked();
        RawConnection one_more(proxy.port());
        one_more.send(get("/hello"));
        if (keeps) {
            proxy.wait_until_parked();
            EXPECT_FALSE(one_more.has_news()) << "every thread is kept";
            held.pop_back();
        }
        EXPECT_EQ(one_more.receive_response().status, 200);
        EXPECT_EQ(proxy.threads(), tasks);
    }
}

}  // namespace
}  // namespace headgate
