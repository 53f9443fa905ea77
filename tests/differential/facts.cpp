// See facts.h.
#include "tests/differential/facts.h"

#include <algorithm>

namespace headgate::differential {
namespace {

bool is_text(char octet) {
    const auto code = static_cast<unsigned char>(octet);
    return code == '\t' || (code >= 0x20 && code != 0x7f);
}

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return "";
    return std::string(text.substr(first, text.find_last_not_of(" \t\r") + 1 - first));
}

std::string lower(std::string_view text) {
    std::string made(text);
    for (char& octet : made)
        if (octet >= 'A' && octet <= 'Z') octet |= 0x20;
    return made;
}

}  // namespace

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char octet) {
        return (octet >= '0' && octet <= '9') || ((octet | 0x20) >= 'a' && (octet | 0x20) <= 'z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(octet) != std::string_view::npos;
    });
}

Facts::Facts(std::string_view text) {
    std::size_t at = 0;
    begins_empty = text.starts_with("\r\n") || text.starts_with("\n");
    if (begins_empty) at = text.find('\n') + 1;
    has_bare_lf = text.starts_with('\n');
    for (bool is_first = true; at < text.size(); is_first = false) {
        const std::size_t end = text.find('\n', at);
        std::string_view line = text.substr(at, end == std::string_view::npos ? end : end - at);
        at = end == std::string_view::npos ? text.size() : end + 1;
        const bool has_cr = line.ends_with('\r');
        if (end != std::string_view::npos && !has_cr) has_bare_lf = true;
        if (has_cr) line.remove_suffix(1);
        if (line.find('\r') != std::string_view::npos) has_bare_cr = true;
        if (is_first) {
            first = line;
            continue;
        }
        if (line.empty()) {
            content = lower(text.substr(at));
            return;
        }
        if (line.front() == ' ' || line.front() == '\t') has_fold = true;
        const std::size_t colon = line.find(':');
        Line made{"", "", std::string(line)};
        if (colon != std::string_view::npos) {
            made.name = lower(line.substr(0, colon));
            made.value = trimmed(line.substr(colon + 1));
        }
        lines.push_back(made);
    }
}

std::vector<std::string> Facts::values(std::string_view name) const {
    std::vector<std::string> found;
    for (const Line& line : lines)
        if (line.name == name) found.push_back(line.value);
    return found;
}

bool Facts::has_good_fields() const {
    return !has_bare_cr && std::all_of(lines.begin(), lines.end(), [](const Line& line) {
        return is_token(line.name) && std::all_of(line.whole.begin(), line.whole.end(), is_text);
    });
}

bool Facts::has_good_request_line() const {
    const std::size_t space = first.find(' ');
    const std::size_t last = first.rfind(' ');
    if (space == std::string::npos || last <= space + 1) return false;
    const std::string target = first.substr(space + 1, last - space - 1);
    const std::string version = first.substr(last + 1);
    return is_token(first.substr(0, space)) &&
           std::all_of(target.begin(), target.end(),
                       [](char octet) { return octet > 0x20 && octet < 0x7f; }) &&
           (version == "HTTP/1.1" || version == "HTTP/1.0");
}

bool Facts::has_good_status_line() const {
    const auto is_digit = [](char octet) { return octet >= '0' && octet <= '9'; };
    return first.size() >= 12 &&
           (first.starts_with("HTTP/1.1 ") || first.starts_with("HTTP/1.0 ")) && first[9] >= '1' &&
           first[9] <= '9' && is_digit(first[10]) && is_digit(first[11]) &&
           (first.size() == 12 || first[12] == ' ') &&
           std::all_of(first.begin(), first.end(), is_text);
}

bool Facts::has_later_version() const {
    const std::size_t at = first.find("HTTP/1.");
    return at != std::string::npos && at + 7 < first.size() && first[at + 7] > '1' &&
           first[at + 7] <= '9';
}

bool Facts::has_usual_method() const {
    const std::string method = first.substr(0, first.find(' '));
    return method == "GET" || method == "HEAD" || method == "POST" || method == "PUT" ||
           method == "DELETE" || method == "OPTIONS";
}

bool Facts::is_without_content() const {
    const std::string status = first.size() >= 12 ? first.substr(9, 3) : "";
    return status.starts_with('1') || status == "204" || status == "304";
}

bool Facts::repeats_one_length() const {
    std::vector<std::string> elements;
    for (const std::string& value : values("content-length")) {
        for (std::size_t at = 0; at <= value.size();) {
            const std::size_t comma = std::min(value.find(',', at), value.size());
            std::string element = trimmed(std::string_view(value).substr(at, comma - at));
            element.erase(0, std::min(element.find_first_not_of('0'), element.size()));
            elements.push_back(element);
            at = comma + 1;
        }
    }
    return elements.size() > 1 &&
           std::all_of(elements.begin(), elements.end(), [&](const auto& each) {
               return each == elements[0] &&
                      each.find_first_not_of("0123456789") == std::string::npos;
           });
}

bool Facts::has_tab_behind(std::string_view name) const {
    return std::any_of(lines.begin(), lines.end(), [name](const Line& line) {
        return line.name == name && line.whole.ends_with('\t');
    });
}

bool Facts::has_plain_chunks() const {
    std::size_t at = 0;
    const auto line = [&]() -> std::string {
        const std::size_t end = content.find("\r\n", at);
        if (end == std::string::npos) return "\n";
        const std::string found = content.substr(at, end - at);
        at = end + 2;
        return found;
    };
    for (std::size_t size = 1; size > 0;) {
        const std::string digits = line();
        if (digits.empty() || digits.size() > 6 ||
            digits.find_first_not_of("0123456789abcdef") != std::string::npos)
            return false;
        size = std::stoul(digits, nullptr, 16);
        if (at + size > content.size()) return false;
        at += size;
        if (size > 0 && line() != "") return false;
    }
    for (std::string trailer = line(); !trailer.empty(); trailer = line()) {
        if (!is_token(trailer.substr(0, trailer.find(':'))) || trailer.find(':') == trailer.npos ||
            !std::all_of(trailer.begin(), trailer.end(), is_text))
            return false;
    }
    return true;
}

bool Facts::has_good_length() const {
    const auto lengths = values("content-length");
    return lengths.size() == 1 && !lengths[0].empty() && lengths[0].size() <= 18 &&
           lengths[0].find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace headgate::differential
