// The head parser's first line: request line and status line (RFC 9112 sections 2 to 4).
//
// Read head_parser.cpp first; the invariant told there holds here.
#include "proxy/http/head_parser.h"

#include "proxy/http/octets.h"

#include <algorithm>

namespace headgate::http {

// 2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one
// empty line (CRLF) received prior to the request-line." From an upstream one is let pass too.
bool HeadParser::read_start(char octet) {
    if (is_line_end(octet) && !has_stray_line_) {
        has_stray_line_ = true;
        if (octet == '\r') {
            state_ = State::stray_lf;
        } else if (kind_ == Kind::request) {
            return fail(HeadFault::bare_lf);
        } else {
            has_bare_lf_ = true;
        }
        ++pos_;
        return true;
    }
    line_at_ = mark_ = pos_;
    state_ = kind_ == Kind::request ? State::method : State::status_version;
    return true;
}

bool HeadParser::read_stray_lf(char octet) {
    if (octet != '\n') {
        return fail_start_line();
    }
    ++pos_;
    state_ = State::start;
    return true;
}

// 3: "request-line = method SP request-target SP HTTP-version". 9110 9.1: "method = token".
bool HeadParser::read_method(std::string_view text) {
    const std::size_t stop = std::min<std::size_t>(text.size(), line_at_ + limits_.line);
    while (pos_ < stop && is_token_octet(text[pos_])) {
        ++pos_;
    }
    if (pos_ == text.size()) {
        return false;
    }
    if (!has_room(text, limits_.line)) {
        return false;
    }
    if (text[pos_] != ' ' || pos_ == mark_) {
        return fail_start_line();
    }
    first_ = {mark_, pos_ - mark_};
    method_ = method_of(first_.of(text));
    mark_ = ++pos_;
    state_ = State::target;
    return true;
}

// 3.2: "No whitespace is allowed in the request-target." "Recipients of an invalid request-line
// SHOULD respond with either a 400 (Bad Request) error or a 301"; we never guess. A fragment is not
// part of a target (RFC 9110 section 7.1), and octets beyond ASCII not of a URI (RFC 3986).
bool HeadParser::read_target(std::string_view text) {
    const std::size_t stop = std::min<std::size_t>(text.size(), line_at_ + limits_.line);
    while (pos_ < stop && is_target_octet(text[pos_])) {
        ++pos_;
    }
    if (pos_ == text.size()) {
        return false;
    }
    if (!has_room(text, limits_.line)) {
        return false;
    }
    if (text[pos_] == '#') {
        return fail(HeadFault::bad_target);
    }
    if (text[pos_] != ' ' || pos_ == mark_) {
        return fail_start_line();
    }
    target_ = {mark_, pos_ - mark_};
    mark_ = ++pos_;
    state_ = State::request_version;
    return true;
}

// 2.3: "HTTP-version = HTTP-name "/" DIGIT "." DIGIT", "HTTP-name = %s"HTTP"", case-sensitive.
bool HeadParser::read_version(std::string_view text) {
    constexpr std::string_view pattern = "HTTP/0.0";  // 0: any digit
    while (pos_ - mark_ < pattern.size()) {
        if (pos_ == text.size()) {
            return false;
        }
        const char expected = pattern[pos_ - mark_];
        const bool matches = expected == '0' ? is_digit(text[pos_]) : text[pos_] == expected;
        if (!matches) {
            return fail_start_line();
        }
        ++pos_;
    }
    return end_version(text);
}

bool HeadParser::end_version(std::string_view text) {
    const char major = text[mark_ + 5];
    const char minor = text[mark_ + 7];
    // 9110 15.6.6: 505 is for "the major version of HTTP that was used in the request message".
    if (major > '1' && kind_ == Kind::request) {
        return fail(HeadFault::version, 505);
    }
    if (major != '1') {
        return fail_start_line();
    }
    // 2.3 and 9110 2.5: a higher minor version is to be processed as the highest one known.
    version_ = minor == '0' ? Version::http_1_0 : Version::http_1_1;
    mark_ = pos_;
    state_ = kind_ == Kind::request ? State::request_line_cr : State::status_code;
    return true;
}

bool HeadParser::read_request_line_end(char octet) {
    if (octet == '\n') {
        return fail(HeadFault::bare_lf);
    }
    if (octet != '\r') {
        return fail_start_line();
    }
    if (pos_ - line_at_ > limits_.line) {
        return fail(HeadFault::head_too_large, 414);
    }
    ++pos_;
    state_ = State::start_line_lf;
    return true;
}

// 4: "status-line = HTTP-version SP status-code SP [ reason-phrase ]", "status-code = 3DIGIT".
// The second space is missing often enough, and misleads nobody.
bool HeadParser::read_status_code(std::string_view text) {
    constexpr std::uint32_t whole = 4;  // SP 3DIGIT
    while (pos_ - mark_ < whole) {
        if (pos_ == text.size()) {
            return false;
        }
        const char octet = text[pos_];
        const std::uint32_t index = pos_ - mark_;
        const bool fits = index == 0   ? octet == ' '
                          : index == 1 ? octet >= '1' && octet <= '9'
                                       : is_digit(octet);
        if (!fits) {
            return fail_start_line();
        }
        if (index > 0) {
            status_ = static_cast<std::uint16_t>(status_ * 10 + (octet - '0'));
        }
        ++pos_;
    }
    if (pos_ == text.size()) {
        return false;
    }
    if (text[pos_] != ' ' && !is_line_end(text[pos_])) {
        return fail_start_line();
    }
    pos_ += text[pos_] == ' ' ? 1 : 0;
    mark_ = pos_;
    state_ = State::reason_phrase;
    return true;
}

// 4: "reason-phrase = 1*( HTAB / SP / VCHAR / obs-text )".
bool HeadParser::read_reason(std::string_view text) {
    const std::size_t stop = std::min<std::size_t>(text.size(), line_at_ + limits_.line);
    pos_ = find_control(text, pos_, stop);
    if (pos_ == text.size()) {
        return false;
    }
    if (!has_room(text, limits_.line)) {
        return false;
    }
    if (!is_line_end(text[pos_])) {
        return fail_start_line();
    }
    first_ = {mark_, pos_ - mark_};
    if (text[pos_] == '\r') {
        ++pos_;
        state_ = State::start_line_lf;
        return true;
    }
    has_bare_lf_ = true;
    return read_start_line_lf('\n');
}

bool HeadParser::read_start_line_lf(char octet) {
    if (octet != '\n') {
        return fail_start_line();
    }
    ++pos_;
    state_ = State::field_line;
    return true;
}

}  // namespace headgate::http
