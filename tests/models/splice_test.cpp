// Large contents through the kernel (EnableSplice On) and through our own memory (Off) are the same
// to both ends, and what the access log counts is exact. Events that drip are not held back.
#include "tests/support/behaviour.h"
#include "tests/support/body_reader.h"
#include "tests/support/content_pattern.h"

namespace headgate {
namespace {

using namespace support;

class Splice : public Behaviour {};
EVERY_MODEL(Splice);

constexpr std::uint64_t large = 3 << 20;
constexpr const char* both[] = {"EnableSplice On\n", "EnableSplice Off\n"};

/// Reads content of the pattern; how much there was until the end or `most`.
std::uint64_t receive_pattern(RawConnection& client, std::uint64_t most) {
    std::uint64_t received = 0;
    while (received < most) {
        const std::string run = client.receive_some();
        if (run.empty()) break;
        EXPECT_TRUE(is_pattern(run, received)) << "wrong behind " << received;
        received += run.size();
    }
    return received;
}

std::string pattern(std::uint64_t octets) {
    std::string text;
    append_pattern(text, 0, octets);
    return text;
}

TEST_P(Splice, DownWithLength) {
    const std::string octets = std::to_string(large);
    for (const char* how : both) {
        SCOPED_TRACE(how);
        RunningOrigin origin;
        RunningProxy proxy(model(), how + pass_all_to(origin));
        RawConnection client(proxy.port());
        for (std::size_t i = 1; i < 4; i++) {
            client.send(get("/big?bytes=" + octets));
            const std::string head = client.receive_head();
            EXPECT_EQ(receive_pattern(client, large), large);
            const LogLine line = proxy.access_log(i).back();
            EXPECT_EQ(line["content"], octets);
            EXPECT_EQ(line["out"], std::to_string(large + head.size()));
            EXPECT_EQ(line["end"], "ok");
        }
    }
}

/// What the origin says to an upload.
std::string uploaded(const std::string& text) {
    ContentHash hash;
    hash.add(text);
    char line[80];
    std::snprintf(line, sizeof line, "bytes=%zu fnv1a=%016llx\n", text.size(),
                  static_cast<unsigned long long>(hash.value()));
    return line;
}

TEST_P(Splice, Up) {
    const std::string text = pattern(large);
    const std::string expected = uploaded(text);
    for (const char* how : both) {
        SCOPED_TRACE(how);
        RunningOrigin origin;
        RunningProxy proxy(model(), how + pass_all_to(origin));
        RawConnection client(proxy.port());
        const std::string request = post("/upload", text);
        client.send(request + request);  // the second is not to be taken for content of the first
        for (std::size_t i = 1; i < 3; i++) {
            EXPECT_EQ(client.receive_response().content, expected);
            EXPECT_EQ(proxy.access_log(i).back()["in"], std::to_string(request.size()));
        }
    }
}

TEST_P(Splice, UntilClose) {
    for (const char* how : both) {
        SCOPED_TRACE(how);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), how + pass_all_to(origin));
        RawConnection client(proxy.port());
        client.send(get("/"));
        RawConnection upstream = origin.accept();
        upstream.receive_head();
        upstream.send("HTTP/1.1 200 OK\r\n\r\n");
        EXPECT_EQ(find_field(client.receive_head(), "Transfer-Encoding"), "chunked");
        BodyReader body;
        body.expect_chunked();
        std::string rest = pattern(large);
        std::uint64_t received = 0;
        for (Taken taken = Taken::more; taken != Taken::done;) {
            rest.erase(0, upstream.send_until_blocked(rest));
            if (rest.empty()) upstream.close();
            const std::string octets = client.receive_some();
            ASSERT_FALSE(octets.empty()) << "ended after " << received;
            std::string_view input = octets;
            std::string_view run;
            while ((taken = body.take(input, run)) == Taken::content) {
                ASSERT_TRUE(is_pattern(run, received)) << "wrong behind " << received;
                received += run.size();
            }
            ASSERT_NE(taken, Taken::bad) << "not chunked behind " << received;
        }
        EXPECT_EQ(received, large);
        EXPECT_EQ(proxy.access_log(1).back()["content"], std::to_string(large));
    }
}

TEST_P(Splice, ContentThatEndsEarlyIsCutWhereItEnded) {
    for (const char* how : both) {
        SCOPED_TRACE(how);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), how + pass_all_to(origin));
        RawConnection client(proxy.port());
        client.send(get("/"));
        RawConnection upstream = origin.accept();
        upstream.receive_head();
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large + 1) +
                      "\r\n\r\n");
        client.receive_head();
        std::string rest = pattern(large);
        std::uint64_t received = 0;
        while (!rest.empty()) {
            rest.erase(0, upstream.send_until_blocked(rest));
            if (!rest.empty()) received += client.receive_some().size();
        }
        upstream.close();
        received += client.receive_rest().size();
        EXPECT_EQ(received, large);
        EXPECT_EQ(proxy.access_log(1).back()["end"], "upstream/response-content/incomplete");
    }
}

TEST_P(Splice, EventsReachTheClientOneByOne) {
    for (const char* how : both) {
        SCOPED_TRACE(how);
        ScriptedOrigin origin;
        RunningProxy proxy(model(), how + pass_all_to(origin));
        for (const char* framing :
             {"", "Transfer-Encoding: chunked\r\n", "Content-Length: 600000\r\n"}) {
            SCOPED_TRACE(framing);
            RawConnection client(proxy.port());
            client.send(get("/"));
            RawConnection upstream = origin.accept();
            upstream.receive_head();
            upstream.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" +
                          std::string(framing) + "\r\n");
            client.receive_head();
            const bool is_chunked = std::string_view(framing).starts_with("Transfer");
            // The first event is large enough for the way through the kernel.
            for (int i = 0; i < 5; i++) {
                const std::string event =
                    "data: " + (i == 0 ? pattern(200'000) : std::to_string(i)) + " over\n\n";
                char size[16];
                std::snprintf(size, sizeof size, "%zx\r\n", event.size());
                upstream.send(is_chunked ? size + event + "\r\n" : event);
                const std::string got = client.receive_until(" over\n\n");
                EXPECT_TRUE(got.ends_with(" over\n\n")) << i;
            }
        }
    }
}

/// Both ways at once, then the ends: nothing is lost, and what is counted is exact.
TEST_P(Splice, ThroughATunnel) {
    if (tests_tls()) GTEST_SKIP() << "plain ends are needed";
    const std::string octets = std::to_string(large);
    const std::string text = pattern(large);
    for (const char* how : both) {
        SCOPED_TRACE(how);
        RunningOrigin origin;
        RunningProxy proxy(model(),
                           std::string(how) +
                               "<VirtualHost *:${PORT}>\nServerName a.test\nTunnelTo tcp://" +
                               origin.address() + "\n</VirtualHost>\n");
        RawConnection client(proxy.port());
        const std::string down = get("/big?bytes=" + octets);
        client.send(down);
        const std::string head = client.receive_head();
        EXPECT_EQ(receive_pattern(client, large), large);
        const std::string up = post("/upload", text);
        client.send(up);
        EXPECT_EQ(client.receive_response().content, uploaded(text));
        client.finish_writing();
        EXPECT_EQ(client.receive_end(), RawConnection::End::fin);
        const LogLine line = proxy.access_log(1).back();
        EXPECT_EQ(line["framing"], "tunnel");
        EXPECT_EQ(line["in"], std::to_string(down.size() + up.size()));
        EXPECT_EQ(line["end"], "ok");
    }
}

}  // namespace
}  // namespace headgate
