// The phases in which headgate-park lets exchanges get stuck: for each, what is sent at once, what
// is held back, what is read, and what the answer must be. Private to the program.
#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/content_pattern.h"
#include "tests/support/socket_help.h"

namespace headgate::support {

/// How the exchanges of one run are made; from the command line.
struct ParkOptions {
    Url to;  // its target is put before the origin's paths
    std::string mode;
    std::size_t count = 1;
    std::uint64_t rate = 5000;                // connections opened a second
    std::uint64_t drip_ms = 2000;             // one octet, or one small read, every so often
    std::uint64_t hold_ms = 120000;           // an exchange that is left alone lasts this long
    std::uint64_t settle_ms = 5000;           // no progress for so long: the rest will not start
    std::uint64_t octets = 10 * 1024 * 1024;  // of a response that is read slowly
    int receive_buffer = 4096;                // of a slow reader
};

/// What every exchange of a run does.
struct Plan {
    std::string request;
    std::size_t opening = 0;        // so many octets of it go out at once; the rest drips
    bool starts_with_head = false;  // started: its response head is here; else: opening is sent
    std::size_t read_step = 0;      // octets read at a time until it may end; 0: all there is
    int receive_buffer = 0;         // 0: the kernel's choice
    std::string expected;           // the content of the answer; empty: the pattern, so long:
    std::uint64_t expected_octets = 0;
};

namespace plans {

inline std::string head(const ParkOptions& options, std::string_view start) {
    auto space = start.find('/');
    return std::string(start.substr(0, space)) + options.to.target +
           std::string(start.substr(space + 1)) + " HTTP/1.1\r\nHost: " + options.to.authority +
           "\r\n";
}

inline Plan half_head(const ParkOptions& options) {
    Plan plan;
    plan.request = head(options, "GET /hello") + "X-Unfinished: ";
    plan.opening = plan.request.size();
    plan.request += std::string(1000, 'x') + "\r\n\r\n";
    plan.expected = "Hello from headgate-origin.\n";
    return plan;
}

inline Plan slow_upload(const ParkOptions& options) {
    constexpr std::size_t size = 4096;
    std::string content;
    append_pattern(content, 0, size);
    ContentHash hash;
    hash.add(content);

    Plan plan;
    plan.request = head(options, "POST /upload") + "Content-Length: " + std::to_string(size);
    plan.request += "\r\n\r\n";
    plan.opening = plan.request.size() + 16;
    plan.request += content;
    char text[80];
    std::snprintf(text, sizeof text, "bytes=%zu fnv1a=%016llx\n", size,
                  static_cast<unsigned long long>(hash.value()));
    plan.expected = text;
    return plan;
}

inline Plan think(const ParkOptions& options) {
    auto pause = std::to_string(options.hold_ms);
    Plan plan;
    plan.request = head(options, "GET /slow?ms=" + pause) + "\r\n";
    plan.opening = plan.request.size();
    plan.expected = "Thought for " + pause + " ms.\n";
    return plan;
}

inline Plan drip(const ParkOptions& options, std::string_view path) {
    Plan plan;
    plan.expected_octets = options.hold_ms / options.drip_ms + 1;
    auto query = "?bytes=" + std::to_string(plan.expected_octets) +
                 "&chunk=1&ms=" + std::to_string(options.drip_ms);
    plan.request = head(options, "GET " + std::string(path) + query) + "\r\n";
    plan.opening = plan.request.size();
    plan.starts_with_head = true;
    return plan;
}

inline Plan slow_reader(const ParkOptions& options) {
    Plan plan;
    plan.request = head(options, "GET /big?bytes=" + std::to_string(options.octets)) + "\r\n";
    plan.opening = plan.request.size();
    plan.starts_with_head = true;
    plan.read_step = 512;
    plan.receive_buffer = options.receive_buffer;
    plan.expected_octets = options.octets;
    return plan;
}

}  // namespace plans

/// The plan of a phase by its name; empty when there is no such phase.
inline std::optional<Plan> make_plan(const ParkOptions& options) {
    if (options.mode == "half-head") return plans::half_head(options);
    if (options.mode == "slow-upload") return plans::slow_upload(options);
    if (options.mode == "think") return plans::think(options);
    if (options.mode == "drip-length") return plans::drip(options, "/length");
    if (options.mode == "drip-chunked") return plans::drip(options, "/chunked");
    if (options.mode == "drip-close") return plans::drip(options, "/close");
    if (options.mode == "slow-reader") return plans::slow_reader(options);
    return std::nullopt;
}

}  // namespace headgate::support
