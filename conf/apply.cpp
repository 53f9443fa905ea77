// See apply.h.
#include "conf/apply.h"

#include <algorithm>

#include "conf/describe.h"
#include "conf/known_apache.h"
#include "conf/language.h"
#include "conf/pattern.h"
#include "conf/suggest.h"

namespace headgate::conf {

namespace {

struct SectionRule {
    std::string_view name;
    Scope::Kind kind;
    unsigned bit;       ///< of the context inside
    unsigned contexts;  ///< where it may stand
    std::string_view syntax;
};

constexpr SectionRule section_rules[] = {
    {"VirtualHost", Scope::Kind::virtual_host, in_virtual_host, in_server,
     "<VirtualHost address:port ...>"},
    {"Location", Scope::Kind::location, in_location, in_server | in_virtual_host,
     "<Location /path>"},
    {"LocationMatch", Scope::Kind::location_match, in_location, in_server | in_virtual_host,
     "<LocationMatch pattern>"},
    {"Proxy", Scope::Kind::proxy, in_proxy, in_server | in_virtual_host, "<Proxy url>"},
};

const SectionRule* find_section(std::string_view name) {
    for (const SectionRule& rule : section_rules) {
        if (is_equal_name(rule.name, name)) {
            return &rule;
        }
    }
    return nullptr;
}

std::string_view section_name(Scope::Kind kind) {
    for (const SectionRule& rule : section_rules) {
        if (rule.kind == kind) {
            return rule.name;
        }
    }
    return "server";
}

unsigned context_bit(Scope::Kind kind) {
    for (const SectionRule& rule : section_rules) {
        if (rule.kind == kind) {
            return rule.bit;
        }
    }
    return in_server;
}

std::string arguments_in_words(unsigned count) {
    return std::to_string(count) + (count == 1 ? " argument" : " arguments");
}

class Applier {
public:
    Applier(const RowTables& tables, Diagnostics& diagnostics, std::vector<std::string>& notes)
        : tables_(tables), diagnostics_(diagnostics), notes_(notes) {}

    void apply_all(const std::vector<Directive>& directives, Scope& scope) {
        for (const Directive& directive : directives) {
            if (directive.is_section) {
                apply_section(directive, scope);
            } else {
                apply_directive(directive, scope);
            }
        }
    }

private:
    void apply_directive(const Directive& directive, Scope& scope);
    bool is_context_right(const Directive& directive, unsigned contexts, const Scope& scope);
    bool is_arity_right(const Directive& directive, const Row& row);
    void refuse_directive(const Directive& directive);
    std::string_view nearest_directive(std::string_view name) const;

    void apply_section(const Directive& section, Scope& scope);
    void refuse_section(const Directive& section);
    bool are_section_arguments_right(const Directive& section, const SectionRule& rule,
                                     Scope& inner);
    bool is_location_right(const Directive& section, Scope& inner);
    bool is_pattern_right(const Word& word);

    const RowTables& tables_;
    Diagnostics& diagnostics_;
    std::vector<std::string>& notes_;
};

void Applier::apply_directive(const Directive& directive, Scope& scope) {
    const Row* row = find_row(tables_, directive.name.text);
    if (row == nullptr) {
        refuse_directive(directive);
        return;
    }
    if (is_context_right(directive, row->contexts, scope) && is_arity_right(directive, *row)) {
        scope.written.push_back({row, directive.name.span});
        row->setter(scope.settings, Call{directive, *row, scope, diagnostics_});
    }
}

bool Applier::is_context_right(const Directive& directive, unsigned contexts, const Scope& scope) {
    if ((contexts & context_bit(scope.kind)) != 0) {
        return true;
    }
    const std::string name =
        directive.is_section ? "<" + directive.name.text + ">" : directive.name.text;
    const std::string place = scope.kind == Scope::Kind::server
                                  ? "outside a section"
                                  : "in <" + std::string(section_name(scope.kind)) + ">";
    diagnostics_.error(directive.name.span, name + " is not allowed " + place,
                       "allowed in: " + describe_contexts(contexts));
    return false;
}

bool Applier::is_arity_right(const Directive& directive, const Row& row) {
    const auto count = static_cast<unsigned>(directive.arguments.size());
    if (count >= row.min_arguments && count <= row.max_arguments) {
        return true;
    }
    Span span = directive.name.span;
    std::string hint = "expected " + directive.name.text + " " + std::string(row.syntax);
    if (count > row.max_arguments) {
        const Word& extra = directive.arguments[row.max_arguments];
        span = join(extra.span, directive.arguments.back().span);
        if (extra.text.starts_with('#') && !extra.quoted) {
            hint = "a comment needs a line of its own";
        }
    }
    std::string takes = arguments_in_words(row.min_arguments);
    if (row.max_arguments == Row::unlimited) {
        takes = "at least " + takes;
    } else if (row.max_arguments != row.min_arguments) {
        takes = std::to_string(row.min_arguments) + " to " + arguments_in_words(row.max_arguments);
    }
    diagnostics_.error(span,
                       directive.name.text + " takes " + takes + ", not " + std::to_string(count),
                       hint, "headgate -L " + std::string(row.name));
    return false;
}

void Applier::refuse_directive(const Directive& directive) {
    const std::string& name = directive.name.text;
    if (const KnownNames* known = find_known(known_directives(), name)) {
        if (known->support == Support::not_yet) {
            diagnostics_.error(directive.name.span,
                               "Apache directive \"" + name + "\" is not supported here",
                               std::string(known->advice));
            return;
        }
        std::string note = "no effect in Headgate: " + name;
        if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) {
            notes_.push_back(std::move(note));
        }
        return;
    }
    if (find_section(name) != nullptr || find_known(known_sections(), name) != nullptr) {
        diagnostics_.error(directive.name.span, "\"" + name + "\" is a section",
                           "write <" + name + " ...> and </" + name + ">");
        return;
    }
    const std::string best(nearest_directive(name));
    const bool is_explained =
        !best.empty() && (find_row(tables_, best) != nullptr || find_construct(best) != nullptr);
    diagnostics_.error(directive.name.span, "unknown directive \"" + name + "\"",
                       best.empty() ? "" : "did you mean \"" + best + "\"?",
                       is_explained ? "headgate -L " + best : "");
}

std::string_view Applier::nearest_directive(std::string_view name) const {
    std::vector<std::string_view> candidates;
    for (const std::span<const Row> table : tables_) {
        for (const Row& row : table) {
            candidates.push_back(row.name);
        }
    }
    for (const Construct& construct : constructs()) {
        if (!construct.is_section) {
            candidates.push_back(construct.name);
        }
    }
    const std::vector<std::string_view> known = names_in(known_directives());
    candidates.insert(candidates.end(), known.begin(), known.end());
    return nearest(name, candidates);
}

void Applier::apply_section(const Directive& section, Scope& scope) {
    const SectionRule* rule = find_section(section.name.text);
    if (rule == nullptr) {
        refuse_section(section);
        return;
    }
    if (!is_context_right(section, rule->contexts, scope)) {
        return;
    }
    Scope inner;
    inner.kind = rule->kind;
    inner.arguments = section.arguments;
    inner.span = section.name.span;
    // What is inside is looked at even when the section itself is wrong: all errors in one run.
    are_section_arguments_right(section, *rule, inner);
    apply_all(section.children, inner);
    scope.children.push_back(std::move(inner));
}

void Applier::refuse_section(const Directive& section) {
    const std::string& name = section.name.text;
    if (const KnownNames* known = find_known(known_sections(), name)) {
        diagnostics_.error(section.name.span,
                           "Apache section <" + name + "> is not supported here, and was skipped",
                           std::string(known->advice));
        return;
    }
    std::vector<std::string_view> candidates = names_in(known_sections());
    for (const SectionRule& rule : section_rules) {
        candidates.push_back(rule.name);
    }
    for (const std::string_view condition : {"IfModule", "IfDefine", "IfVersion", "IfFile"}) {
        candidates.push_back(condition);
    }
    const std::string best(nearest(name, candidates));
    diagnostics_.error(section.name.span, "unknown section <" + name + ">, which was skipped",
                       best.empty() ? "" : "did you mean <" + best + ">?");
}

bool Applier::are_section_arguments_right(const Directive& section, const SectionRule& rule,
                                          Scope& inner) {
    if (section.arguments.empty()) {
        diagnostics_.error(section.name.span, "<" + section.name.text + "> needs an argument",
                           "expected " + std::string(rule.syntax));
        return false;
    }
    if (rule.kind == Scope::Kind::location || rule.kind == Scope::Kind::location_match) {
        return is_location_right(section, inner);
    }
    if (rule.kind == Scope::Kind::virtual_host) {
        for (const Word& word : section.arguments) {
            const Parsed<Address> parsed = address(word.text);
            if (!parsed.value) {
                diagnostics_.error(word.span, "\"" + word.text + "\" is not an address",
                                   "expected " + parsed.expected);
            }
        }
        return true;
    }
    const Word& url = section.arguments[0];
    if (has_name_prefix(url.text, "balancer:")) {
        diagnostics_.error(url.span, "balancers: not yet", "expected the URL of an upstream");
    }
    if (section.arguments.size() > 1) {
        diagnostics_.error(section.arguments[1].span,
                           "<" + section.name.text + "> takes 1 argument",
                           "expected " + std::string(rule.syntax));
    }
    return true;
}

/// <Location /path>, <LocationMatch X>, and <Location ~ X>, which means the latter.
bool Applier::is_location_right(const Directive& section, Scope& inner) {
    std::vector<Word>& words = inner.arguments;
    if (words[0].text == "~" && !words[0].quoted && words.size() == 2) {
        words.erase(words.begin());
        inner.kind = Scope::Kind::location_match;
    }
    if (words.size() > 1) {
        diagnostics_.error(words[1].span, "<" + section.name.text + "> takes 1 argument",
                           "a path with blanks needs quotes");
        return false;
    }
    if (inner.kind == Scope::Kind::location_match) {
        return is_pattern_right(words[0]);
    }
    const std::string& path = words[0].text;
    if (path.starts_with('/')) {
        if (!is_wildcard(path)) {
            return true;
        }
        diagnostics_.error(words[0].span, "wildcards in <Location>: not yet",
                           "write <LocationMatch> with a pattern");
        return false;
    }
    diagnostics_.error(words[0].span, "\"" + path + "\" is not a path",
                       "expected a path from \"/\"");
    return false;
}

bool Applier::is_pattern_right(const Word& word) {
    const PatternResult result = Pattern::compile(word.text);
    if (!result.pattern) {
        diagnostics_.error(word.span, "\"" + word.text + "\" is not a pattern",
                           result.error + " (at byte " + std::to_string(result.offset + 1) + ")");
    }
    return result.pattern.has_value();
}

}  // namespace

void apply(const std::vector<Directive>& directives, const RowTables& tables, Scope& root,
           Diagnostics& diagnostics, std::vector<std::string>& notes) {
    Applier(tables, diagnostics, notes).apply_all(directives, root);
}

}  // namespace headgate::conf
