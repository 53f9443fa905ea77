// Collecting and showing diagnostics. See diagnostic.h for the form.
#include "conf/diagnostic.h"

#include <algorithm>
#include <tuple>

namespace headgate::conf {

namespace {

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view red = "\x1b[1;31m";
constexpr std::string_view magenta = "\x1b[1;35m";
constexpr std::string_view green = "\x1b[1;32m";
constexpr std::string_view plain = "\x1b[0m";
constexpr std::size_t number_width = 5;

void append(std::string& out, std::string_view text, std::string_view colour, bool use_colour) {
    if (use_colour) {
        out.append(colour).append(text).append(plain);
    } else {
        out.append(text);
    }
}

/// Bytes of a file on a terminal: no control character gets through, save tabs.
std::string printable(std::string_view text) {
    std::string out(text);
    for (char& byte : out) {
        if ((static_cast<unsigned char>(byte) < 0x20 && byte != '\t') || byte == 0x7f) {
            byte = '?';
        }
    }
    return out;
}

bool is_continuation_byte(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

/// What stands under `text` so that the next column lines up: tabs stay, a character is one column.
std::string blank_under(std::string_view text) {
    std::string out;
    for (const char byte : text) {
        if (!is_continuation_byte(byte)) {
            out.push_back(byte == '\t' ? '\t' : ' ');
        }
    }
    return out;
}

std::string count_of(std::size_t count, std::string_view noun) {
    return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace

Diagnostics::Diagnostics() : sources_(std::make_shared<Sources>()) {}

Diagnostics::Diagnostics(std::shared_ptr<Sources> sources) : sources_(std::move(sources)) {}

void Diagnostics::error(Span span, std::string message, std::string hint, std::string help) {
    entries_.push_back({true, span, std::move(message), std::move(hint), std::move(help)});
    ++error_count_;
}

void Diagnostics::warning(Span span, std::string message, std::string hint, std::string help) {
    const auto is_same = [&](const Entry& entry) {
        return !entry.is_error && entry.span == span && entry.message == message;
    };
    // A directive that several virtual hosts inherit is looked at for each.
    if (std::any_of(entries_.begin(), entries_.end(), is_same)) return;
    entries_.push_back({false, span, std::move(message), std::move(hint), std::move(help)});
}

std::string Diagnostics::render(bool colour) const {
    std::vector<const Entry*> sorted;
    for (const Entry& entry : entries_) {
        sorted.push_back(&entry);
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const Entry* left, const Entry* right) {
        return std::tie(left->span.source, left->span.line, left->span.column) <
               std::tie(right->span.source, right->span.line, right->span.column);
    });
    std::string out;
    for (const Entry* entry : sorted) {
        render_entry(*entry, colour, out);
    }
    return out;
}

void Diagnostics::render_entry(const Entry& entry, bool colour, std::string& out) const {
    if (entry.span.is_somewhere()) {
        const std::string place =
            sources_->place(entry.span) + ":" + std::to_string(entry.span.column) + ":";
        append(out, place, bold, colour);
        out += ' ';
    }
    append(out, entry.is_error ? "error:" : "warning:", entry.is_error ? red : magenta, colour);
    out += ' ';
    append(out, printable(entry.message), bold, colour);
    out += '\n';

    const std::string margin(number_width + 1, ' ');
    if (entry.span.is_somewhere()) {
        render_excerpt(entry, colour, out);
        Span from = sources_->at(entry.span.source).included_from;
        while (from.is_somewhere()) {
            out += margin + "= included from " + sources_->place(from) + "\n";
            from = sources_->at(from.source).included_from;
        }
    } else if (!entry.hint.empty()) {
        out += margin + "= " + printable(entry.hint) + "\n";
    }
    if (!entry.help.empty()) {
        out += margin + "= help: " + printable(entry.help) + "\n";
    }
}

void Diagnostics::render_excerpt(const Entry& entry, bool colour, std::string& out) const {
    const std::string_view line = sources_->line(entry.span.source, entry.span.line);
    std::string number = std::to_string(entry.span.line);
    number.insert(0, number.size() < number_width ? number_width - number.size() : 0, ' ');
    out += number + " | " + printable(line) + "\n";

    const std::size_t start = std::min<std::size_t>(entry.span.column - 1, line.size());
    const std::string_view marked = line.substr(start, entry.span.length);
    const auto columns = std::count_if(marked.begin(), marked.end(),
                                       [](char byte) { return !is_continuation_byte(byte); });
    std::string caret = "^";
    caret.append(columns > 1 ? static_cast<std::size_t>(columns - 1) : 0, '~');
    out += std::string(number.size() + 1, ' ') + "| " + blank_under(line.substr(0, start));
    append(out, caret, green, colour);
    if (!entry.hint.empty()) {
        out += " " + printable(entry.hint);
    }
    out += '\n';
}

std::string Diagnostics::summary() const {
    return count_of(error_count(), "error") + ", " + count_of(warning_count(), "warning") + ".";
}

}  // namespace headgate::conf
