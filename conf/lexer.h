// Bytes to logical lines to words, as httpd reads them. Three steps, in httpd's order: join lines
// that end in a backslash, replace ${NAME}, split into words. Every byte keeps where it came from.
//
//     file        ProxyPass / \            <- line 1
//                   http://${APP}/         <- line 2
//     logical     ProxyPass /   http://127.0.0.1:9000/
//     origins     1:1 .. 1:12   2:3 ..9 |2:10, 6 long, for each byte of the value| 2:16
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/tree.h"

namespace headgate::conf {

/// The original bytes behind one byte of a logical line.
struct Origin {
    std::uint32_t line;
    std::uint32_t column;
    std::uint32_t length;
};

/// One line after joining; blanks at both ends are gone.
struct LogicalLine {
    std::uint32_t source = 0;
    std::string text;
    std::vector<Origin> origins;  ///< as many as bytes of text

    bool is_empty() const { return text.empty(); }
    bool is_comment() const { return text.starts_with('#'); }
    /// The original bytes of a part of the text, as far as they are on one line.
    Span span(std::size_t begin, std::size_t end) const;
    Span span() const { return span(0, text.size()); }
};

/// Reads one source line by line. The Sources table may grow meanwhile.
class LineReader {
public:
    LineReader(const Sources& sources, std::uint32_t source);

    /// False at the end of the text.
    bool next(LogicalLine& line);
    /// The last line that was read, from 1.
    std::uint32_t line_number() const { return line_number_; }

private:
    bool append_physical(LogicalLine& line);

    std::string_view rest_;
    std::uint32_t source_;
    std::uint32_t line_number_ = 0;
};

/// What Define set; the environment comes after it.
class Variables {
public:
    void define(std::string_view name, std::string_view value);
    void define(std::string_view name);  ///< a flag for IfDefine, without a value
    void undefine(std::string_view name);
    bool is_defined(std::string_view name) const;
    /// The value for ${NAME}: of Define, or of the environment; null when neither has one.
    const char* find(const std::string& name) const;

private:
    struct Entry {
        bool has_value = false;
        std::string value;
    };
    std::map<std::string, Entry, std::less<>> entries_;
};

/// Replaces ${NAME} and ${NAME:-default} (ours; for an empty value too). A name without value or
/// default is an error, and gives false. What holds another colon is left alone: it belongs to a
/// rewrite map. A value is not expanded again.
bool expand(LogicalLine& line, const Variables& variables, Diagnostics& diagnostics);

/// Words of a line from offset `begin`: bare, or in single or double quotes, where a backslash
/// escapes the quote and itself. A quote that is not closed is an error and takes the rest of the
/// line.
std::vector<Word> split_words(const LogicalLine& line, std::size_t begin, Diagnostics& diagnostics);

}  // namespace headgate::conf
