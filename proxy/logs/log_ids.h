// The numbers of the error log's lines (HG0101), and what each means: for `headgate explain`.
// 1 to 99 are about the program, 100s about clients, 200s about upstreams, 300s about ourselves.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proxy/net/failure.h"

namespace headgate::proxy {

/// Never reused for another meaning.
enum class LogId : int {
    started = 1,
    draining = 2,
    stopped = 3,
    request_refused = 101,
    client_lost = 102,
    client_slow = 103,
    client_content_too_large = 104,
    client_tls = 105,
    proxy_header_refused = 106,
    upstream_failed = 201,
    response_cut = 202,
    retried = 203,
    upstream_silent = 204,
    upstream_unreachable = 205,
    upstream_unresolved = 206,
    upstream_malformed = 207,
    upstream_too_large = 208,
    upstream_tls = 209,
    tunnel_ended = 220,
    accept_paused = 301,
    lines_lost = 302,
    exhausted = 303,
    exchange_ended = 304,
    process_lacks = 305,
};

struct Explanation {
    LogId id;
    std::string_view title;    ///< one line
    std::string_view meaning;  ///< what happened, and what became of the request
    std::string_view causes;   ///< what it usually comes from
    std::string_view remedy;   ///< what to do
};

/// One for each LogId, by number.
std::span<const Explanation> explanations();

/// "HG0101"
std::string log_id_text(LogId id);

/// The line that a failure gets. `is_response_begun`: the client has been sent a head.
LogId log_id_of(const net::Failure& failure, bool is_response_begun);

/// What `headgate explain WORD` prints; WORD is "HG0101", "101" or the like, a failure's name as
/// %{end}x has it, or empty for the list of all lines. False when there is no such thing: `text`
/// says so then, and what was perhaps meant.
bool explain(std::string_view word, std::string& text);

}  // namespace headgate::proxy
