// llhttp, the parser of Node.js, in its strict form.
#include <llhttp.h>

#include "tests/differential/reading.h"

namespace headgate::differential {
namespace {

struct Collected {
    Reading reading;
    std::string method;
    std::string target;
    std::string name;
    std::string value;
    bool has_field = false;

    void end_field() {
        if (has_field) reading.fields.push_back(field_line(name, value));
        name.clear();
        value.clear();
        has_field = false;
    }
};

Collected& of(llhttp_t* parser) {
    return *static_cast<Collected*>(parser->data);
}

int on_target(llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).target.append(at, size);
    return 0;
}

int on_name(llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).name.append(at, size);
    of(parser).has_field = true;
    return 0;
}

int on_value(llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).value.append(at, size);
    return 0;
}

int on_field(llhttp_t* parser) {
    // Trailers come the same way; they are no part of the head.
    Collected& collected = of(parser);
    if (collected.reading.head == Outcome::incomplete) collected.end_field();
    return 0;
}

std::string framing_of(llhttp_t* parser) {
    const unsigned status = parser->status_code;
    const bool is_response = parser->type == HTTP_RESPONSE;
    if (is_response && (status / 100 == 1 || status == 204 || status == 304)) return "none";
    if ((parser->flags & F_CHUNKED) != 0) return "chunked";
    if ((parser->flags & F_CONTENT_LENGTH) != 0) return std::to_string(parser->content_length);
    return llhttp_message_needs_eof(parser) != 0 ? "close" : "none";
}

int on_head(llhttp_t* parser) {
    Collected& collected = of(parser);
    Reading& reading = collected.reading;
    reading.head = Outcome::accepted;
    reading.start =
        parser->type == HTTP_REQUEST
            ? std::string(llhttp_method_name(static_cast<llhttp_method_t>(parser->method))) + " " +
                  collected.target
            : std::to_string(parser->status_code);
    reading.start += parser->http_minor == 0 ? " 1.0" : " 1.1";
    normalise(reading.fields);
    reading.framing = framing_of(parser);
    return 0;
}

int on_content(llhttp_t* parser, const char* at, std::size_t size) {
    of(parser).reading.content.append(at, size);
    return 0;
}

int on_end(llhttp_t* parser) {
    of(parser).reading.content_outcome = Outcome::accepted;
    return HPE_PAUSED;
}

}  // namespace

Reading read_llhttp(Kind kind, std::string_view text) {
    static const llhttp_settings_t settings = [] {
        llhttp_settings_t made;
        llhttp_settings_init(&made);
        made.on_url = on_target;
        made.on_header_field = on_name;
        made.on_header_value = on_value;
        made.on_header_value_complete = on_field;
        made.on_headers_complete = on_head;
        made.on_body = on_content;
        made.on_message_complete = on_end;
        return made;
    }();
    Collected collected;
    llhttp_t parser;
    llhttp_init(&parser, kind == Kind::request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    parser.data = &collected;
    llhttp_errno_t error = llhttp_execute(&parser, text.data(), text.size());
    Reading& reading = collected.reading;
    const bool at_end = reading.content_outcome == Outcome::accepted;
    if (at_end) {
        reading.end = llhttp_get_error_pos(&parser) - text.data();
        return reading;
    }
    if (error == HPE_OK && reading.head == Outcome::accepted && reading.framing == "close") {
        llhttp_finish(&parser);
        reading.end = text.size();
        return reading;
    }
    if (error == HPE_OK) return reading;
    (reading.head == Outcome::accepted ? reading.content_outcome : reading.head) = Outcome::refused;
    reading.reason = llhttp_errno_name(error);
    return reading;
}

}  // namespace headgate::differential
