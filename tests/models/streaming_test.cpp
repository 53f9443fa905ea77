// Content much larger than any buffer passes through, up, down and both ways at once, and the proxy
// does not grow with it.
#include <iostream>

#include "tests/support/behaviour.h"
#include "tests/support/body_reader.h"
#include "tests/support/content_pattern.h"

namespace headgate {
namespace {

using namespace support;

class Streaming : public Behaviour {};
EVERY_MODEL(Streaming);

constexpr std::uint64_t large = 64 << 20;
constexpr std::size_t piece = 256 * 1024;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t growth_limit = UINT64_MAX;  // shadow memory counts as resident
#else
constexpr std::uint64_t growth_limit = 16 << 20;
#endif

/// Looks at the proxy's memory now and, at its end, at how much it grew.
class Growth {
public:
    Growth(const RunningProxy& proxy, const char* what)
        : proxy_(proxy), what_(what), before_(proxy.resident_octets()) {}
    ~Growth() {
        const std::uint64_t after = proxy_.resident_octets();
        const std::uint64_t grown = after > before_ ? after - before_ : 0;
        std::cout << what_ << ": 64 MiB, the proxy grew by " << grown / 1024 << " KiB\n";
        EXPECT_LT(grown, growth_limit) << what_;
    }

private:
    const RunningProxy& proxy_;
    const char* what_;
    std::uint64_t before_;
};

std::string pattern(std::uint64_t from, std::uint64_t most) {
    std::string text;
    append_pattern(text, from, std::min<std::uint64_t>(piece, most - from));
    return text;
}

TEST_P(Streaming, Up) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    const Growth growth(proxy, "POST with length");
    RawConnection client(proxy.port());
    client.send("POST /upload HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: " +
                std::to_string(large) + "\r\n\r\n");
    ContentHash hash;
    for (std::uint64_t sent = 0; sent < large; sent += piece) {
        const std::string text = pattern(sent, large);
        hash.add(text);
        client.send(text);
    }
    char expected[80];
    std::snprintf(expected, sizeof expected, "bytes=%llu fnv1a=%016llx\n",
                  static_cast<unsigned long long>(large),
                  static_cast<unsigned long long>(hash.value()));
    EXPECT_EQ(client.receive_response().content, expected);
}

TEST_P(Streaming, Down) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    const Growth growth(proxy, "GET");
    RawConnection client(proxy.port());
    client.send(get("/big?bytes=" + std::to_string(large)));
    EXPECT_EQ(find_field(client.receive_head(), "Content-Length"), std::to_string(large));
    std::uint64_t received = 0;
    while (received < large) {
        const std::string run = client.receive_some();
        ASSERT_FALSE(run.empty()) << "ended after " << received;
        ASSERT_TRUE(is_pattern(run, received)) << "wrong behind " << received;
        received += run.size();
    }
    EXPECT_EQ(received, large);
}

/// Sends chunks of the pattern when there is room, and returns when there is none.
void send_chunks(RawConnection& client, std::string& rest, std::uint64_t& made) {
    while (made < large || !rest.empty()) {
        if (rest.empty()) {
            const std::string text = pattern(made, large);
            char size[32];
            std::snprintf(size, sizeof size, "%zx\r\n", text.size());
            made += text.size();
            rest = size + text + (made == large ? "\r\n0\r\n\r\n" : "\r\n");
        }
        rest.erase(0, client.send_until_blocked(rest));
        if (!rest.empty()) return;
    }
}

TEST_P(Streaming, BothWaysChunked) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    const Growth growth(proxy, "PUT, chunked, echoed");
    RawConnection client(proxy.port());
    client.send("PUT /echo HTTP/1.1\r\nHost: proxy.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    std::string rest;
    std::uint64_t made = 0;
    send_chunks(client, rest, made);
    EXPECT_EQ(find_field(client.receive_head(), "Transfer-Encoding"), "chunked");

    BodyReader body;
    body.expect_chunked();
    std::uint64_t received = 0;
    for (Taken taken = Taken::more; taken != Taken::done;) {
        send_chunks(client, rest, made);
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
}

}  // namespace
}  // namespace headgate
