// Fuzzes the chunked decoder: pieces of any size must give what the whole gives, and content plus
// framing must account for every octet.
// First octet of the input: even, from a client; odd, from an upstream. Second: size of pieces.
#include "proxy/http/chunked.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace headgate::http;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

struct Outcome {
    std::string content;
    std::size_t consumed = 0;
    ChunkedDecoder::State state = ChunkedDecoder::State::need_more;
    ChunkFault fault = ChunkFault::none;
    std::string trailers;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome decode(std::string_view raw, std::size_t piece, ChunkedDecoder::Sender sender) {
    ChunkedDecoder decoder(sender);
    Outcome outcome;
    while (outcome.consumed < raw.size() && outcome.state == ChunkedDecoder::State::need_more) {
        const std::string_view given = raw.substr(outcome.consumed, piece);
        std::string part(given);
        const auto decoded = decoder.decode(part);
        require(decoded.content <= decoded.consumed && decoded.consumed <= part.size());
        require(decoded.state != ChunkedDecoder::State::need_more ||
                decoded.consumed == part.size());
        require(part.substr(decoded.consumed) == given.substr(decoded.consumed));
        outcome.content.append(part, 0, decoded.content);
        outcome.consumed += decoded.consumed;
        outcome.state = decoded.state;
    }
    outcome.fault = decoder.fault();
    const auto trailers = decoder.trailers();
    for (const Field& field : trailers.fields) {
        require(is_allowed_in_trailers(field.id));
        outcome.trailers += name(field, trailers.text);
        outcome.trailers += value(field, trailers.text);
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const auto sender =
        data[0] % 2 == 0 ? ChunkedDecoder::Sender::client : ChunkedDecoder::Sender::upstream;
    const std::string_view raw(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Outcome whole = decode(raw, std::max<std::size_t>(raw.size(), 1), sender);
    const Outcome split = decode(raw, std::size_t{data[1]} % 32 + 1, sender);
    require(whole == split);
    return 0;
}
