// Fuzzes the framing of requests and responses: whatever the fields say, a verdict keeps the rules
// that smuggling would break.
// First octet of the input: even, a request; odd, a response.
// Second: method, upgrade, completeness.
#include "upstream/framing.h"

#include "proxy/http/head_parser.h"
#include "proxy/http/request_framing.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace headgate;

namespace {

constexpr std::uint64_t largest = (std::uint64_t{1} << 63) - 1;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

void check_request(std::string_view text) {
    http::HeadParser parser(http::HeadParser::Kind::request);
    if (parser.parse(text) != http::HeadParser::Status::complete) {
        return;
    }
    const http::RequestHead head = parser.take_request();
    const auto framing = http::request_framing(head, text);
    if (!framing) {
        require(framing.error().status >= 400 && framing.error().code != http::HeadFault::none);
        return;
    }
    using http::FieldName;
    require(framing->length <= largest);
    require((framing->kind == http::RequestFraming::Kind::chunked) ==
            head.fields.has(FieldName::transfer_encoding));
    require((framing->kind == http::RequestFraming::Kind::length) ==
            (head.fields.count(FieldName::content_length) == 1));
    require(!(framing->may_upgrade && framing->has_content()));
}

void check_response(std::string_view text, std::uint8_t choice) {
    http::HeadParser parser(http::HeadParser::Kind::response);
    if (parser.parse(text) != http::HeadParser::Status::complete) {
        return;
    }
    const http::ResponseHead head = parser.take_response();
    upstream::RequestFacts facts;
    facts.method = static_cast<http::Method>(choice % 10);
    facts.upgrade_requested = (choice & 64) != 0;
    facts.upgrade_protocol = facts.upgrade_requested ? "websocket" : "";
    facts.request_complete = (choice & 128) == 0;
    const auto framing = upstream::response_framing(head, text, facts);
    if (!framing) {
        return;
    }
    using Kind = upstream::Framing::Kind;
    require(framing->length <= largest);
    require(!(head.is_lenient() && framing->upstream_reusable));
    const bool never_reused = framing->kind == Kind::until_close || framing->kind == Kind::tunnel;
    require(!(never_reused && framing->upstream_reusable));
    require(framing->kind == Kind::length || framing->length == 0);
    if (facts.method == http::Method::head && head.status != 101) {
        require(framing->kind == Kind::none);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
    if (data[0] % 2 == 0) {
        check_request(text);
    } else {
        check_response(text, data[1]);
    }
    return 0;
}
