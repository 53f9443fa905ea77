// The texts a configuration is made of, and the names of places in them. A Span never holds text:
// it is four numbers that point into a Sources table, so it can be copied into every setting.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::conf {

/// Where bytes came from: the original bytes of a file, whatever continuation lines and ${NAME}
/// made of them. Lines and columns count from 1, in bytes; length stays within the line.
struct Span {
    static constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();

    std::uint32_t source = nowhere;  ///< index in Sources; `nowhere`: not written in any text
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    std::uint32_t length = 0;

    bool is_somewhere() const { return source != nowhere; }
    friend bool operator==(const Span&, const Span&) = default;
};

/// One text: a file as read once, or the directives of the command line. A file that is included
/// twice is two sources, since it has two places it was included from.
struct Source {
    std::string name;  ///< path as opened, or "command line (-c)"
    std::string text;
    Span included_from;  ///< the argument of Include; nowhere for the first file
};

/// All texts of one load, append only; indices stay valid. Not for several threads at once.
class Sources {
public:
    /// Takes the text over and gives the index by which spans name it.
    std::uint32_t add(std::string name, std::string text, Span included_from = {});

    const Source& at(std::uint32_t index) const { return sources_[index]; }
    std::size_t size() const { return sources_.size(); }

    /// The line (from 1) without its end; empty beyond the text.
    std::string_view line(std::uint32_t index, std::uint32_t line) const;

    /// "FILE:LINE", as messages name a place; empty for nowhere.
    std::string place(const Span& span) const;

private:
    std::deque<Source> sources_;  // texts stay where they are: lines are lent out as views
};

/// The smallest span over two of the same line; `first` alone when they are on different lines.
Span join(const Span& first, const Span& last);

/// What could not be read, in words for a message; empty on success. `text` gets the content.
std::string read_text(const std::string& path, std::string& text);

/// Files named by an Include argument (a file, a folder, or a pattern with * ? [ ]), sorted by
/// bytes. Folders are taken with everything below them. Empty when nothing matches.
std::vector<std::string> find_files(const std::string& path);

/// Whether the argument is a pattern, which may match nothing without being an error.
bool is_wildcard(std::string_view path);

}  // namespace headgate::conf
