// One connection of headgate-origin and the exchange on it, as data, with the few functions that
// make responses. Private to the program.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

#include "tests/support/body_reader.h"
#include "tests/support/content_pattern.h"
#include "tests/support/socket_help.h"

namespace headgate::support {

inline constexpr std::size_t piece_limit = 16 * 1024;  // content made at a time

struct Request {
    std::string head;  // request line and field lines, each with its CR LF
    std::string method;
    std::string path;
    std::string query;
    bool is_http10 = false;
    bool keeps_alive = true;
};

enum class Framing { none, length, chunked, until_close };

// What an exchange does when its response content is all made.
enum class Ending { by_framing, reset, half_close };

enum class Step { head, content, waiting, sending, ending, silent, draining };

// One exchange; begun anew with every request.
struct Exchange {
    Step step = Step::head;
    std::uint64_t due = 0;  // when it goes on, if it waits
    Request request;
    BodyReader body;
    ContentHash hash;
    std::uint64_t received = 0;
    bool echoes = false;
    Framing framing = Framing::none;
    Ending ending = Ending::by_framing;
    std::string waiting_output;  // goes out when the wait is over
    std::uint64_t total = 0;     // content of the response: all, and made so far
    std::uint64_t made = 0;
    std::uint64_t piece = piece_limit;
    std::uint64_t interval_us = 0;  // between two pieces
    bool releases_all = false;
};

struct Connection : Exchange {
    Descriptor socket;
    std::uint64_t serial = 0;  // descriptors are used again, serials never
    std::string input;
    bool input_ended = false;
    std::string output;
    std::size_t written = 0;
    std::uint64_t armed = 0;  // the timer that is set for it
};

inline std::uint64_t parameter(const Request& request, std::string_view name,
                               std::uint64_t otherwise) {
    std::string_view rest = request.query;
    while (!rest.empty()) {
        auto one = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(one.size() + 1, rest.size()));
        auto equals = one.find('=');
        if (equals == std::string_view::npos || one.substr(0, equals) != name) continue;
        return parse_number(one.substr(equals + 1)).value_or(otherwise);
    }
    return otherwise;
}

inline std::string date_now() {
    char text[64];
    auto now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

inline std::string response_head(Connection& c, int status, Framing framing, std::uint64_t length) {
    if (framing == Framing::chunked && c.request.is_http10) framing = Framing::until_close;
    if (framing == Framing::until_close) c.request.keeps_alive = false;
    c.framing = framing;
    std::string head = "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " As Asked");
    head += "\r\nServer: headgate-origin\r\nDate: " + date_now();
    head += "\r\nContent-Type: text/plain; charset=utf-8";
    if (framing == Framing::length) head += "\r\nContent-Length: " + std::to_string(length);
    if (framing == Framing::chunked) head += "\r\nTransfer-Encoding: chunked";
    if (!c.request.keeps_alive)
        head += "\r\nConnection: close";
    else if (c.request.is_http10)
        head += "\r\nConnection: keep-alive";
    return head + "\r\n\r\n";
}

inline void append_content(Connection& c, std::string_view run) {
    if (c.framing != Framing::chunked) {
        c.output += run;
        return;
    }
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", run.size());
    c.output.append(size).append(run).append("\r\n");
}

inline std::string text_response(Connection& c, std::string_view text, int status = 200) {
    auto head = response_head(c, status, Framing::length, text.size());
    if (c.request.method != "HEAD") head += text;
    return head;
}

inline void answer_text(Connection& c, std::string_view text, int status = 200) {
    c.output += text_response(c, text, status);
}

}  // namespace headgate::support
