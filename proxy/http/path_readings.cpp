// Every combination of what lenient recipients do to a path, tried on it.
#include "proxy/http/path_readings.h"

#include "proxy/http/octets.h"

#include <algorithm>
#include <optional>

namespace headgate::http {

namespace {

constexpr int most_encodings = 4;

constexpr HeadError refused{HeadFault::ambiguous_path, 400, 0};

// What a reader may do, one bit each.
enum Leniency : unsigned {
    ends_at_parameters = 1,  // ";" to the segment's end, "?" and "#" to the path's end
    turns_backslashes = 2,
    folds_octets =
        4,  // no control octets, no blanks at a segment's end, compatibility forms as ASCII
    every_leniency = 7,
};

unsigned octet(std::string_view text, std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// RFC 3629 section 3: "Implementations of the decoding algorithm above MUST protect against
// decoding invalid sequences": the sequences that stand for something a shorter one stands for.
bool is_overlong(std::string_view text, std::size_t at) {
    const unsigned lead = octet(text, at);
    const unsigned next = octet(text, at + 1);
    if ((next & 0xc0U) != 0x80U) {
        return false;
    }
    return lead == 0xc0 || lead == 0xc1 || (lead == 0xe0 && next < 0xa0) ||
           (lead == 0xf0 && next < 0x90);
}

// What best-fit conversions and compatibility forms (NFKC) make of three octets; empty: nothing.
// U+FF01 to U+FF5E, EF BC 81 to EF BD 9E, are full-width "!" to "~"; U+2024 to U+2026, E2 80 A4 to
// E2 80 A6, are one, two and three dots.
std::string folded_mark(std::string_view text, std::size_t at) {
    const unsigned lead = octet(text, at);
    const unsigned middle = octet(text, at + 1);
    const unsigned last = octet(text, at + 2);
    if (lead == 0xe2 && middle == 0x80 && last >= 0xa4 && last <= 0xa6) {
        return std::string(last - 0xa3, '.');
    }
    const unsigned first = middle == 0xbc ? 0x20 : 0x60;
    if (lead != 0xef || (middle != 0xbc && middle != 0xbd) || last < 0x80 || last > 0xbf) {
        return "";
    }
    const unsigned mark = first + (last - 0x80);
    if (mark <= 0x20 || mark >= 0x7f) {
        return "";
    }
    return {mark == '\\' ? '/' : static_cast<char>(mark)};
}

std::string folded(std::string_view path) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (const std::string mark = folded_mark(path, i); !mark.empty()) {
            out += mark;
            i += 2;
        } else if (!is_control(path[i])) {
            out += path[i];
        }
    }
    return out;
}

// RFC 3986 section 3.3: "the semicolon (";") and equals ("=") reserved characters are often used to
// delimit parameters and parameter values applicable to that segment".
std::string without_parameters(std::string_view path) {
    std::string out;
    bool is_parameter = false;
    for (const char c : path.substr(0, path.find_first_of("?#"))) {
        is_parameter = c != '/' && (is_parameter || c == ';');
        if (!is_parameter) {
            out += c;
        }
    }
    return out;
}

std::string with_merged_slashes(std::string_view path) {
    std::string out;
    for (const char c : path) {
        if (c != '/' || out.empty() || out.back() != '/') {
            out += c;
        }
    }
    return out;
}

std::string without_blank_ends(std::string_view path) {
    std::string out;
    for (const char c : path) {
        while (c == '/' && !out.empty() && out.back() == ' ') {
            out.pop_back();
        }
        out += c;
    }
    while (!out.empty() && out.back() == ' ') {
        out.pop_back();
    }
    return out;
}

std::string read_with(std::string_view path, unsigned leniency) {
    std::string read(path);
    if ((leniency & folds_octets) != 0) {
        read = folded(read);
    }
    if ((leniency & turns_backslashes) != 0) {
        std::replace(read.begin(), read.end(), '\\', '/');
    }
    if ((leniency & ends_at_parameters) != 0) {
        read = without_parameters(read);
    }
    if ((leniency & folds_octets) != 0) {
        read = without_blank_ends(read);
    }
    read = with_merged_slashes(read);
    return read.empty() ? "/" : read;
}

// Which leniencies change anything about this path; nothing when no reader can be trusted with it.
std::optional<unsigned> leniencies_of(std::string_view path) {
    unsigned found = 0;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const char c = path[i];
        if (c == '\0' || is_overlong(path, i)) {
            return std::nullopt;
        }
        const std::string mark = folded_mark(path, i);
        const char meant = mark.empty() ? c : mark[0];
        if (meant == ';' || meant == '?' || meant == '#') {
            found |= ends_at_parameters;
        } else if (c == '\\') {
            found |= turns_backslashes;
        }
        if (is_control(c) || c == ' ' || !mark.empty()) {
            found |= folds_octets;
        }
    }
    return found;
}

bool has_plain_dot_segment(std::string_view path) {
    for (std::size_t at = path.find("/."); at != path.npos; at = path.find("/.", at + 1)) {
        const std::size_t end = std::min(path.find('/', at + 1), path.size());
        const std::string_view segment = path.substr(at + 1, end - at - 1);
        if (segment == "." || segment == "..") {
            return true;
        }
    }
    return false;
}

// As whoever decodes leniently: what is no escape stays.
std::string decoded_again(std::string_view path) {
    std::string out;
    for (std::size_t i = 0; i < path.size(); ++i) {
        const int high = path[i] == '%' && i + 2 < path.size() ? hex_value(path[i + 1]) : -1;
        const int low = high >= 0 ? hex_value(path[i + 2]) : -1;
        if (low < 0) {
            out += path[i];
            continue;
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

void add_unless_there(std::string reading, std::string_view path, std::vector<std::string>& all) {
    if (reading != path && std::find(all.begin(), all.end(), reading) == all.end()) {
        all.push_back(std::move(reading));
    }
}

// Plain octets, of which there is one reading only: nearly every path.
bool is_plain(std::string_view path) {
    char before = '\0';
    for (const char c : path) {
        const bool is_usual = is_target_octet(c) && c != '%' && c != ';' && c != '\\' && c != '?';
        if (!is_usual || (c == '/' && before == '/')) {
            return false;
        }
        before = c;
    }
    return true;
}

}  // namespace

Result<std::vector<std::string>> other_readings(std::string_view path) {
    std::vector<std::string> readings;
    if (is_plain(path)) {
        return readings;
    }
    std::string level(path);
    for (int encodings = 0; encodings <= most_encodings; ++encodings) {
        const std::optional<unsigned> leniencies = leniencies_of(level);
        if (!leniencies) {
            return refused;
        }
        for (unsigned leniency = 0; leniency <= every_leniency; ++leniency) {
            if ((leniency & ~*leniencies) != 0) {
                continue;
            }
            std::string reading = read_with(level, leniency);
            if (has_plain_dot_segment(reading)) {
                return refused;
            }
            add_unless_there(std::move(reading), path, readings);
        }
        std::string next = decoded_again(level);
        if (next == level) {
            return readings;
        }
        level = std::move(next);
    }
    return refused;
}

bool has_dot_segment(std::string_view received) {
    int dots = 0;           // of the present segment
    bool is_dotted = true;  // it consists of nothing else
    const auto ends_dotted = [&] { return is_dotted && (dots == 1 || dots == 2); };
    for (std::size_t i = 0; i < received.size(); ++i) {
        char c = received[i];
        if (c == '%' && i + 2 < received.size()) {
            const std::string_view digits = received.substr(i + 1, 2);
            const bool is_dot = equals_ignore_case(digits, "2e");
            const bool is_slash = equals_ignore_case(digits, "2f");
            c = is_dot ? '.' : is_slash ? '/' : c;
            i += is_dot || is_slash ? 2 : 0;
        }
        if (c == '/') {
            if (ends_dotted()) {
                return true;
            }
            dots = 0;
            is_dotted = true;
        } else if (c == '.') {
            ++dots;
        } else {
            is_dotted = false;
        }
    }
    return ends_dotted();
}

}  // namespace headgate::http
