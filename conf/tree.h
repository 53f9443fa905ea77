// What parsing gives: directives in file order, sections with what they enclose. Includes and
// conditional sections are already gone from it; what directives mean is not known here.
#pragma once

#include <string>
#include <vector>

#include "conf/source.h"

namespace headgate::conf {

/// One word of a directive, quotes and escapes resolved; the span points at the original bytes.
struct Word {
    std::string text;
    Span span;
    bool quoted = false;
};

/// A directive, or a section with its directives.
struct Directive {
    Word name;  ///< as written, without "<"
    std::vector<Word> arguments;
    std::vector<Directive> children;
    Span closing;  ///< of </Name>; nowhere for a plain directive
    bool is_section = false;
};

}  // namespace headgate::conf
