// Looking up in the tables of known_apache_names.cpp.
#include "conf/known_apache.h"

#include "conf/value.h"

namespace headgate::conf {

namespace {

std::optional<std::string_view> find_name(std::string_view names, std::string_view name) {
    for (const std::string_view candidate : split_names(names)) {
        if (is_equal_name(candidate, name)) {
            return candidate;
        }
    }
    return std::nullopt;
}

}  // namespace

std::vector<std::string_view> split_names(std::string_view names) {
    std::vector<std::string_view> found;
    while (!names.empty()) {
        const std::size_t end = std::min(names.find(' '), names.size());
        if (end > 0) {
            found.push_back(names.substr(0, end));
        }
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return found;
}

const KnownNames* find_known(std::span<const KnownNames> table, std::string_view name) {
    for (const KnownNames& group : table) {
        if (find_name(group.names, name)) {
            return &group;
        }
    }
    return nullptr;
}

std::vector<std::string_view> names_in(std::span<const KnownNames> table) {
    std::vector<std::string_view> all;
    for (const KnownNames& group : table) {
        const std::vector<std::string_view> names = split_names(group.names);
        all.insert(all.end(), names.begin(), names.end());
    }
    return all;
}

bool is_condition_name(std::string_view section) {
    for (const std::string_view name :
         {"IfModule", "IfDefine", "IfVersion", "IfFile", "IfDirective", "IfSection"}) {
        if (is_equal_name(section, name)) {
            return true;
        }
    }
    return false;
}

std::string module_base_name(std::string_view name) {
    std::string base = lower(name);
    if (base.ends_with("_module")) {
        base.resize(base.size() - std::string_view("_module").size());
    } else if (base.ends_with(".c")) {
        base.resize(base.size() - 2);
        if (base.starts_with("mod_")) {
            base.erase(0, 4);
        }
    }
    if (base == "http_core") {
        return "http";
    }
    const bool is_model = base == "event" || base == "worker" || base == "prefork";
    return is_model ? "mpm_" + base : base;
}

std::optional<KnownModule> find_module(std::string_view name) {
    const std::string base = module_base_name(name);
    if (const auto built_in = find_name(names_of_built_in_modules(), base)) {
        return KnownModule{*built_in, true};
    }
    if (const auto other = find_name(names_of_other_modules(), base)) {
        return KnownModule{*other, false};
    }
    return std::nullopt;
}

}  // namespace headgate::conf
