// The chunked decoder: in place, however the octets arrive; trailers; limits. And the encoding.
#include "proxy/http/chunked.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::http {
namespace {

using Sender = ChunkedDecoder::Sender;
using State = ChunkedDecoder::State;

struct Decoding {
    std::string content;
    std::size_t consumed = 0;
    State state = State::need_more;
    ChunkFault fault = ChunkFault::none;
    std::string trailers;

    friend bool operator==(const Decoding&, const Decoding&) = default;
};

Decoding decode(std::string_view raw, std::size_t piece, Sender sender = Sender::upstream) {
    ChunkedDecoder decoder(sender);
    Decoding run;
    while (run.consumed < raw.size() && run.state == State::need_more) {
        std::string part(raw.substr(run.consumed, piece));
        const auto decoded = decoder.decode(part);
        run.content.append(part, 0, decoded.content);
        run.consumed += decoded.consumed;
        run.state = decoded.state;
    }
    run.fault = decoder.fault();
    const auto trailers = decoder.trailers();
    for (const Field& field : trailers.fields) {
        run.trailers += name(field, trailers.text);
        run.trailers += '=';
        run.trailers += value(field, trailers.text);
        run.trailers += ';';
    }
    return run;
}

// Whole and in pieces of every size.
Decoding decode_all_ways(std::string_view raw, Sender sender = Sender::upstream) {
    const Decoding whole = decode(raw, raw.size(), sender);
    for (std::size_t piece = 1; piece < raw.size() && piece < 300; ++piece) {
        EXPECT_EQ(decode(raw, piece, sender), whole) << "in pieces of " << piece;
    }
    return whole;
}

TEST(Chunked, CompactsContentAndLeavesWhatFollows) {
    std::string raw = "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\nHTTP";
    ChunkedDecoder decoder(Sender::client);
    const auto decoded = decoder.decode(raw);
    EXPECT_EQ(decoded.state, State::complete);
    EXPECT_EQ(raw.substr(0, decoded.content), "abcde");
    EXPECT_EQ(raw.substr(decoded.consumed), "HTTP");
    EXPECT_TRUE(decoder.is_complete());
    EXPECT_TRUE(decoder.trailers().fields.empty());
}

TEST(Chunked, DecodesTheSameInPieces) {
    const Decoding run =
        decode_all_ways("5\r\nhello\r\n00b; a = \"b\"\r\nwide, world\r\n000\r\n\r\n");
    EXPECT_EQ(run.state, State::complete);
    EXPECT_EQ(run.content, "hellowide, world");
}

TEST(Chunked, KeepsTrailersApartWithoutFramingNames) {
    const Decoding run = decode_all_ways(
        "1\r\nx\r\n0\r\nX-Sum: 1\r\nContent-Length: 5\r\nHost: h\r\ngrpc-status: 0\r\n\r\nGET");
    EXPECT_EQ(run.state, State::complete);
    EXPECT_EQ(run.trailers, "X-Sum=1;grpc-status=0;");
}

TEST(Chunked, IsSmallAndMovable) {
    EXPECT_LE(sizeof(ChunkedDecoder), 64U);
    std::string first = "0\r\nX-A: 1";
    std::string second = "2\r\n\r\n";
    ChunkedDecoder decoder(Sender::client);
    EXPECT_EQ(decoder.decode(first).state, State::need_more);
    ChunkedDecoder moved(std::move(decoder));
    EXPECT_EQ(moved.decode(second).state, State::complete);
    const auto trailers = moved.trailers();
    EXPECT_EQ(value(trailers.fields[0], trailers.text), "12");
}

TEST(Chunked, ToleratesPaddingFromAnUpstreamOnly) {
    EXPECT_EQ(decode_all_ways("1 \t\r\nx\r\n0 ;e\r\n\r\n").state, State::complete);
    EXPECT_EQ(decode_all_ways("1 \r\nx\r\n", Sender::client).fault, ChunkFault::after_size);
    EXPECT_EQ(decode_all_ways("1" + std::string(10, ' ') + "\r\nx").content, "x");
    EXPECT_EQ(decode_all_ways("1" + std::string(11, ' ') + "\r\nx").fault, ChunkFault::after_size);
}

TEST(Chunked, NamesEachFault) {
    const auto fault = [](std::string_view raw) { return decode_all_ways(raw).fault; };
    EXPECT_EQ(fault("g\r\n"), ChunkFault::size);
    EXPECT_EQ(fault("\r\n"), ChunkFault::size);
    EXPECT_EQ(fault("7fffffffffffffff\r\n"), ChunkFault::none);
    EXPECT_EQ(fault("8000000000000000\r\n"), ChunkFault::size_overflow);
    EXPECT_EQ(fault("1x\r\n"), ChunkFault::after_size);
    EXPECT_EQ(fault("1\n"), ChunkFault::bare_lf);
    EXPECT_EQ(fault("1;a\x01"), ChunkFault::extension);
    EXPECT_EQ(fault("1;a\rb"), ChunkFault::extension);
    EXPECT_EQ(fault("1\r\nxy"), ChunkFault::after_data);
    EXPECT_EQ(fault("1\r\nx\n"), ChunkFault::bare_lf);
    EXPECT_EQ(fault("0\r\n\n"), ChunkFault::bare_lf);
    EXPECT_EQ(fault("0\r\nbad\r\n"), ChunkFault::trailer);
    EXPECT_EQ(fault("0\r\nA: b\n"), ChunkFault::trailer);
    EXPECT_EQ(fault("0\r\n\rx"), ChunkFault::trailer);
}

TEST(Chunked, LimitsExtensionsPerLineAndPerMessage) {
    EXPECT_EQ(decode_all_ways("1;" + std::string(1022, 'e') + "\r\nx").fault, ChunkFault::none);
    EXPECT_EQ(decode_all_ways("1;" + std::string(1023, 'e') + "\r\nx").fault,
              ChunkFault::line_too_long);
    std::string many;
    for (int i = 0; i < 17; ++i) {
        many += "1;" + std::string(999, 'e') + "\r\nx\r\n";
    }
    EXPECT_EQ(decode(many, many.size()).fault, ChunkFault::extensions_total);
}

TEST(Chunked, LimitsTheTrailerSection) {
    const std::string fits = "X-A: " + std::string(8192 - 5 - 4, 'v') + "\r\n\r\n";
    EXPECT_EQ(decode("0\r\n" + fits, 1000).state, State::complete);
    EXPECT_EQ(decode("0\r\nX" + fits, 1000).fault, ChunkFault::trailer_too_long);
    EXPECT_EQ(decode("0\r\nX" + fits, 1).fault, ChunkFault::trailer_too_long);
    EXPECT_EQ(decode("0\r\nX" + fits, 9000).fault, ChunkFault::trailer_too_long);
}

TEST(Chunked, WritesChunkHeads) {
    const auto head = [](std::uint64_t size) {
        char room[chunk_head_room];
        return std::string(room, chunk_head(size, room));
    };
    EXPECT_EQ(head(1), "1\r\n");
    EXPECT_EQ(head(0x10), "10\r\n");
    EXPECT_EQ(head(0xabcdef), "abcdef\r\n");
    EXPECT_EQ(head(~std::uint64_t{0}), "ffffffffffffffff\r\n");
}

TEST(Chunked, ForgivesBareLfBehindExtensionsToo) {
    using Sender = ChunkedDecoder::Sender;
    for (const bool is_forgiven : {true, false}) {
        SCOPED_TRACE(is_forgiven);
        std::string raw = "2;a\nab\n0;b=\"c\"\n\n";
        ChunkedDecoder decoder(is_forgiven ? Sender::forgiven_upstream : Sender::upstream);
        const auto decoded = decoder.decode(raw);
        EXPECT_EQ(decoded.state,
                  is_forgiven ? ChunkedDecoder::State::complete : ChunkedDecoder::State::error);
        EXPECT_EQ(decoded.content, is_forgiven ? 2U : 0U);
    }
}

}  // namespace
}  // namespace headgate::http
