// What can be said of a message's text without a parser: the conditions under which the lists of
// comparison.cpp let two readings differ. Written apart from the parsers, and simpler than they
// are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace headgate::differential {

struct Line {
    std::string name;  // lower case; empty: no colon
    std::string value;
    std::string whole;
};

class Facts {
public:
    explicit Facts(std::string_view text);

    bool has_bare_lf = false;   // in the head
    bool has_bare_cr = false;   // in the head
    bool has_fold = false;      // a line that begins with white space
    bool begins_empty = false;  // with an empty line
    std::string first;          // the start line
    std::vector<Line> lines;
    std::string content;  // what follows the head, in lower case

    std::vector<std::string> values(std::string_view name) const;
    std::size_t count(std::string_view name) const { return values(name).size(); }
    /// Every field line is `token ":" field-value` to the letter.
    bool has_good_fields() const;
    /// method SP target SP HTTP/1.x; SP-free visible ASCII in between.
    bool has_good_request_line() const;
    /// HTTP/1.x SP 3DIGIT, and then nothing or SP and a phrase.
    bool has_good_status_line() const;
    /// HTTP/1.2 to HTTP/1.9.
    bool has_later_version() const;
    /// One of those that every parser knows.
    bool has_usual_method() const;
    /// A response with status 1xx, 204 or 304.
    bool is_without_content() const;
    /// All elements of all Content-Length fields are the same number (02 is 2), and there are
    /// several.
    bool repeats_one_length() const;
    bool has_tab_behind(std::string_view name) const;
    /// What follows the head has this in it, in any case.
    bool content_names(std::string_view text) const {
        return content.find(text) != std::string::npos;
    }
    /// What follows the head is chunked coding to the letter, without extensions.
    bool has_plain_chunks() const;
    /// Exactly one, of digits, below 2^63.
    bool has_good_length() const;
};

bool is_token(std::string_view text);

}  // namespace headgate::differential
