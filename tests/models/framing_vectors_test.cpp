// Every framing vector end to end: the client's octets, or the origin's, through the real program
// under each model; whole, and in segments of one octet. What comes out must be what the vector
// says.
#include "tests/support/framing_vectors.h"

#include <optional>

#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class FramingVectors : public Behaviour {};
EVERY_MODEL(FramingVectors);

void send(RawConnection& to, const FramingVector& vector, bool one_by_one) {
    constexpr std::size_t most_segments = 700;
    if (one_by_one && vector.raw.size() <= most_segments) {
        to.send_one_by_one(vector.raw);
    } else {
        to.send(vector.raw);
    }
    if (vector.eof) to.finish_writing();
}

/// Tries each vector of a side twice; returns how many there are.
template <class Try>
std::size_t each_vector(bool requests, Try try_one) {
    const std::vector<FramingVector> vectors = framing_vectors(requests);
    for (const FramingVector& vector : vectors) {
        for (const bool one_by_one : {false, true}) {
            SCOPED_TRACE(vector.name + (one_by_one ? " octet by octet" : " whole"));
            try {
                try_one(vector, one_by_one);
            } catch (const TooLate& late) {
                ADD_FAILURE() << late.what();
            }
        }
    }
    return vectors.size();
}

// ---- responses
// --------------------------------------------------------------------------------------

/// The request that the vector's response belongs to.
std::string request_for(const FramingVector& vector) {
    std::string request = vector.method + " / HTTP/1.1\r\nHost: proxy.test\r\n";
    if (!vector.upgrade.empty()) {
        request += "Connection: Upgrade\r\nUpgrade: " + vector.upgrade + "\r\n";
    }
    if (vector.expects_continue) request += "Expect: 100-continue\r\n";
    if (!vector.request_complete) request += "Content-Length: 100000\r\n";
    return request + "\r\n";
}

Response final_response(RawConnection& client, const FramingVector& vector) {
    Response response = client.receive_response(vector.method == "HEAD");
    while (response.status >= 100 && response.status < 200 && response.status != 101)
        response = client.receive_response(vector.method == "HEAD");
    return response;
}

void expect_at_client(RawConnection& client, const FramingVector& vector) {
    if (vector.kind == "tunnel") {
        EXPECT_EQ(client.receive_head().substr(0, 12), "HTTP/1.1 101");
        EXPECT_EQ(client.receive(vector.content).size(), vector.content);
        return;
    }
    const Response response = final_response(client, vector);
    if (vector.kind == "error") {
        EXPECT_TRUE(vector.may_be(response.status)) << response.status;
        EXPECT_TRUE(response.is_whole);
    } else if (!vector.error.empty()) {
        // Nothing may have left yet when the fault is seen: then an answer of ours is right.
        const bool is_answer = response.status == 502;
        EXPECT_TRUE(is_answer || response.status == vector.status) << response.status;
        EXPECT_EQ(response.is_whole, is_answer) << "taken for whole";
    } else {
        EXPECT_TRUE(vector.may_be(response.status)) << response.status;
        EXPECT_TRUE(response.is_whole);
        EXPECT_EQ(response.content.size(), vector.content);
    }
}

void expect_at_upstream(const RunningProxy& proxy, RawConnection& upstream,
                        const FramingVector& vector) {
    if (vector.reusable) {
        proxy.wait_until_parked();
        EXPECT_FALSE(upstream.has_news()) << "it could have served again";
    } else if (vector.kind != "tunnel") {
        EXPECT_NE(upstream.receive_end(), RawConnection::End::not_yet) << "it must not serve again";
    }
}

void try_response(const RunningProxy& proxy, ScriptedOrigin& origin, const FramingVector& vector,
                  bool one_by_one) {
    RawConnection client(proxy.port());
    client.send(request_for(vector));
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    send(upstream, vector, one_by_one);
    const bool is_undecided =
        !vector.complete && vector.error.empty() && !vector.eof && vector.kind != "tunnel";
    if (!is_undecided) {
        expect_at_client(client, vector);
        expect_at_upstream(proxy, upstream, vector);
    }
    upstream.close();
    client.close();
    proxy.wait_until_parked();
}

TEST_P(FramingVectors, OfResponses) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    const std::size_t count = each_vector(false, [&](const FramingVector& vector, bool one_by_one) {
        if (vector.method == "CONNECT") return;  // refused: no upstream sees it
        try_response(proxy, origin, vector, one_by_one);
    });
    EXPECT_EQ(count, 81u);
}

// ---- requests
// ---------------------------------------------------------------------------------------

/// What the origin must see of a request that is accepted: exactly one, and whole.
void expect_forwarded(RawConnection& upstream, const std::string& head,
                      const FramingVector& vector) {
    if (find_field(head, "Transfer-Encoding") == "chunked") {
        const std::string content = upstream.receive_until("0\r\n\r\n");
        EXPECT_TRUE(content.ends_with("0\r\n\r\n"));
    } else {
        EXPECT_EQ(upstream.receive(vector.content).size(), vector.content);
    }
    upstream.send(ok("done"));
}

void expect_refused(RawConnection& client, ScriptedOrigin& origin, const FramingVector& vector) {
    const Response response = client.receive_response();
    EXPECT_TRUE(vector.may_be(response.status)) << response.status;
    EXPECT_EQ(response.field("Connection"), "close");
    client.finish_writing();
    EXPECT_NE(client.receive_end(), RawConnection::End::not_yet);
    if (!origin.has_connection()) return;
    RawConnection upstream = origin.accept();  // the fault came in the content
    EXPECT_FALSE(upstream.receive_rest().ends_with("0\r\n\r\n"));
}

void try_request(const RunningProxy& proxy, ScriptedOrigin& origin, const FramingVector& vector,
                 bool one_by_one) {
    RawConnection client(proxy.port());
    send(client, vector, one_by_one);
    const bool is_for_origin = !vector.raw.starts_with("OPTIONS * ");
    if (vector.kind == "error") {
        expect_refused(client, origin, vector);
    } else if (vector.complete && vector.error.empty()) {
        std::string head;
        std::optional<RawConnection> upstream;
        if (is_for_origin) {
            upstream.emplace(origin.accept_request(head));
            expect_forwarded(*upstream, head, vector);
        }
        const Response response = client.receive_response(vector.method == "HEAD");
        EXPECT_EQ(response.status, 200);
        if (vector.reusable) {
            EXPECT_NE(response.field("Connection"), "close");
        } else {
            EXPECT_NE(client.receive_end(), RawConnection::End::not_yet);
        }
    } else {
        client.reset();
        proxy.wait_until_parked();
        while (origin.has_connection())
            EXPECT_FALSE(origin.accept().receive_rest().ends_with("0\r\n\r\n"));
    }
    client.close();
    proxy.wait_until_parked();
    while (origin.has_connection())  // a pipelined one
        origin.accept();
}

TEST_P(FramingVectors, OfRequests) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(), "ProxyPass / http://" + origin.address() + "/ disablereuse=on\n");
    const std::size_t count = each_vector(true, [&](const FramingVector& vector, bool one_by_one) {
        try_request(proxy, origin, vector, one_by_one);
    });
    EXPECT_EQ(count, 73u);
}

}  // namespace
}  // namespace headgate
