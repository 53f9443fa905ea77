// Paths: the decoded form that routes are compared with, and the encoded form that is sent.
#include "proxy/http/octets.h"
#include "proxy/http/target.h"

#include <algorithm>

namespace headgate::http {

namespace {

constexpr std::string_view capital_digits = "0123456789ABCDEF";

void append_escape(std::string& out, char octet) {
    const auto value = static_cast<unsigned char>(octet);
    out += '%';
    out += capital_digits[value >> 4];
    out += capital_digits[value & 15];
}

constexpr HeadError refuse(std::uint16_t status) {
    return {HeadFault::bad_target, status, 0};
}

// RFC 3986 section 2.1: "pct-encoded = "%" HEXDIG HEXDIG". -1 when there is none at `at`.
int escaped_octet(std::string_view path, std::size_t at) {
    if (at + 2 >= path.size()) {
        return -1;
    }
    const int high = hex_value(path[at + 1]);
    const int low = hex_value(path[at + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

Result<std::string> decode(std::string_view path, EncodedSlashes slashes) {
    std::string out;
    out.reserve(path.size());
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '\0') {
            return refuse(400);
        }
        if (path[i] != '%') {
            out += path[i];
            continue;
        }
        const int octet = escaped_octet(path, i);
        if (octet <= 0) {
            return refuse(400);
        }
        i += 2;
        if (octet == '/' && slashes == EncodedSlashes::refuse) {
            return refuse(404);
        }
        if ((octet == '/' || octet == '%') && slashes == EncodedSlashes::keep) {
            append_escape(out, static_cast<char>(octet));
            continue;
        }
        out += static_cast<char>(octet);
    }
    return out;
}

void merge_slashes(std::string& path) {
    std::size_t size = 0;
    for (const char c : path) {
        if (c != '/' || size == 0 || path[size - 1] != '/') {
            path[size++] = c;
        }
    }
    path.resize(size);
}

// RFC 3986 section 5.2.4, in place. False when ".." would leave the root. The path begins with "/";
// at each round [0, size) is clean and ends before the slash at `i`.
bool remove_dot_segments(std::string& path) {
    std::size_t size = 0;
    std::size_t i = 0;
    while (i < path.size()) {
        const std::size_t next = std::min(path.find('/', i + 1), path.size());
        const std::string_view segment(path.data() + i + 1, next - i - 1);
        const bool is_last = next == path.size();
        if (segment == "." || segment == "..") {
            if (segment == "..") {
                if (size == 0) {
                    return false;
                }
                size = path.rfind('/', size - 1);
            }
            if (is_last) {
                path[size++] = '/';
            }
        } else {
            path.replace(size, next - i, path, i, next - i);
            size += next - i;
        }
        i = next;
    }
    path.resize(size);
    return true;
}

// What Apache's ap_proxy_canonenc leaves alone in a path, next to letters and digits.
bool is_forwarded_as_is(char c) {
    constexpr std::string_view allowed = "~$-_.+!*'(),;:@&=/";
    return is_letter_or_digit(c) || allowed.find(c) != std::string_view::npos;
}

}  // namespace

Result<std::string> matching_path(std::string_view path, const PathRules& rules) {
    Result<std::string> decoded = decode(path.empty() ? "/" : path, rules.encoded_slashes);
    if (!decoded) {
        return decoded;
    }
    if (decoded->front() != '/') {
        return refuse(400);
    }
    if (rules.merge_slashes) {
        merge_slashes(*decoded);
    }
    if (decoded->find("/.") != std::string::npos && !remove_dot_segments(*decoded)) {
        return refuse(400);
    }
    return decoded;
}

void append_forwarded_path(std::string& out, std::string_view decoded,
                           EncodedSlashes encoded_slashes) {
    for (std::size_t i = 0; i < decoded.size(); ++i) {
        const std::string_view escape = decoded.substr(i, 3);
        const bool is_kept =
            encoded_slashes == EncodedSlashes::keep && (escape == "%2F" || escape == "%25");
        if (is_kept) {
            out += escape;
            i += 2;
        } else if (is_forwarded_as_is(decoded[i])) {
            out += decoded[i];
        } else {
            append_escape(out, decoded[i]);
        }
    }
}

void append_received_path(std::string& out, std::string_view received) {
    for (const char c : received) {
        if (is_target_octet(c) && c != '?') {
            out += c;
        } else {
            append_escape(out, c);
        }
    }
}

}  // namespace headgate::http
