// The framing vectors (tests/cases/framing-vectors.json), run through head parser, framing and
// chunked decoder: whole, octet by octet, and split in two at every octet. How the octets arrive
// must not change anything.
//
// Vectors of FastCGI and of idle connections are about other parts; their number is asserted, so
// that none is left out by accident.
#include "upstream/framing.h"

#include "proxy/http/chunked.h"
#include "proxy/http/connection_options.h"
#include "proxy/http/head_parser.h"
#include "proxy/http/request_framing.h"
#include "proxy/http/target.h"

#include <gtest/gtest.h>

#include "tests/support/framing_vectors.h"

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace headgate::upstream {
namespace {

struct Outcome {
    std::string kind = "pending";
    std::string error;
    int status = 0;
    std::size_t body_len = 0;
    std::size_t leftover = 0;
    std::size_t offset = 0;  // of a fault in the head; not in the vectors
    bool complete = false;
    bool reusable = false;
    std::vector<int> interim;
    std::string content;  // not in the vectors

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& o) {
    out << o.kind << " error=" << o.error << " status=" << o.status << " body_len=" << o.body_len
        << " leftover=" << o.leftover << " offset=" << o.offset << " complete=" << o.complete
        << " reusable=" << o.reusable << " interim=";
    for (const int status : o.interim) {
        out << status << ' ';
    }
    return out;
}

struct Vector : support::FramingVector {
    http::Method method = http::Method::get;
    Outcome expect;
};

std::vector<Vector> read_vectors(const std::string& file) {
    std::vector<Vector> vectors;
    for (support::FramingVector& each : support::read_framing_vectors(file)) {
        Vector vector;
        static_cast<support::FramingVector&>(vector) = each;
        vector.method = http::method_of(each.method.c_str());
        const support::VectorOutcome& from = each.expect;
        vector.expect = {from.kind, from.error,    from.status,   from.body_len, from.leftover,
                         0,         from.complete, from.reusable, from.interim,  ""};
        vectors.push_back(std::move(vector));
    }
    return vectors;
}

// Receives a message piece by piece, as a connection would.
class Receiver {
public:
    explicit Receiver(const Vector& vector) : vector_(vector), parser_(kind()) {}

    void receive(std::string_view piece) {
        if (in_content_ || failed_) {
            receive_content(piece);
            return;
        }
        head_.append(piece);
        receive_head();
    }

    Outcome finish() {
        if (vector_.eof || vector_.is_reset) {
            receive_end();
        }
        outcome_.reusable = outcome_.complete && persists_ && outcome_.leftover == 0;
        return outcome_;
    }

private:
    http::HeadParser::Kind kind() const {
        return vector_.is_request ? http::HeadParser::Kind::request
                                  : http::HeadParser::Kind::response;
    }

    void receive_head() {
        while (!in_content_ && !failed_) {
            // A copy that is gone afterwards: nothing may point into the text of the last call.
            const std::string text = head_;
            const auto status = parser_.parse(text);
            if (status == http::HeadParser::Status::need_more) {
                return;
            }
            if (status == http::HeadParser::Status::error) {
                fail(parser_.error());
                return;
            }
            const std::string rest = head_.substr(parser_.head_size());
            head_.resize(parser_.head_size());
            vector_.is_request ? take_request() : take_response();
            if (in_content_) {
                decide_if_done();
                receive_content(rest);
                return;
            }
            head_ = rest;
            parser_ = http::HeadParser(kind());
        }
    }

    void take_request() {
        const http::RequestHead head = parser_.take_request();
        const auto target = http::parse_target(head, head_);
        if (!target) {
            fail(target.error());
            return;
        }
        const auto framing = http::request_framing(head, head_);
        if (!framing) {
            fail(framing.error());
            return;
        }
        outcome_.kind = name(framing->kind);
        left_ = framing->length;
        persists_ = http::client_wants_keep_alive(head.version, head.fields, head_);
        chunked_.emplace(http::ChunkedDecoder::Sender::client);
        in_content_ = true;
    }

    void take_response() {
        const http::ResponseHead head = parser_.take_response();
        RequestFacts facts;
        facts.method = vector_.method;
        facts.upgrade_requested = !vector_.upgrade.empty();
        facts.upgrade_protocol = vector_.upgrade;
        facts.request_complete = vector_.request_complete;
        const FramingResult framing = response_framing(head, head_, facts);
        if (!framing) {
            fail_with(name(framing.error()), 502);
            return;
        }
        persists_ = persists_ && framing->upstream_reusable;
        if (framing->is_interim) {
            constexpr std::size_t most_interim = 10;
            if (outcome_.interim.size() == most_interim) {
                fail_with("too-many-1xx", 502);
                return;
            }
            outcome_.interim.push_back(head.status);
            return;
        }
        outcome_.kind = name(framing->kind);
        outcome_.status = head.status;
        left_ = framing->length;
        chunked_.emplace(http::ChunkedDecoder::Sender::upstream);
        in_content_ = true;
    }

    void decide_if_done() {
        outcome_.complete = outcome_.kind == "none" || (outcome_.kind == "length" && left_ == 0);
    }

    void receive_content(std::string_view piece) {
        if (failed_) {
            return;
        }
        if (outcome_.complete) {
            outcome_.leftover += piece.size();
            return;
        }
        if (outcome_.kind == "chunked") {
            receive_chunked(piece);
            return;
        }
        const std::size_t size =
            outcome_.kind == "length" ? std::min<std::uint64_t>(left_, piece.size()) : piece.size();
        deliver(piece.substr(0, size));
        left_ -= outcome_.kind == "length" ? size : 0;
        decide_if_done();
        outcome_.leftover += piece.size() - size;
    }

    void receive_chunked(std::string_view piece) {
        std::string raw(piece);
        const auto decoded = chunked_->decode(raw);
        deliver({raw.data(), decoded.content});
        if (decoded.state == http::ChunkedDecoder::State::error) {
            outcome_.error = "bad-chunk";
            outcome_.status = vector_.is_request ? 400 : outcome_.status;
            failed_ = true;
            return;
        }
        outcome_.complete = decoded.state == http::ChunkedDecoder::State::complete;
        outcome_.leftover += piece.size() - decoded.consumed;
    }

    void deliver(std::string_view content) {
        outcome_.body_len += content.size();
        outcome_.content += content;
    }

    void receive_end() {
        persists_ = false;
        if (failed_ || outcome_.complete) {
            return;
        }
        if (!in_content_) {
            fail_with("eof-in-head", 502);
        } else if (outcome_.kind == "close" && !vector_.is_torn_tls && !vector_.is_reset) {
            outcome_.complete = true;
        } else {
            outcome_.error = vector_.is_request ? "client-truncated" : "truncated";
            outcome_.status = vector_.is_request ? 400 : outcome_.status;
        }
    }

    void fail(const http::HeadError& error) {
        fail_with(http::name(error.code), error.status);
        outcome_.offset = error.offset;
    }

    void fail_with(const char* error, int status) {
        outcome_.kind = "error";
        outcome_.error = error;
        outcome_.status = status;
        failed_ = true;
    }

    const Vector& vector_;
    http::HeadParser parser_;
    std::string head_;
    std::optional<http::ChunkedDecoder> chunked_;
    std::uint64_t left_ = 0;
    bool in_content_ = false;
    bool failed_ = false;
    bool persists_ = true;
    Outcome outcome_;
};

Outcome run_split(const Vector& vector, std::size_t at) {
    Receiver receiver(vector);
    receiver.receive(std::string_view(vector.raw).substr(0, at));
    if (at < vector.raw.size()) {
        receiver.receive(std::string_view(vector.raw).substr(at));
    }
    return receiver.finish();
}

Outcome run_by_octet(const Vector& vector) {
    Receiver receiver(vector);
    for (const char& octet : vector.raw) {
        receiver.receive({&octet, 1});
    }
    return receiver.finish();
}

Outcome without_extras(Outcome outcome) {
    outcome.offset = 0;
    outcome.content.clear();
    return outcome;
}

struct Counts {
    std::size_t run = 0;
    std::size_t fcgi = 0;
    std::size_t idle = 0;
};

Counts run_all(const std::string& file) {
    Counts counts;
    for (const Vector& vector : read_vectors(file)) {
        if (vector.proto == "fcgi" || vector.is_idle) {
            (vector.is_idle ? counts.idle : counts.fcgi) += 1;
            continue;
        }
        if (vector.is_configured) continue;
        SCOPED_TRACE(vector.name);
        ++counts.run;
        const Outcome whole = run_split(vector, vector.raw.size());
        EXPECT_EQ(without_extras(whole), vector.expect);
        EXPECT_EQ(run_by_octet(vector), whole);
        for (std::size_t at = 0; at < vector.raw.size(); at++) {
            const Outcome split = run_split(vector, at);
            EXPECT_EQ(split, whole) << "split at " << at;
            if (!(split == whole)) break;
        }
    }
    return counts;
}

TEST(FramingVectors, HoldHoweverTheOctetsArrive) {
    const Counts counts = run_all("framing-vectors.json");
    EXPECT_EQ(counts.run, 155U);
    EXPECT_EQ(counts.fcgi, 10U);
    EXPECT_EQ(counts.idle, 3U);
}

TEST(FramingVectors, OfOurOwnHoldToo) {
    const Counts counts = run_all("more-framing-vectors.json");
    EXPECT_GE(counts.run, 200U);
    EXPECT_EQ(counts.fcgi, 0U);
    EXPECT_EQ(counts.idle, 3U);
}

TEST(FramingVectors, OfHostilePeersHoldToo) {
    const Counts counts = run_all("hostile-framing-vectors.json");
    EXPECT_GE(counts.run, 650U);
}

TEST(FramingVectors, OfOddCombinationsHoldToo) {
    const Counts counts = run_all("odd-framing-vectors.json");
    EXPECT_GE(counts.run, 100U);
}

// What the vectors do not say.

FramingResult framing_of(std::string_view text, RequestFacts facts = {}) {
    http::HeadParser parser(http::HeadParser::Kind::response);
    EXPECT_EQ(parser.parse(text), http::HeadParser::Status::complete) << text;
    return response_framing(parser.take_response(), text, facts);
}

TEST(ResponseFraming, TunnelsASuccessfulConnectWhateverItsFieldsSay) {
    RequestFacts facts;
    facts.method = http::Method::connect;
    const auto framing = framing_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", facts);
    ASSERT_TRUE(framing);
    EXPECT_EQ(framing->kind, Framing::Kind::tunnel);
    EXPECT_TRUE(framing->drop_content_length);
    EXPECT_FALSE(framing->upstream_reusable);
}

TEST(ResponseFraming, ReusesAfterNotModifiedWithLength) {
    const auto framing = framing_of("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
    ASSERT_TRUE(framing);
    EXPECT_EQ(framing->kind, Framing::Kind::none);
    EXPECT_TRUE(framing->upstream_reusable);
    EXPECT_FALSE(framing->drop_content_length);
}

TEST(ResponseFraming, DropsContentLengthBesideChunkedAndIn204) {
    const auto both =
        framing_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n");
    ASSERT_TRUE(both);
    EXPECT_TRUE(both->drop_content_length);
    const auto empty = framing_of("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(empty);
    EXPECT_TRUE(empty->drop_content_length);
    EXPECT_TRUE(empty->upstream_reusable);
}

TEST(ResponseFraming, DecodesChunkedOfHttp10AndThenCloses) {
    const auto framing = framing_of("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    ASSERT_TRUE(framing);
    EXPECT_EQ(framing->kind, Framing::Kind::chunked);
    EXPECT_FALSE(framing->upstream_reusable);
}

TEST(ResponseFraming, SwitchesOnlyToWhatWasAsked) {
    const std::string_view head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n";
    EXPECT_FALSE(framing_of(head));
    RequestFacts facts;
    facts.upgrade_requested = true;
    facts.upgrade_protocol = "chat, websocket";
    const auto framing = framing_of(head, facts);
    ASSERT_TRUE(framing);
    EXPECT_EQ(framing->kind, Framing::Kind::tunnel);
    const std::string begin = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nUpgrade: ";
    EXPECT_TRUE(framing_of(begin + "websocket\r\n\r\n", facts));
    EXPECT_FALSE(framing_of(begin + "h2c\r\n\r\n", facts));
    const auto silent = framing_of("HTTP/1.1 101 Switching Protocols\r\n\r\n", facts);
    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error(), FramingFault::unexpected_101);
}

}  // namespace
}  // namespace headgate::upstream
