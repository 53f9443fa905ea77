// Writing heads, with nothing that could end a line early.
#include "proxy/http/head_writer.h"

#include <charconv>
#include <cstring>

namespace headgate::http {

namespace {

constexpr bool ends_line(char c) {
    return c == '\r' || c == '\n' || c == '\0';
}

/// Whether one of eight octets may end a line: those that do are below 14, and of the others there
/// only the tab is ever met.
bool may_end_line(const char* eight) {
    constexpr std::uint64_t ones = 0x0101010101010101;
    std::uint64_t octets = 0;
    std::memcpy(&octets, eight, sizeof octets);
    return ((octets - ones * 14) & ~octets & (ones * 0x80)) != 0;
}

constexpr std::string_view spelling(Version version) {
    return version == Version::http_1_0 ? "HTTP/1.0" : "HTTP/1.1";
}

}  // namespace

HeadWriter& HeadWriter::request_line(std::string_view method, std::string_view target,
                                     Version version) {
    append_safely(method);
    out_ += ' ';
    append_safely(target);
    out_ += ' ';
    out_ += spelling(version);
    out_ += "\r\n";
    return *this;
}

// RFC 9112 section 4: "A server MUST send the space that separates the status-code from the
// reason-phrase even when the reason-phrase is absent".
HeadWriter& HeadWriter::status_line(std::uint16_t status, std::string_view reason,
                                    Version version) {
    out_ += spelling(version);
    out_ += ' ';
    out_ += static_cast<char>('0' + status / 100 % 10);
    out_ += static_cast<char>('0' + status / 10 % 10);
    out_ += static_cast<char>('0' + status % 10);
    out_ += ' ';
    append_safely(reason);
    out_ += "\r\n";
    return *this;
}

HeadWriter& HeadWriter::field(std::string_view name, std::string_view value) {
    append_safely(name);
    out_ += ": ";
    append_safely(value);
    out_ += "\r\n";
    return *this;
}

HeadWriter& HeadWriter::content_length(std::uint64_t octets) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, octets);
    return field(FieldName::content_length, {digits, static_cast<std::size_t>(end.ptr - digits)});
}

void HeadWriter::end() {
    out_ += "\r\n";
}

void HeadWriter::append_safely(std::string_view text) {
    std::size_t at = out_.size();
    out_.append(text);
    while (out_.size() - at >= 8 && !may_end_line(&out_[at]))
        at += 8;
    for (; at < out_.size(); at++) {
        if (ends_line(out_[at])) out_[at] = ' ';
    }
}

bool has_field_line(std::string_view written, std::string_view name) {
    for (std::size_t at = 0; at < written.size();) {
        const std::string_view line = written.substr(at);
        const std::size_t colon = line.find(':');
        if (equals_ignore_case(line.substr(0, colon), name)) return true;
        const std::size_t end = line.find("\r\n");
        if (end == std::string_view::npos) return false;
        at += end + 2;
    }
    return false;
}

}  // namespace headgate::http
