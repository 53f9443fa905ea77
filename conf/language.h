// What the language has besides rows: directives that act while a file is read, and sections. Words
// about them only; parser_actions.cpp and apply.cpp are what they do.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace headgate::conf {

struct Construct {
    std::string_view name;    ///< "Include", "VirtualHost"
    std::string_view syntax;  ///< as it is written: "Include file|folder|pattern"
    std::string_view help;
    bool is_section = false;
};

/// All of them, sorted by name.
std::span<const Construct> constructs();

/// By its name in any case, with or without brackets; null when there is none.
const Construct* find_construct(std::string_view name);

/// What `headgate -L NAME` prints of it.
std::string describe(const Construct& construct);

}  // namespace headgate::conf
