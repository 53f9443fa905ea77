// Writes the head of an HTTP/1 message (RFC 9112 sections 3 to 5) behind what is in a string.
//
// Not a judge: which fields are written is the caller's decision. But a CR, LF or NUL in anything
// passed is written as a space, so that no text, wherever it came from, can end a line.
#pragma once

#include "proxy/http/message.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::http {

/// Holds a reference to `out`, which the caller keeps. Call order: one start line, fields, end.
class HeadWriter {
public:
    explicit HeadWriter(std::string& out) : out_(out) {}

    HeadWriter& request_line(std::string_view method, std::string_view target,
                             Version version = Version::http_1_1);
    /// An empty `reason` is written as such ("HTTP/1.1 200 "); see reason_phrase().
    HeadWriter& status_line(std::uint16_t status, std::string_view reason,
                            Version version = Version::http_1_1);
    HeadWriter& field(std::string_view name, std::string_view value);
    HeadWriter& field(FieldName name, std::string_view value) {
        return field(spelling(name), value);
    }
    HeadWriter& content_length(std::uint64_t octets);
    /// The empty line. Nothing may follow but content.
    void end();

private:
    void append_safely(std::string_view text);

    std::string& out_;
};

/// Is there a field line of that name, in any case, in what a HeadWriter has written?
bool has_field_line(std::string_view written, std::string_view name);

}  // namespace headgate::http
