// Regular expressions as Apache users write them (PCRE2), with limits so that no subject can hold a
// thread. The only file that knows PCRE2.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::conf {

/// What the groups matched: views of the subject, valid as long as it is. $0 to $9, as in Apache.
struct Captures {
    std::array<std::string_view, 10> groups;
    std::size_t count = 0;  ///< groups set, $0 included

    std::string_view operator[](std::size_t index) const {
        return index < count ? groups[index] : std::string_view{};
    }
};

struct PatternResult;

/// A compiled pattern. Immutable: copies share it, and threads may match at the same time.
class Pattern {
public:
    struct Options {
        bool ignore_case = false;
    };

    /// Never throws; a mistake is described with its offset in `text`.
    static PatternResult compile(std::string_view text, Options options);
    static PatternResult compile(std::string_view text);

    enum class Match {
        yes,
        no,
        limit,  ///< gave up: too much backtracking or depth; treat as no, and log
    };

    Match match(std::string_view subject, Captures& captures) const;
    bool matches(std::string_view subject) const;

    const std::string& text() const { return text_; }

    /// "PCRE2 10.42": the library at run time.
    static std::string library_version();

private:
    struct Code;
    Pattern(std::string text, std::shared_ptr<const Code> code);

    std::string text_;
    // Shared (rule zero): settings are copied when sections merge, and the code is immutable.
    std::shared_ptr<const Code> code_;
};

struct PatternResult {
    std::optional<Pattern> pattern;
    std::string error;       ///< in PCRE2's words; only without a pattern
    std::size_t offset = 0;  ///< in bytes, where it went wrong
};

/// Apache's substitution: $0 to $9 are groups (empty when unset), a backslash takes the next
/// character as it is.
std::string substitute(std::string_view replacement, const Captures& captures);

}  // namespace headgate::conf
