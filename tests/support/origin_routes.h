// The paths of headgate-origin: what each does, and the page that lists them. Private to the
// program. To add one, write its function and its row in the table.
#pragma once

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/support/origin_exchange.h"

namespace headgate::support {

// When a route answers: after the request's content, along with it, or without waiting for it.
enum class Answers { after_content, with_content, early };

struct Route {
    std::string_view path;
    std::string_view example;
    std::string_view help;
    void (*answer)(Connection&);
    Answers when = Answers::after_content;
};

inline void generate(Connection& c, Framing framing, std::uint64_t octets, std::uint64_t pause_ms) {
    c.total = parameter(c.request, "bytes", octets);
    c.piece = std::max<std::uint64_t>(1, parameter(c.request, "chunk", piece_limit));
    c.interval_us = parameter(c.request, "ms", pause_ms) * 1000;
    c.output += response_head(c, 200, framing, c.total);
    if (c.request.method == "HEAD") c.total = 0;
    c.due = now_us() + c.interval_us;
    c.step = Step::sending;
}

inline void hello(Connection& c) {
    answer_text(c, "Hello from headgate-origin.\n");
}
inline void length(Connection& c) {
    generate(c, Framing::length, 1000, 100);
}
inline void chunked(Connection& c) {
    generate(c, Framing::chunked, 1000, 100);
}
inline void until_close(Connection& c) {
    generate(c, Framing::until_close, 1000, 100);
}
inline void big(Connection& c) {
    generate(c, Framing::length, 10 << 20, 0);
}
inline void headers(Connection& c) {
    answer_text(c, c.request.head);
}
inline void silent(Connection& c) {
    c.step = Step::silent;
}
inline void index(Connection& c);

inline void slow(Connection& c) {
    auto pause_ms = parameter(c.request, "ms", 1000);
    c.waiting_output = text_response(c, "Thought for " + std::to_string(pause_ms) + " ms.\n");
    c.due = now_us() + pause_ms * 1000;
    c.step = Step::waiting;
}

inline void echo(Connection& c) {
    c.echoes = true;
    c.step = Step::content;
    auto framing = c.body.is_chunked() ? Framing::chunked : Framing::length;
    auto size = parse_number(find_field(c.request.head, "Content-Length")).value_or(0);
    c.output += response_head(c, 200, framing, size);
}

inline void status(Connection& c) {
    auto code = static_cast<int>(parameter(c.request, "code", 200));
    // RFC 9110 section 15: these have no content, and 1xx is not a final status.
    if (code == 204 || code == 304)
        c.output += response_head(c, code, Framing::none, 0);
    else
        answer_text(c, "Status as asked.\n", code >= 200 && code <= 999 ? code : 400);
}

inline void hints(Connection& c) {
    // RFC 9110 section 15.2: an interim response must not go to an HTTP/1.0 client.
    if (!c.request.is_http10) c.output += "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    answer_text(c, "After the hints.\n");
}

inline void upload(Connection& c) {
    char text[80];
    std::snprintf(text, sizeof text, "bytes=%llu fnv1a=%016llx\n",
                  static_cast<unsigned long long>(c.received),
                  static_cast<unsigned long long>(c.hash.value()));
    answer_text(c, text);
}

inline void abort_connection(Connection& c) {
    c.ending = Ending::reset;
    c.total = parameter(c.request, "after", 0);
    if (c.total > 0) c.output += response_head(c, 200, Framing::length, c.total + 1000);
    c.step = Step::sending;
}

inline void half_close(Connection& c) {
    c.ending = Ending::half_close;
    answer_text(c, "No more from this side.\n");
}

inline void release(Connection& c) {
    c.releases_all = true;
    answer_text(c, "Everything that waited goes on.\n");
}

inline constexpr Route routes[] = {
    {"/", "/", "this page", index},
    {"/hello", "/hello", "answers at once", hello},
    {"/slow", "/slow?ms=2000", "thinks, then answers", slow},
    {"/length", "/length?bytes=50&chunk=5&ms=200", "drips, with Content-Length", length},
    {"/chunked", "/chunked?bytes=50&chunk=5&ms=200", "drips, chunked", chunked},
    {"/close", "/close?bytes=50&chunk=5&ms=200", "drips, until close", until_close},
    {"/big", "/big?bytes=1000000", "as fast as it goes", big},
    {"/echo", "/echo", "the request's content back, as it arrives", echo, Answers::with_content},
    {"/upload", "/upload", "counts and hashes the request's content", upload},
    {"/headers", "/headers", "the request's head back", headers},
    {"/status", "/status?code=503", "this status code", status},
    {"/hints", "/hints", "103 (Early Hints), then 200", hints},
    {"/abort", "/abort?after=100", "resets the connection after so many octets", abort_connection,
     Answers::early},
    {"/silent", "/silent", "never answers", silent, Answers::early},
    {"/halfclose", "/halfclose", "answers, ends its side, reads on", half_close, Answers::early},
    {"/release", "/release", "ends every wait of every exchange here", release},
};

inline void index(Connection& c) {
    std::string page = "This is headgate-origin. Try:\n\n";
    for (const auto& route : routes) {
        page.append("  ").append(route.example);
        page.append(36 - route.example.size(), ' ').append(route.help).append("\n");
    }
    answer_text(c, page);
}

inline const Route* find_route(std::string_view path) {
    for (const auto& route : routes) {
        if (route.path == path) return &route;
    }
    return nullptr;
}

inline void answer(Connection& c) {
    c.step = Step::ending;  // unless the route has more to do
    auto* route = find_route(c.request.path);
    if (route)
        route->answer(c);
    else
        answer_text(c, "No such page; / lists what there is.\n", 404);
}

}  // namespace headgate::support
