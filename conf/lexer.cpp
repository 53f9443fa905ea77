// See lexer.h; the rules are those of ap_cfg_getline, ap_resolve_env and ap_getword_conf in
// httpd 2.4.
#include "conf/lexer.h"

#include <cstdlib>

namespace headgate::conf {

namespace {

bool is_blank(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\v' || byte == '\f';
}

void trim(LogicalLine& line) {
    std::size_t begin = 0;
    std::size_t end = line.text.size();
    while (begin < end && is_blank(line.text[begin])) {
        ++begin;
    }
    while (end > begin && is_blank(line.text[end - 1])) {
        --end;
    }
    line.text = line.text.substr(begin, end - begin);
    const auto first = line.origins.begin();
    line.origins = std::vector<Origin>(first + static_cast<std::ptrdiff_t>(begin),
                                       first + static_cast<std::ptrdiff_t>(end));
}

/// One ${...}: what it stands for.
class Expansion {
public:
    Expansion(const LogicalLine& line, const Variables& variables, Diagnostics& diagnostics)
        : line_(line), variables_(variables), diagnostics_(diagnostics) {}

    /// The text for the bytes [begin, end), which are "${" to "}".
    std::string value(std::size_t begin, std::size_t end) const {
        std::string whole = line_.text.substr(begin, end - begin);
        const std::string inside = whole.substr(2, whole.size() - 3);
        const std::size_t colon = inside.find(':');
        const bool has_default = colon != inside.npos && inside.compare(colon, 2, ":-") == 0;
        if (colon != inside.npos && !has_default) {
            return whole;
        }
        const std::string name = inside.substr(0, colon);
        const char* found = name.empty() ? nullptr : variables_.find(name);
        if (has_default) {
            return found != nullptr && *found != '\0' ? found : inside.substr(colon + 2);
        }
        if (found == nullptr) {
            diagnostics_.error(
                line_.span(begin, end),
                name.empty() ? "${} names no variable" : "variable \"" + name + "\" is not set",
                name.empty() ? "write ${NAME}"
                             : "write \"Define " + name + " value\" above, set it in " +
                                   "the environment, or write ${" + name + ":-default}");
            return {};
        }
        return found;
    }

private:
    const LogicalLine& line_;
    const Variables& variables_;
    Diagnostics& diagnostics_;
};

/// The end of the word that begins at `begin`, its closing quote not included.
std::size_t end_of_word(std::string_view text, std::size_t begin, char quote) {
    std::size_t end = begin;
    if (quote == '\0') {
        while (end < text.size() && !is_blank(text[end])) {
            ++end;
        }
        return end;
    }
    while (end < text.size() && text[end] != quote) {
        const bool is_escape = text[end] == '\\' && end + 1 < text.size() &&
                               (text[end + 1] == quote || text[end + 1] == '\\');
        end += is_escape ? 2 : 1;
    }
    return end;
}

std::string without_escapes(std::string_view text, char quote) {
    std::string out;
    for (std::size_t index = 0; index < text.size(); ++index) {
        const bool has_next = text[index] == '\\' && index + 1 < text.size();
        if (has_next && (text[index + 1] == '\\' || (quote != '\0' && text[index + 1] == quote))) {
            ++index;
        }
        out.push_back(text[index]);
    }
    return out;
}

}  // namespace

Span LogicalLine::span(std::size_t begin, std::size_t end) const {
    if (begin >= origins.size()) {
        // Just behind the line: where more was expected.
        if (origins.empty()) {
            return {source, 1, 1, 0};
        }
        const Origin& last = origins.back();
        return {source, last.line, last.column + last.length, 1};
    }
    const Origin& first = origins[begin];
    Span whole{source, first.line, first.column, first.length};
    for (std::size_t index = begin; index < end && index < origins.size(); ++index) {
        const Origin& origin = origins[index];
        if (origin.line != first.line) {
            break;
        }
        whole.length = origin.column + origin.length - first.column;
    }
    return whole;
}

LineReader::LineReader(const Sources& sources, std::uint32_t source)
    : rest_(sources.at(source).text), source_(source) {}

bool LineReader::next(LogicalLine& line) {
    line.source = source_;
    line.text.clear();
    line.origins.clear();
    if (rest_.empty()) {
        return false;
    }
    while (append_physical(line)) {
    }
    trim(line);
    return true;
}

/// Appends one line of the file; true when it asks for the next one.
bool LineReader::append_physical(LogicalLine& line) {
    if (rest_.empty()) {
        return false;
    }
    const std::size_t end = rest_.find('\n');
    std::string_view physical = rest_.substr(0, end);
    rest_.remove_prefix(end == rest_.npos ? rest_.size() : end + 1);
    ++line_number_;
    if (physical.ends_with('\r')) {
        physical.remove_suffix(1);
    }
    const bool is_continued = physical.ends_with('\\');
    if (is_continued) {
        physical.remove_suffix(1);
    }
    std::uint32_t column = 1;
    if (line_number_ == 1 && physical.starts_with("\xEF\xBB\xBF")) {
        physical.remove_prefix(3);  // a byte order mark, as editors of other systems leave
        column += 3;
    }
    for (const char byte : physical) {
        line.text.push_back(byte);
        line.origins.push_back({line_number_, column++, 1});
    }
    return is_continued;
}

void Variables::define(std::string_view name, std::string_view value) {
    entries_.insert_or_assign(std::string(name), Entry{true, std::string(value)});
}

void Variables::define(std::string_view name) {
    entries_.insert_or_assign(std::string(name), Entry{});
}

void Variables::undefine(std::string_view name) {
    const auto found = entries_.find(name);
    if (found != entries_.end()) {
        entries_.erase(found);
    }
}

bool Variables::is_defined(std::string_view name) const {
    return entries_.find(name) != entries_.end();
}

const char* Variables::find(const std::string& name) const {
    const auto found = entries_.find(name);
    if (found != entries_.end() && found->second.has_value) {
        return found->second.value.c_str();
    }
    return std::getenv(name.c_str());
}

bool expand(LogicalLine& line, const Variables& variables, Diagnostics& diagnostics) {
    std::size_t next = line.text.find("${");
    if (next == line.text.npos) {
        return true;
    }
    const std::size_t errors_before = diagnostics.error_count();
    const Expansion expansion(line, variables, diagnostics);
    LogicalLine expanded;
    expanded.source = line.source;
    std::size_t done = 0;
    while (next != line.text.npos) {
        const std::size_t close = line.text.find('}', next);
        if (close == line.text.npos) {
            break;
        }
        for (; done < next; ++done) {
            expanded.text.push_back(line.text[done]);
            expanded.origins.push_back(line.origins[done]);
        }
        const Span span = line.span(next, close + 1);
        const std::string value = expansion.value(next, close + 1);
        expanded.text += value;
        expanded.origins.resize(expanded.text.size(), Origin{span.line, span.column, span.length});
        done = close + 1;
        next = line.text.find("${", done);
    }
    for (; done < line.text.size(); ++done) {
        expanded.text.push_back(line.text[done]);
        expanded.origins.push_back(line.origins[done]);
    }
    line = std::move(expanded);
    return diagnostics.error_count() == errors_before;
}

std::vector<Word> split_words(const LogicalLine& line, std::size_t begin,
                              Diagnostics& diagnostics) {
    std::vector<Word> words;
    const std::string_view text = line.text;
    std::size_t index = begin;
    while (true) {
        while (index < text.size() && is_blank(text[index])) {
            ++index;
        }
        if (index == text.size()) {
            return words;
        }
        const std::size_t start = index;
        const char first = text[index];
        const char quote = first == '"' || first == '\'' ? first : '\0';
        const std::size_t inside = quote == '\0' ? index : index + 1;
        const std::size_t end = end_of_word(text, inside, quote);
        const bool is_closed = quote == '\0' || end < text.size();
        index = quote != '\0' && is_closed ? end + 1 : end;
        const Span span = line.span(start, index);
        if (!is_closed) {
            diagnostics.error(span, "quote is not closed",
                              std::string("expected ") + quote + " before the end of the line");
        }
        words.push_back(
            {without_escapes(text.substr(inside, end - inside), quote), span, quote != '\0'});
    }
}

}  // namespace headgate::conf
