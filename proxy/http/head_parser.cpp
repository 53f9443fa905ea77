// The head parser: the walk through the states, and the header section (RFC 9112 sections 2, 5).
// The start line is read in head_parser_start_line.cpp. One function per element of the grammar.
//
// Each function begins at pos_, reads as far as its element goes, and answers whether there is
// anything left to do. The invariant that makes a head read octet by octet give the same answer as
// one read whole: every decision depends only on octets up to pos_, and no scan goes beyond the
// limit of its line.
#include "proxy/http/head_parser.h"

#include "proxy/http/octets.h"
#include "proxy/http/target.h"

#include <algorithm>
#include <utility>

namespace headgate::http {

namespace {

// A fold hidden in these could give the message another end than the one that we see.
constexpr bool is_framing_name(FieldName id) {
    return id == FieldName::content_length || id == FieldName::transfer_encoding ||
           id == FieldName::connection || id == FieldName::upgrade;
}

}  // namespace

HeadParser::HeadParser(Kind kind, const HeadLimits& limits)
    : limits_(limits),
      state_(kind == Kind::trailers ? State::field_line : State::start),
      kind_(kind) {}

HeadParser::Status HeadParser::parse(std::string_view text) {
    const std::string_view head = text.substr(0, limits_.total);
    while (pos_ < head.size() && step(head)) {
    }
    if (state_ == State::complete) {
        return Status::complete;
    }
    if (state_ != State::error && text.size() >= limits_.total) {
        fail(HeadFault::head_too_large, state_ < State::field_line ? 414 : 431);
    }
    return state_ == State::error ? Status::error : Status::need_more;
}

bool HeadParser::step(std::string_view text) {
    switch (state_) {
        case State::start:
            return read_start(text[pos_]);
        case State::stray_lf:
            return read_stray_lf(text[pos_]);
        case State::method:
            return read_method(text);
        case State::target:
            return read_target(text);
        case State::request_version:
        case State::status_version:
            return read_version(text);
        case State::request_line_cr:
            return read_request_line_end(text[pos_]);
        case State::status_code:
            return read_status_code(text);
        case State::reason_phrase:
            return read_reason(text);
        case State::start_line_lf:
            return read_start_line_lf(text[pos_]);
        case State::field_line:
            return read_field_line(text[pos_]);
        case State::field_name:
            return read_field_name(text);
        case State::field_value_start:
            return read_field_value_start(text);
        case State::field_value:
            return read_field_value(text);
        case State::field_line_lf:
            return read_field_line_lf(text[pos_]);
        case State::after_field_line:
            return read_after_field_line(text);
        case State::head_lf:
            return read_head_lf(text);
        case State::complete:
        case State::error:
            return false;
    }
    return false;
}

// 5: "field-line = field-name ":" OWS field-value OWS". 2.1: fields end with an empty line.
// 2.2: "a recipient MAY recognize a single LF as a line terminator"; not in requests.
bool HeadParser::read_field_line(char octet) {
    if (octet == '\r') {
        ++pos_;
        state_ = State::head_lf;
        return true;
    }
    if (octet == '\n') {
        if (kind_ != Kind::response) {
            return fail(HeadFault::bare_lf);
        }
        has_bare_lf_ = true;
        state_ = State::head_lf;
        return true;
    }
    // 2.2: "A recipient that receives whitespace between the start-line and the first header field
    // MUST either reject the message as invalid or consume" it. Later lines do not come here.
    if (is_white_space(octet)) {
        return fail(kind_ == Kind::response ? HeadFault::bad_field : HeadFault::obs_fold);
    }
    if (fields_.size() >= limits_.fields) {
        return fail(HeadFault::head_too_large, 431);
    }
    line_at_ = mark_ = pos_;
    is_folded_ = false;
    state_ = State::field_name;
    return true;
}

// 5.1: "No whitespace is allowed between the field name and colon." A proxy would have to remove
// it from a response; a sender that writes it is not trusted with framing, so that is refused too.
bool HeadParser::read_field_name(std::string_view text) {
    const std::size_t stop = std::min<std::size_t>(text.size(), line_at_ + limits_.field_size);
    std::uint32_t pos = pos_;
    const bool strips = limits_.strips_space_before_colon && kind_ == Kind::response;
    while (pos < stop && (is_token_octet(text[pos]) || (strips && is_white_space(text[pos])))) {
        ++pos;
    }
    pos_ = pos;
    if (pos_ == text.size()) {
        return false;
    }
    if (!has_room(text, limits_.field_size)) {
        return false;
    }
    if (text[pos_] != ':' || pos_ == mark_ || !end_name(text)) {
        return fail(HeadFault::bad_field);
    }
    field_.id = http::field_name(field_.name.of(text));
    ++pos_;
    state_ = State::field_value_start;
    return true;
}

// RFC 9112 section 5.1: "A proxy MUST remove any such whitespace from a response message before
// forwarding the message downstream." False when there is any inside the name.
bool HeadParser::end_name(std::string_view text) {
    std::uint32_t end = pos_;
    while (end > mark_ && is_white_space(text[end - 1])) {
        --end;
    }
    field_.name = {mark_, end - mark_};
    has_spaced_name_ = has_spaced_name_ || end != pos_;
    const std::string_view name = field_.name.of(text);
    return end == pos_ || (!name.empty() && std::all_of(name.begin(), name.end(), is_token_octet));
}

bool HeadParser::read_field_value_start(std::string_view text) {
    const std::size_t stop = std::min<std::size_t>(text.size(), line_at_ + limits_.field_size);
    while (pos_ < stop && is_white_space(text[pos_])) {
        ++pos_;
    }
    mark_ = pos_;
    if (pos_ == text.size()) {
        return false;
    }
    state_ = State::field_value;
    return read_field_value(text);
}

// 9110 5.5: "field-vchar = VCHAR / obs-text". "Field values containing CR, LF, or NUL characters
// are invalid and dangerous"; the other control octets are refused with them.
bool HeadParser::read_field_value(std::string_view text) {
    const std::size_t stop = std::min<std::size_t>(text.size(), line_at_ + limits_.field_size);
    pos_ = find_control(text, pos_, stop);
    if (pos_ == text.size()) {
        return false;
    }
    if (!has_room(text, limits_.field_size)) {
        return false;
    }
    field_.value = {mark_, pos_ - mark_};
    if (text[pos_] == '\r') {
        ++pos_;
        state_ = State::field_line_lf;
        return true;
    }
    if (text[pos_] != '\n') {
        return fail(HeadFault::bad_field);
    }
    if (kind_ != Kind::response) {
        return fail(HeadFault::bare_lf);
    }
    has_bare_lf_ = true;
    return read_field_line_lf('\n');
}

// 2.2: "A recipient of such a bare CR MUST consider that element to be invalid".
bool HeadParser::read_field_line_lf(char octet) {
    if (octet != '\n') {
        return fail(HeadFault::bad_field);
    }
    ++pos_;
    state_ = State::after_field_line;
    return true;
}

// 5.2: "A server that receives an obs-fold in a request message [...] MUST either reject the
// message by sending a 400", "A proxy or gateway that receives an obs-fold in a response message
// [...] MUST either discard the message and replace it with a 502 [...] or replace each received
// obs-fold with one or more SP octets".
bool HeadParser::read_after_field_line(std::string_view text) {
    if (!is_white_space(text[pos_])) {
        return end_value(text) && read_field_line(text[pos_]);
    }
    if (kind_ != Kind::response) {
        return fail(HeadFault::obs_fold);
    }
    if (is_framing_name(field_.id)) {
        return fail(HeadFault::bad_field);
    }
    has_obs_fold_ = is_folded_ = true;
    state_ = field_.value.empty() ? State::field_value_start : State::field_value;
    return true;
}

// 5.1: "The field line value does not include that leading or trailing whitespace".
bool HeadParser::end_value(std::string_view text) {
    const std::string_view value = field_.value.of(text);
    std::size_t size = value.size();
    while (size > 0 &&
           (is_white_space(value[size - 1]) || (is_folded_ && is_line_end(value[size - 1])))) {
        --size;
    }
    field_.value.size = static_cast<std::uint32_t>(size);
    fields_.add(field_);
    return true;
}

bool HeadParser::read_head_lf(std::string_view text) {
    if (text[pos_] != '\n') {
        return fail(HeadFault::bad_field);
    }
    ++pos_;
    return end_head(text);
}

// 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
// that lacks a Host header field and to any request message that contains more than one Host
// header field line or a Host header field with an invalid field value."
bool HeadParser::end_head(std::string_view text) {
    if (kind_ == Kind::request) {
        const std::size_t hosts = fields_.count(FieldName::host);
        if (hosts > 1 || (hosts == 0 && version_ == Version::http_1_1)) {
            return fail(HeadFault::host);
        }
        if (hosts == 1 && !parse_authority(*fields_.value(FieldName::host, text))) {
            return fail(HeadFault::host);
        }
    }
    state_ = State::complete;
    return false;
}

// Is the octet at pos_ still within the line's limit, or its end? Sets the error when not.
bool HeadParser::has_room(std::string_view text, std::uint32_t limit) {
    if (pos_ - line_at_ < limit || is_line_end(text[pos_])) {
        return true;
    }
    return fail(HeadFault::head_too_large, state_ < State::field_line ? 414 : 431);
}

bool HeadParser::fail(HeadFault code, std::uint16_t request_status) {
    error_ = {code, kind_ == Kind::response ? std::uint16_t{502} : request_status, pos_};
    state_ = State::error;
    return false;
}

bool HeadParser::fail_start_line() {
    return fail(kind_ == Kind::response ? HeadFault::bad_status_line : HeadFault::bad_request_line);
}

RequestHead HeadParser::take_request() {
    RequestHead head;
    head.method = method_;
    head.version = version_;
    head.method_text = first_;
    head.target = target_;
    head.fields = std::move(fields_);
    return head;
}

ResponseHead HeadParser::take_response() {
    ResponseHead head;
    head.version = version_;
    head.status = status_;
    head.reason = first_;
    head.has_bare_lf = has_bare_lf_;
    head.has_obs_fold = has_obs_fold_;
    head.has_stray_line = has_stray_line_;
    head.has_spaced_name = has_spaced_name_;
    head.fields = std::move(fields_);
    return head;
}

Fields HeadParser::take_trailers() {
    return std::move(fields_);
}

void unfold(std::span<char> text, const ResponseHead& head) {
    for (const Field& field : head.fields) {
        for (char& octet : text.subspan(field.value.at, field.value.size)) {
            octet = is_line_end(octet) ? ' ' : octet;
        }
    }
}

}  // namespace headgate::http
