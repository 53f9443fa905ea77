// What a parser makes of a stream of octets: the same question put to ours, to Boost.Beast's and to
// llhttp (Node's). Where two answers differ, two hops of one chain would differ.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::differential {

enum class Kind { request, response };

enum class Outcome { incomplete, accepted, refused };

struct Reading {
    Outcome head = Outcome::incomplete;
    std::string reason;               // of whatever was refused, head or content
    std::string start;                // "GET /path 1.1", "200 1.1"
    std::vector<std::string> fields;  // "name: value", the name in lower case; in order of names
    std::string framing;              // "none", "5", "chunked", "close"
    Outcome content_outcome = Outcome::incomplete;
    std::string content;
    std::size_t end = 0;  // where the message ends; once content_outcome is accepted
};

/// With the field lines that matter as ours sees them: bare LF, folds and the like were tolerated.
struct OwnReading : Reading {
    bool is_lenient = false;
};

/// A response belongs to a GET. The input ends behind `text` only for framing "close".
OwnReading read_own(Kind kind, std::string_view text);
Reading read_beast(Kind kind, std::string_view text);
Reading read_llhttp(Kind kind, std::string_view text);

/// Sorts by name, in order of arrival within a name; folds and other white space become one SP.
void normalise(std::vector<std::string>& fields);

/// "name: value" in the form of Reading::fields.
std::string field_line(std::string_view name, std::string_view value);

}  // namespace headgate::differential
