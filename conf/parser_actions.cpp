// Directives and sections that act while a configuration is read: Include, Define, LoadModule, the
// conditional sections. The rest of the reader is in parser.cpp.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "conf/known_apache.h"
#include "conf/parser.h"
#include "conf/suggest.h"
#include "conf/value.h"

namespace headgate::conf {

namespace {

/// The version of Apache that files may ask for in <IfVersion>: the one whose rules we follow.
constexpr std::array<int, 3> apache_version{2, 4, 65};

std::optional<std::array<int, 3>> parse_version(std::string_view text) {
    std::array<int, 3> version{};
    const char* next = text.data();
    const char* end = text.data() + text.size();
    for (int& part : version) {
        const auto [stopped, failed] = std::from_chars(next, end, part);
        if (failed != std::errc{} || part < 0) {
            return std::nullopt;
        }
        if (stopped == end) {
            return version;
        }
        if (*stopped != '.') {
            return std::nullopt;
        }
        next = stopped + 1;
    }
    return std::nullopt;
}

bool compares(std::string_view comparison, const std::array<int, 3>& wanted) {
    if (comparison == ">") {
        return apache_version > wanted;
    }
    if (comparison == ">=") {
        return apache_version >= wanted;
    }
    if (comparison == "<") {
        return apache_version < wanted;
    }
    if (comparison == "<=") {
        return apache_version <= wanted;
    }
    return apache_version == wanted;
}

}  // namespace

bool Parser::has_arguments(const Directive& directive, std::size_t least, std::size_t most,
                           std::string_view syntax) {
    const std::size_t count = directive.arguments.size();
    if (count >= least && count <= most) {
        return true;
    }
    const Span span = count < least ? directive.name.span : directive.arguments[most].span;
    diagnostics_.error(
        span, directive.name.text + (count < least ? " needs more" : " takes fewer") + " arguments",
        "expected " + std::string(syntax));
    return false;
}

/// True when the directive was one of those that act here.
bool Parser::act(const Directive& directive) {
    const std::string name = lower(directive.name.text);
    if (name == "include" || name == "includeoptional") {
        act_include(directive, name == "includeoptional");
    } else if (name == "define" || name == "undefine") {
        act_define(directive);
    } else if (name == "loadmodule") {
        act_load_module(directive);
    } else if (name == "error") {
        const std::string text = directive.arguments.empty() ? "" : directive.arguments[0].text;
        diagnostics_.error(directive.name.span, "Error: " + text,
                           "the configuration stops itself here");
    } else {
        // ServerRoot also has a meaning for later, so it stays in the tree.
        if (name == "serverroot" && directive.arguments.size() == 1) {
            reading_.server_root = directive.arguments[0].text;
        }
        return false;
    }
    return true;
}

void Parser::act_include(const Directive& directive, bool is_optional) {
    if (!has_arguments(directive, 1, 1, directive.name.text + " file|folder|pattern")) {
        return;
    }
    const Word& argument = directive.arguments[0];
    const std::string path = absolute(argument.text);
    const std::vector<std::string> files = find_files(path);
    if (files.empty() && !is_optional && !is_wildcard(path) && ::access(path.c_str(), F_OK) != 0) {
        diagnostics_.error(argument.span, "no such file or folder: " + path,
                           "write IncludeOptional if it may be missing");
    }
    for (const std::string& file : files) {
        read_file(file, argument.span);
    }
}

void Parser::act_define(const Directive& directive) {
    const bool is_removal = is_equal_name(directive.name.text, "UnDefine");
    if (!has_arguments(directive, 1, is_removal ? 1 : 2,
                       is_removal ? "UnDefine NAME" : "Define NAME [value]")) {
        return;
    }
    const Word& name = directive.arguments[0];
    if (name.text.empty() || name.text.find(':') != name.text.npos) {
        diagnostics_.error(name.span, "\"" + name.text + "\" cannot be the name of a variable",
                           "expected a name without \":\"");
    } else if (is_removal) {
        variables_.undefine(name.text);
    } else if (directive.arguments.size() == 2) {
        variables_.define(name.text, directive.arguments[1].text);
    } else {
        variables_.define(name.text);
    }
}

void Parser::act_load_module(const Directive& directive) {
    if (!has_arguments(directive, 2, 2, "LoadModule name_module file")) {
        return;
    }
    const Word& word = directive.arguments[0];
    const std::optional<KnownModule> module = find_module(word.text);
    if (!module || !is_equal_name(word.text, std::string(module->name) + "_module")) {
        std::vector<std::string> all;
        for (const std::string_view names :
             {names_of_built_in_modules(), names_of_other_modules()}) {
            for (const std::string_view name : split_names(names)) {
                all.push_back(std::string(name) + "_module");
            }
        }
        const std::vector<std::string_view> candidates(all.begin(), all.end());
        const std::string_view best = nearest(word.text, candidates);
        diagnostics_.error(word.span, "unknown module \"" + word.text + "\"",
                           best.empty()
                               ? "Headgate has modules of Apache 2.4 built in, and loads no others"
                               : "did you mean \"" + std::string(best) + "\"?");
        return;
    }
    const std::string name = std::string(module->name) + "_module";
    if (module->name.starts_with("mpm_")) {
        select_mpm(word);
    }
    const bool is_new =
        std::find(reading_.modules.begin(), reading_.modules.end(), name) == reading_.modules.end();
    if (is_new) {
        reading_.modules.push_back(name);
    }
    if (is_new && !module->is_built_in) {
        reading_.notes.push_back("no effect in Headgate: LoadModule " + name);
    }
}

void Parser::select_mpm(const Word& module) {
    const std::string model = module_base_name(module.text).substr(4);
    if (!reading_.selected_mpm.empty() && reading_.selected_mpm != model) {
        diagnostics_.error(module.span, "a second model, " + model + ", is selected",
                           "mpm_" + reading_.selected_mpm + "_module was loaded at " +
                               diagnostics_.sources().place(reading_.selected_mpm_span));
        return;
    }
    reading_.selected_mpm = model;
    reading_.selected_mpm_span = module.span;
}

bool Parser::is_module_present(std::string_view name) const {
    const std::optional<KnownModule> module = find_module(name);
    if (!module) {
        return false;
    }
    if (module->name.starts_with("mpm_")) {
        const std::string& model = reading_.selected_mpm;
        return module->name.substr(4) == (model.empty() ? "event" : model);
    }
    const std::string full = std::string(module->name) + "_module";
    const auto& loaded = reading_.modules;
    return module->is_built_in || std::find(loaded.begin(), loaded.end(), full) != loaded.end();
}

bool Parser::is_condition_true(const Directive& section) {
    const std::string name = lower(section.name.text);
    if (name == "ifversion") {
        return is_version_true(section);
    }
    if (name != "ifmodule" && name != "ifdefine" && name != "iffile") {
        diagnostics_.error(section.name.span,
                           "Apache section <" + section.name.text + "> is not supported here",
                           "not yet; <IfModule> or <IfDefine> may do");
        return false;
    }
    if (section.arguments.size() != 1 || section.arguments[0].text.empty()) {
        diagnostics_.error(section.name.span, "<" + section.name.text + "> needs one argument",
                           "expected <" + section.name.text + " [!]name>");
        return false;
    }
    std::string text = section.arguments[0].text;
    const bool is_negated = text.starts_with('!');
    text.erase(0, is_negated ? 1 : 0);
    bool holds = false;
    if (name == "ifmodule") {
        holds = is_module_present(text);
    } else if (name == "ifdefine") {
        holds = variables_.is_defined(text);
    } else {
        holds = ::access(absolute(text).c_str(), F_OK) == 0;
    }
    return holds != is_negated;
}

/// <IfVersion [[!]operator] version>
bool Parser::is_version_true(const Directive& section) {
    const std::vector<Word>& arguments = section.arguments;
    std::string comparison = arguments.size() == 2 ? arguments[0].text : "=";
    const bool is_negated = comparison.starts_with('!');
    comparison.erase(0, is_negated ? 1 : 0);
    constexpr std::array<std::string_view, 6> known{"=", "==", ">", ">=", "<", "<="};
    const bool is_known = std::find(known.begin(), known.end(), comparison) != known.end();
    const auto wanted = arguments.empty() ? std::nullopt : parse_version(arguments.back().text);
    if (arguments.size() > 2 || !is_known || !wanted) {
        diagnostics_.error(section.name.span, "<IfVersion> is not understood",
                           "expected <IfVersion [!][=|==|>|>=|<|<=] 2.4.10>");
        return false;
    }
    return compares(comparison, *wanted) != is_negated;
}

}  // namespace headgate::conf
