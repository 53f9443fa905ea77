// What Apache 2.4 knows: directives, sections and modules, and what Headgate makes of those it has
// no rows for. Known names are refused with advice, never called unknown.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::conf {

enum class Support {
    ignored,  ///< accepted, without effect, noted once
    not_yet,  ///< an error, until it works
};

/// Names with the same fate, separated by blanks.
struct KnownNames {
    Support support;
    std::string_view advice;  ///< for a hint
    std::string_view names;
};

/// The tables, in known_apache_names.cpp.
std::span<const KnownNames> known_directives();
std::span<const KnownNames> known_sections();
std::string_view names_of_built_in_modules();  ///< without "_module"
std::string_view names_of_other_modules();

/// The table entry of a name in any case; null for names Apache 2.4 does not have.
const KnownNames* find_known(std::span<const KnownNames> table, std::string_view name);

/// Every single name of a table, for suggestions.
std::vector<std::string_view> names_in(std::span<const KnownNames> table);
std::vector<std::string_view> split_names(std::string_view names);

/// <IfModule>, <IfDefine> and the others that decide while reading whether their content is read.
bool is_condition_name(std::string_view section);

/// A module, by any of its names: "proxy_module", "mod_proxy.c", "event.c".
struct KnownModule {
    std::string_view name;  ///< without "_module": "proxy", "mpm_event"
    bool is_built_in = false;
};

/// Nothing for modules Apache 2.4 does not have.
std::optional<KnownModule> find_module(std::string_view name);

/// The part of a module's name that the table has: "proxy" of "mod_proxy.c". In lower case.
std::string module_base_name(std::string_view name);

}  // namespace headgate::conf
