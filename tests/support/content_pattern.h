// Content that proves itself: every octet follows from its offset, so a receiver can tell content
// that was lost, doubled or moved from content that is right, and a person can read where it is.
//
//     offset 0    "000000000000000\n"
//     offset 16   "000000000000001\n"       each line of 16 octets is its own number, in hex
//     offset 32   "000000000000002\n"
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::support {

inline constexpr std::size_t pattern_line = 16;

/// The octet at `offset` of the endless pattern.
inline char pattern_at(std::uint64_t offset) {
    auto column = offset % pattern_line;
    if (column == pattern_line - 1) return '\n';
    auto shift = 4 * (pattern_line - 2 - column);
    return "0123456789abcdef"[(offset / pattern_line) >> shift & 15];
}

/// Appends `size` octets of the pattern from `offset` on.
inline void append_pattern(std::string& out, std::uint64_t offset, std::size_t size) {
    auto start = out.size();
    out.resize(start + size);
    for (std::size_t i = 0; i < size; ++i)
        out[start + i] = pattern_at(offset + i);
}

/// Whether `run` is what the pattern holds from `offset` on.
inline bool is_pattern(std::string_view run, std::uint64_t offset) {
    for (std::size_t i = 0; i < run.size(); ++i) {
        if (run[i] != pattern_at(offset + i)) return false;
    }
    return true;
}

/// The 64-bit FNV-1a hash of what was added to it.
class ContentHash {
public:
    void add(std::string_view run) {
        for (unsigned char octet : run)
            value_ = (value_ ^ octet) * 1099511628211u;
    }
    std::uint64_t value() const { return value_; }

private:
    std::uint64_t value_ = 14695981039346656037u;
};

}  // namespace headgate::support
