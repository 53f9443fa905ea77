// Messages as both ends of a vector see them: what a client reads of a response, and an origin of a
// request, each as strictly as the strictest one.
#pragma once

#include <string>
#include <string_view>

#include "tests/support/body_reader.h"
#include "tests/support/wire.h"

namespace headgate::support {

inline constexpr std::string_view head_end = "\r\n\r\n";

/// A message as far as it has come.
struct Message {
    std::string_view head;
    std::string content;
    bool complete = false;
    std::size_t used = 0;  ///< octets up to its end
};

inline void read_content(Message& message, BodyReader& body, std::string_view rest,
                         bool has_ended) {
    const std::size_t size = rest.size();
    Taken taken = Taken::content;
    for (std::string_view run; taken == Taken::content;) {
        taken = body.take(rest, run);
        message.content += run;
    }
    message.complete = taken == Taken::done || (has_ended && body.may_end_here());
    message.used += size - rest.size();
}

/// The response at the front of `input`; without a head when it has not come.
inline Message read_response(std::string_view input, bool to_head, bool has_ended) {
    Message message;
    const std::size_t end = input.find(head_end);
    if (end == std::string_view::npos) return message;
    message.head = input.substr(0, end + 2);
    message.used = end + head_end.size();
    const auto status = parse_number(message.head.substr(9, 3)).value_or(0);
    const std::string_view length = find_field(message.head, "Content-Length");
    BodyReader body;
    if (to_head || status == 204 || status == 304 || (status / 100 == 1 && status != 101)) {
        body.expect_length(0);
    } else if (!find_field(message.head, "Transfer-Encoding").empty()) {
        body.expect_chunked();
    } else if (!length.empty() && status != 101) {
        body.expect_length(parse_number(length).value_or(0));
    } else {
        body.expect_until_close();
    }
    read_content(message, body, input.substr(message.used), has_ended);
    return message;
}

/// The request at the front of `input`, which our own side has made: strictly.
inline Message read_request(std::string_view input) {
    Message message;
    const std::size_t end = input.find(head_end);
    if (end == std::string_view::npos) return message;
    message.head = input.substr(0, end + 2);
    message.used = end + head_end.size();
    BodyReader body;
    body.expect_length(parse_number(find_field(message.head, "Content-Length")).value_or(0));
    if (!find_field(message.head, "Transfer-Encoding").empty()) body.expect_chunked();
    read_content(message, body, input.substr(message.used), false);
    return message;
}

inline bool has_line(std::string_view head, std::string_view line) {
    return head.find("\r\n" + std::string(line) + "\r\n") != std::string_view::npos;
}

inline std::size_t lines_named(std::string_view head, std::string_view name) {
    std::size_t count = 0;
    for (std::size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
        const std::string_view line = head.substr(at + 2);
        count += equals_ignoring_case(line.substr(0, line.find(':')), name) ? 1 : 0;
    }
    return count;
}

/// What must never be in a request that the proxy sends.
inline std::string fault_of_request(std::string_view head) {
    std::string line(head.substr(0, head.find("\r\n")));
    if (!line.ends_with(" HTTP/1.1")) return "request line: " + line;
    const std::size_t lengths = lines_named(head, "Content-Length");
    const std::size_t codings = lines_named(head, "Transfer-Encoding");
    if (lengths + codings > 1) return "framed twice";
    if (lines_named(head, "Host") != 1) return "not one Host";
    for (std::size_t i = 0; i < head.size(); ++i) {
        const auto octet = static_cast<unsigned char>(head[i]);
        const bool is_end = octet == '\r' ? head.substr(i, 2) == "\r\n"
                                          : octet == '\n' && i > 0 && head[i - 1] == '\r';
        if ((octet < 0x20 && octet != '\t' && !is_end) || octet == 0x7f) return "control octet";
    }
    return "";
}

}  // namespace headgate::support
