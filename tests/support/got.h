// What a client has got, judged when something was made to fail: whole responses, whole answers of
// ours, and the beginning of a response; and what is left behind in this process.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>

namespace headgate::support {

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
}

inline std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size())
        found++;
    return found;
}

/// The chunks from `at` on, as far as they are there, and "<end>" for the last one.
inline std::string joined_chunks(const std::string& text, std::size_t& at) {
    std::string all;
    while (at < text.size()) {
        const std::size_t line_end = text.find("\r\n", at);
        if (line_end == text.npos) return at = text.size(), all;
        const std::size_t size = std::stoul(text.substr(at, line_end - at), nullptr, 16);
        if (size == 0 && text.compare(line_end, 4, "\r\n\r\n") == 0) {
            at = line_end + 4;
            return all + "<end>";
        }
        all += text.substr(line_end + 2, size);
        at = std::min(text.size(), line_end + 2 + size + 2);
    }
    return all;
}

/// Responses with their chunks joined: how content is cut into chunks may differ.
inline std::string joined(const std::string& text) {
    std::string all;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find("\r\n\r\n", at), text.size() - 4) + 4;
        const std::string head = text.substr(at, end - at);
        all += head;
        at = end;
        const std::size_t length = head.find("Content-Length: ");
        if (head.find(": chunked") != head.npos) {
            all += joined_chunks(text, at);
        } else if (length != head.npos) {
            const std::size_t size = std::stoul(head.substr(length + 16));
            all += text.substr(at, size);
            at = std::min(text.size(), at + size);
        } else if (!head.starts_with("HTTP/1.1 204") && !head.starts_with("HTTP/1.1 1")) {
            all += text.substr(at);
            at = text.size();
        }
    }
    return all;
}

/// What a client has got: whole responses of the upstream, answers of ours, and then perhaps a
/// beginning.
struct Got {
    Got(std::string text, const std::string& response) : rest(std::move(text)) {
        while (!rest.empty()) {
            std::size_t size = response.size();
            const bool is_ours = rest.starts_with("HTTP/1.1 50");
            if (is_ours) {
                const std::size_t length = rest.find("Content-Length: ") + 16;
                size = rest.find("\r\n\r\n") + 4 + std::stoul(rest.substr(length));
            } else if (!rest.starts_with(response)) {
                break;
            }
            if (size > rest.size()) break;
            (is_ours ? answers : whole)++;
            rest.erase(0, size);
        }
    }
    std::size_t whole = 0, answers = 0;
    std::string rest;
};

}  // namespace headgate::support
