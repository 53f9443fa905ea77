// Some hundred thousand requests and responses, right and wrong, read by our parsers, Boost.Beast's
// and llhttp. What each disagreement is allowed to be stands in comparison.cpp.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/differential/comparison.h"
#include "tests/differential/mutation.h"

namespace headgate::differential {
namespace {

constexpr std::string_view requests[] = {
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /a/b?c=d HTTP/1.1\r\nHost: h.example\r\nUser-Agent: x\r\nAccept: */*\r\n\r\n",
    "HEAD /a HTTP/1.0\r\n\r\n",
    "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n",
    "PUT /x HTTP/1.1\r\nhost:h\r\ncontent-length:0\r\nX-Empty:\r\n\r\nmore",
    "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET",
    "POST /t HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nT: "
    "v\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close, x\r\n\r\n",
    "DELETE /d HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01x",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: "
    "chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
};

constexpr std::string_view responses[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n",
    "HTTP/1.1 200 OK\r\nServer: s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nmore",
    "HTTP/1.1 200 OK\r\nServer: s\r\n\r\nuntil the end",
    "HTTP/1.0 404 Not Found\r\nContent-Type: text/plain\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nServer: s\r\n\r\n",
    "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nETag: \"x\"\r\n\r\nHTTP/1.1",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nX-Folded: a\r\n  b\r\nContent-Length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\nContent-Length: 2\n\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
};

constexpr std::string_view words[] = {
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    std::string_view("\0", 1),
    ":",
    ",",
    ";",
    "\r\n ",
    "\r\n\r\n",
    "Content-Length: 5\r\n",
    "content-length: 05\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 18446744073709551617\r\n",
    "Content-Length: 0x5\r\n",
    "Content-Length:\r\n",
    "Content-Length : 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: chunked, chunked\r\n",
    "Transfer-Encoding: \"chunked\"\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding:\tchunked\r\n",
    "Transfer_Encoding: chunked\r\n",
    "TE: trailers\r\n",
    "Connection: keep-alive\r\n",
    "Connection: close\r\n",
    "Connection: content-length\r\n",
    "Host: other\r\n",
    "Host: a b\r\n",
    "Host:\r\n",
    "X: y\r\n",
    "X;y: z\r\n",
    "X-\xe9: \xe9\r\n",
    "Expect: something\r\n",
    "Upgrade: h2c\r\n",
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/2.0",
    "http/1.1",
    "0\r\n\r\n",
    "5\r\nhello\r\n",
    "1;x=\"\n\"\r\n",
    "00000000000000000005\r\n",
    "-1\r\n",
    "\x7f",
    "204",
    "1",
    "GET",
    " /x",
    "#f",
    "http://h/",
    "%00",
};

constexpr std::string_view chunks[] = {
    "5\r\nhello\r\n0\r\n\r\n",
    "1\r\na\r\n2\r\nbc\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
    "a;x=y;z=\"q;r\"\r\n0123456789\r\n0\r\n\r\n",
    "A \r\n0123456789\r\n000\r\nTrailer: value\r\nMore: v\r\n\r\n",
    "0\r\n\r\n5\r\nhello",
    "fffffffffffffff1\r\nx",
    "1\r\n\n\r\n0;last\r\nT:\r\n\r\n",
};

constexpr std::string_view chunk_words[] = {
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ";",
    ";x",
    ";x=y",
    ";x=\"y\"",
    "=",
    "\"",
    "\\",
    "0",
    "00",
    "5",
    "0x5",
    "+1",
    "-1",
    "1_0",
    "f",
    "ffffffffffffffff",
    "10000000000000000",
    "0\r\n",
    "0\r\n\r\n",
    "T: v\r\n",
    " T: v\r\n",
    "T : v\r\n",
    "Content-Length: 1\r\n",
    std::string_view("\0", 1),
    "\x7f",
};

/// Every input is also cut at some place: what is incomplete must be so for all.
void run(Kind kind, const std::string& head, std::span<const std::string_view> seeds,
         std::span<const std::string_view> strewn, std::size_t inputs) {
    Comparison comparison(kind);
    for (const std::string_view seed : seeds) {
        for (std::size_t size = 0; size <= seed.size(); size++)
            comparison.compare(head + std::string(seed.substr(0, size)));
    }
    Random random(kind == Kind::request ? 1 : 2);
    while (comparison.inputs() < inputs)
        comparison.compare(head + mutated(random, seeds, strewn));
    std::cout << comparison.inputs() << " inputs, " << comparison.accepted_by_all()
              << " taken by all three\n"
              << comparison.table();
    EXPECT_EQ(comparison.bugs(), "");
    EXPECT_GT(comparison.accepted_by_all(), inputs / 100);
}

TEST(Differential, Requests) {
    run(Kind::request, "", requests, words, 500'000);
}

TEST(Differential, Responses) {
    run(Kind::response, "", responses, words, 500'000);
}

TEST(Differential, ChunksOfClients) {
    run(Kind::request, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", chunks,
        chunk_words, 300'000);
}

TEST(Differential, ChunksOfUpstreams) {
    run(Kind::response, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunks,
        chunk_words, 300'000);
}

}  // namespace
}  // namespace headgate::differential
