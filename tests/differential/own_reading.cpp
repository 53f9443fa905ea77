// Ours: the parsers of proxy/http and upstream/, in the order in which the engine uses them.
#include <algorithm>

#include "proxy/http/chunked.h"
#include "proxy/http/head_parser.h"
#include "proxy/http/request_framing.h"
#include "proxy/http/target.h"
#include "tests/differential/reading.h"
#include "upstream/framing.h"

namespace headgate::differential {
namespace {

using http::HeadParser;

std::string version(http::Version version) {
    return version == http::Version::http_1_0 ? " 1.0" : " 1.1";
}

std::vector<std::string> lines(const http::Fields& fields, std::string_view text) {
    std::vector<std::string> list;
    for (const http::Field& field : fields)
        list.push_back(field_line(name(field, text), value(field, text)));
    normalise(list);
    return list;
}

void refuse(OwnReading& reading, const char* reason) {
    reading.head = Outcome::refused;
    reading.reason = reason;
}

void read_content(OwnReading& reading, std::string_view rest, std::size_t head_size,
                  http::ChunkedDecoder::Sender sender) {
    if (reading.framing == "chunked") {
        http::ChunkedDecoder decoder(sender);
        std::string raw(rest);
        const auto decoded = decoder.decode(raw);
        reading.content = raw.substr(0, decoded.content);
        reading.end = head_size + decoded.consumed;
        if (decoded.state == http::ChunkedDecoder::State::error) {
            reading.content_outcome = Outcome::refused;
            reading.reason = http::reason(decoder.fault());
        } else if (decoded.state == http::ChunkedDecoder::State::complete) {
            reading.content_outcome = Outcome::accepted;
        }
        return;
    }
    std::uint64_t length = 0;
    if (reading.framing == "close") length = rest.size();
    if (reading.framing[0] <= '9') length = std::stoull(reading.framing);
    reading.content = rest.substr(0, length);
    if (reading.content.size() < length) return;
    reading.content_outcome = Outcome::accepted;
    reading.end = head_size + reading.content.size();
}

void judge_request(OwnReading& reading, HeadParser& parser, std::string_view text) {
    const http::RequestHead head = parser.take_request();
    const auto target = http::parse_target(head, text);
    if (!target) return refuse(reading, http::name(target.error().code));
    const auto framing = http::request_framing(head, text);
    if (!framing) return refuse(reading, http::name(framing.error().code));
    reading.head = Outcome::accepted;
    reading.start = std::string(head.method_text.of(text)) + " " +
                    std::string(head.target.of(text)) + version(head.version);
    reading.fields = lines(head.fields, text);
    reading.framing = framing->kind == http::RequestFraming::Kind::length
                          ? std::to_string(framing->length)
                          : http::name(framing->kind);
}

void judge_response(OwnReading& reading, HeadParser& parser, std::string& text) {
    const http::ResponseHead head = parser.take_response();
    reading.is_lenient = head.is_lenient();
    if (head.has_obs_fold) http::unfold(text, head);
    const auto framing = upstream::response_framing(head, text, {});
    if (!framing) return refuse(reading, upstream::name(framing.error()));
    reading.head = Outcome::accepted;
    reading.start = std::to_string(head.status) + version(head.version);
    reading.fields = lines(head.fields, text);
    reading.framing = framing->kind == upstream::Framing::Kind::length
                          ? std::to_string(framing->length)
                          : upstream::name(framing->kind);
}

}  // namespace

OwnReading read_own(Kind kind, std::string_view given) {
    const bool is_request = kind == Kind::request;
    OwnReading reading;
    std::string text(given);
    HeadParser parser(is_request ? HeadParser::Kind::request : HeadParser::Kind::response);
    const HeadParser::Status status = parser.parse(text);
    if (status == HeadParser::Status::need_more) return reading;
    if (status == HeadParser::Status::error) {
        refuse(reading, http::name(parser.error().code));
        return reading;
    }
    const std::size_t size = parser.head_size();
    std::string head = text.substr(0, size);
    is_request ? judge_request(reading, parser, head) : judge_response(reading, parser, head);
    if (reading.head != Outcome::accepted) return reading;
    read_content(
        reading, given.substr(size), size,
        is_request ? http::ChunkedDecoder::Sender::client : http::ChunkedDecoder::Sender::upstream);
    return reading;
}

std::string field_line(std::string_view name, std::string_view value) {
    std::string line;
    for (const char octet : name)
        line += octet >= 'A' && octet <= 'Z' ? static_cast<char>(octet | 0x20) : octet;
    line += ": ";
    const std::size_t first = value.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return line;
    value = value.substr(first, value.find_last_not_of(" \t\r\n") + 1 - first);
    for (const char octet : value) {
        const bool is_space = octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
        if (!is_space || line.back() != ' ') line += is_space ? ' ' : octet;
    }
    return line;
}

void normalise(std::vector<std::string>& fields) {
    std::stable_sort(fields.begin(), fields.end(), [](const auto& left, const auto& right) {
        return left.substr(0, left.find(':')) < right.substr(0, right.find(':'));
    });
}

}  // namespace headgate::differential
