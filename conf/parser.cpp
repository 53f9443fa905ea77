// Sections and files. What acts while reading is in parser_actions.cpp.
#include <climits>
#include <cstdlib>

#include "conf/known_apache.h"
#include "conf/parser.h"
#include "conf/value.h"

namespace headgate::conf {

namespace {

constexpr std::size_t deepest_include = 20;  // as AP_MAX_INCLUDE_DEPTH

std::string real_path(const std::string& path) {
    char* resolved = ::realpath(path.c_str(), nullptr);
    std::string result = resolved != nullptr ? resolved : path;
    std::free(resolved);
    return result;
}

std::string in_brackets(const Word& name, bool is_closing = false) {
    return (is_closing ? "</" : "<") + name.text + ">";
}

}  // namespace

Parser::Parser(Diagnostics& diagnostics, std::string server_root) : diagnostics_(diagnostics) {
    reading_.server_root = std::move(server_root);
}

void Parser::define(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == text.npos) {
        variables_.define(text);
    } else {
        variables_.define(text.substr(0, equals), text.substr(equals + 1));
    }
}

void Parser::parse_file(const std::string& path) {
    read_file(absolute(path), {});
}

void Parser::parse_text(const std::string& name, std::string text) {
    read_source(diagnostics_.sources().add(name, std::move(text)));
}

std::string Parser::absolute(const std::string& path) const {
    if (path.starts_with('/') || reading_.server_root.empty()) {
        return path;
    }
    return reading_.server_root + (reading_.server_root.ends_with('/') ? "" : "/") + path;
}

void Parser::read_file(const std::string& path, Span included_from) {
    std::string real = real_path(path);
    for (const OpenFile& open : open_files_) {
        if (open.real_path == real) {
            diagnostics_.error(included_from, path + " includes itself",
                               "it is already being read");
            return;
        }
    }
    if (open_files_.size() >= deepest_include) {
        diagnostics_.error(included_from, "files include each other too deeply",
                           "at most " + std::to_string(deepest_include) + " levels");
        return;
    }
    std::string text;
    const std::string problem = read_text(path, text);
    if (!problem.empty()) {
        diagnostics_.error(included_from, "cannot read " + path + ": " + problem, "",
                           included_from.is_somewhere() ? "" : "headgate -f FILE reads another");
        return;
    }
    if (text.find('\0') != text.npos) {
        diagnostics_.error(included_from, path + " is not a configuration: it holds a NUL octet");
        return;
    }
    reading_.files.push_back(path);
    open_files_.push_back({std::move(real), included_from});
    read_source(diagnostics_.sources().add(path, std::move(text), included_from));
    open_files_.pop_back();
}

void Parser::read_source(std::uint32_t source) {
    // A section begins and ends in the same file.
    const std::size_t bottom = frames_.size();
    LineReader reader(diagnostics_.sources(), source);
    LogicalLine line;
    while (reader.next(line)) {
        if (!line.is_empty() && !line.is_comment()) {
            read_line(line, bottom);
        }
    }
    close_all(bottom, reader.line_number());
}

void Parser::read_line(LogicalLine& line, std::size_t bottom) {
    if (line.text.starts_with("</")) {
        close_section(line, bottom);
    } else if (line.text.starts_with('<')) {
        open_section(line);
    } else if (!is_skipping()) {
        add_directive(line);
    }
}

bool Parser::is_skipping() const {
    return !frames_.empty() && frames_.back().kind == Kind::skipped;
}

/// Parses "<Name arguments>" up to the last ">", as httpd does.
void Parser::open_section(LogicalLine& line) {
    const bool is_skipped = is_skipping();
    if (!is_skipped) {
        expand(line, variables_, diagnostics_);
    }
    const std::size_t name_end = std::min(line.text.find_first_of(" \t>", 1), line.text.size());
    Directive section;
    section.is_section = true;
    section.name = {line.text.substr(1, name_end - 1), line.span(0, name_end), false};
    const std::size_t close = line.text.rfind('>');
    if (is_skipped) {
        frames_.push_back({std::move(section), Kind::skipped});
        return;
    }
    if (close == line.text.npos) {
        diagnostics_.error(line.span(), in_brackets(section.name) + " has no closing bracket",
                           "expected \">\" at the end of the line");
    } else if (close + 1 < line.text.size()) {
        const std::size_t rest = line.text.find_first_not_of(" \t", close + 1);
        diagnostics_.warning(line.span(rest, line.text.size()), "text after \">\" is ignored",
                             "a comment needs a line of its own");
    }
    LogicalLine inside = line;
    inside.text.resize(std::min(close, line.text.size()));
    inside.origins.resize(inside.text.size());
    if (name_end < inside.text.size()) {
        section.arguments = split_words(inside, name_end, diagnostics_);
    }
    Kind kind = Kind::section;
    if (is_condition_name(section.name.text)) {
        kind = is_condition_true(section) ? Kind::taken_condition : Kind::skipped;
    }
    frames_.push_back({std::move(section), kind});
}

void Parser::close_section(const LogicalLine& line, std::size_t bottom) {
    const std::size_t end = std::min(line.text.find_first_of(" \t>", 2), line.text.size());
    const Word name{line.text.substr(2, end - 2), line.span(0, end), false};
    if (line.text.find('>') == line.text.npos) {
        diagnostics_.error(line.span(), in_brackets(name, true) + " has no closing bracket",
                           "expected \">\"");
    }
    std::size_t match = frames_.size();
    while (match > bottom && !is_equal_name(frames_[match - 1].section.name.text, name.text)) {
        --match;
    }
    const Span span = line.span();
    if (frames_.size() == bottom) {
        diagnostics_.error(span, in_brackets(name, true) + " without " + in_brackets(name),
                           "no section is open here");
        return;
    }
    if (match != frames_.size()) {
        const Word& open = frames_.back().section.name;
        diagnostics_.error(span, in_brackets(name, true) + " does not close " + in_brackets(open),
                           "expected " + in_brackets(open, true) + ", opened at line " +
                               std::to_string(open.span.line));
    }
    // An outer section of that name ends here with all it holds; with none, the line is ignored.
    while (match > bottom && frames_.size() >= match) {
        close_frame(span);
    }
}

void Parser::close_all(std::size_t bottom, std::uint32_t last_line) {
    while (frames_.size() > bottom) {
        const Word& name = frames_.back().section.name;
        diagnostics_.error(name.span, in_brackets(name) + " is not closed",
                           "expected " + in_brackets(name, true) + " before the end of the file, " +
                               "line " + std::to_string(last_line));
        close_frame({});
    }
}

void Parser::close_frame(Span closing) {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    frame.section.closing = closing;
    if (frame.kind == Kind::section) {
        append(std::move(frame.section));
    } else if (frame.kind == Kind::taken_condition) {
        for (Directive& child : frame.section.children) {
            append(std::move(child));
        }
    }
}

void Parser::append(Directive directive) {
    auto& target = frames_.empty() ? directives_ : frames_.back().section.children;
    target.push_back(std::move(directive));
}

void Parser::add_directive(LogicalLine& line) {
    if (!expand(line, variables_, diagnostics_)) {
        return;  // said already; what is left of the line would only give misleading errors
    }
    std::vector<Word> words = split_words(line, 0, diagnostics_);
    if (words.empty()) {
        return;
    }
    Directive directive;
    directive.name = std::move(words.front());
    directive.arguments.assign(std::make_move_iterator(words.begin() + 1),
                               std::make_move_iterator(words.end()));
    if (!act(directive)) {
        append(std::move(directive));
    }
}

}  // namespace headgate::conf
