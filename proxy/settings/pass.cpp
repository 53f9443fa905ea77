// ProxyPass, ProxyPassMatch and ProxyPassReverse, with the warnings that save people days.
#include "proxy/settings/rules.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Scope;
using conf::Word;

bool is_in_location(const Call& call) {
    return call.scope.kind == Scope::Kind::location ||
           call.scope.kind == Scope::Kind::location_match;
}

/// Whether a rule for `earlier` takes every request that one for `later` would: whole segments.
bool covers(std::string_view earlier, std::string_view later) {
    if (!later.starts_with(earlier)) {
        return false;
    }
    return earlier.ends_with('/') || later.size() == earlier.size() || later[earlier.size()] == '/';
}

void warn_if_shadowed(const RouteSettings& settings, const PassRule& rule, const Call& call) {
    for (const PassRule& earlier : settings.passes) {
        if (!earlier.pattern && covers(earlier.prefix, rule.prefix)) {
            call.diagnostics.warning(
                rule.span,
                "ProxyPass " + rule.prefix + " is never reached: " + earlier.prefix +
                    " comes first",
                "move it above " + call.diagnostics.sources().place(earlier.span));
            return;
        }
    }
}

void warn_if_slashes_differ(const PassRule& rule, const Word& url, const Call& call) {
    const bool path_has = rule.prefix.ends_with('/');
    const bool url_has = rule.target.path.ends_with('/');
    if (rule.exclude || path_has == url_has) {
        return;
    }
    const std::string sample = rule.prefix + (path_has ? "x" : "/x");
    const std::string result =
        rule.target.path + sample.substr(std::min(rule.prefix.size(), sample.size()));
    call.diagnostics.warning(
        url.span, "only one of \"" + rule.prefix + "\" and \"" + url.text + "\" ends in a slash",
        "a request for " + sample + " becomes one for \"" + result + "\"");
}

/// Target and parameters, from the argument `first` on.
bool read_destination(PassRule& rule, std::size_t first, const Call& call) {
    if (!call.has_argument(first)) {
        call.error(call.directive.name, std::string(call.row.name) + " names no target",
                   "expected a URL such as http://127.0.0.1:8080/, or !");
        return false;
    }
    const Word& url = call.argument(first);
    if (url.text == "!") {
        rule.exclude = true;
    } else {
        std::optional<Target> target = read_target(url, call);
        if (target) {
            rule.target = std::move(*target);
        }
        for (std::size_t index = first + 1; index < call.arguments().size(); ++index) {
            read_pass_parameter(rule.parameters, call.argument(index), call);
        }
        return target.has_value();
    }
    if (call.has_argument(first + 1)) {
        call.error(call.argument(first + 1), "nothing follows \"!\"");
        return false;
    }
    return true;
}

/// In a section the path is the section's; Apache refuses a second one, and so do we.
bool is_path_given_twice(const Call& call) {
    const Word& first = call.argument(0);
    const bool looks_like_path = first.text.starts_with('/') || first.text.starts_with('^');
    if (!looks_like_path || !call.has_argument(1)) {
        return false;
    }
    call.error(first, std::string(call.row.name) + " has no path inside a <Location>",
               "the path is that of the section: write the URL alone");
    return true;
}

/// A section has one rule: the last one written, as in Apache.
void replace_rule(RouteSettings& settings, PassRule rule, const Call& call) {
    if (!settings.passes.empty()) {
        call.diagnostics.warning(
            rule.span,
            "a second " + std::string(call.row.name) + " of this section replaces the first",
            "at " + call.diagnostics.sources().place(settings.passes.back().span));
        settings.passes.clear();
    }
    settings.passes.push_back(std::move(rule));
}

bool set_pattern(PassRule& rule, const Word& word, const Call& call) {
    conf::PatternResult result = conf::Pattern::compile(word.text);
    if (!result.pattern) {
        call.error(word, "\"" + word.text + "\" is not a pattern",
                   result.error + " (at byte " + std::to_string(result.offset + 1) + ")");
        return false;
    }
    rule.pattern = std::move(result.pattern);
    return true;
}

PassRule empty_rule(const Call& call) {
    PassRule rule;
    rule.span = call.directive.name.span;
    return rule;
}

}  // namespace

void add_proxy_pass(RouteSettings& settings, const Call& call) {
    PassRule rule = empty_rule(call);
    if (call.scope.kind == Scope::Kind::location_match) {
        call.error(call.directive.name, "ProxyPass does not work with the pattern of a section",
                   "write ProxyPassMatch");
        return;
    }
    if (is_in_location(call)) {
        if (!call.scope.arguments.empty() && !is_path_given_twice(call) &&
            read_destination(rule, 0, call)) {
            rule.prefix = call.scope.arguments[0].text;
            warn_if_slashes_differ(rule, call.argument(0), call);
            replace_rule(settings, std::move(rule), call);
        }
        return;
    }
    const Word& path = call.argument(0);
    if (!path.text.starts_with('/')) {
        call.error(path, "\"" + path.text + "\" is not a path",
                   "expected ProxyPass /path http://host/");
        return;
    }
    rule.prefix = path.text;
    if (read_destination(rule, 1, call)) {
        if (!rule.exclude) {
            warn_if_slashes_differ(rule, call.argument(1), call);
        }
        warn_if_shadowed(settings, rule, call);
        settings.passes.push_back(std::move(rule));
    }
}

void add_proxy_pass_match(RouteSettings& settings, const Call& call) {
    PassRule rule = empty_rule(call);
    if (!is_in_location(call)) {
        const bool is_pattern_right = set_pattern(rule, call.argument(0), call);
        if (read_destination(rule, 1, call) && is_pattern_right) {
            settings.passes.push_back(std::move(rule));
        }
        return;
    }
    if (call.scope.kind != Scope::Kind::location_match) {
        call.error(call.directive.name, "ProxyPassMatch needs the pattern of a section",
                   "write <LocationMatch>, or ProxyPass");
        return;
    }
    // A wrong pattern of the section has been reported where it stands.
    if (call.scope.arguments.empty() || is_path_given_twice(call)) {
        return;
    }
    rule.pattern = conf::Pattern::compile(call.scope.arguments[0].text).pattern;
    if (read_destination(rule, 0, call) && rule.pattern) {
        replace_rule(settings, std::move(rule), call);
    }
}

void add_proxy_pass_reverse(RouteSettings& settings, const Call& call) {
    ReverseRule rule;
    rule.span = call.directive.name.span;
    const std::size_t url_index = is_in_location(call) ? 0 : 1;
    for (std::size_t index = url_index + 1; index < call.arguments().size(); ++index) {
        const Word& extra = call.argument(index);
        if (conf::is_equal_name(extra.text, "interpolate")) {
            call.not_yet(extra, "\"interpolate\" of ProxyPassReverse");
        } else {
            call.error(extra, "unexpected \"" + extra.text + "\"",
                       url_index == 0 ? "the path is that of the section: write the URL alone"
                                      : "expected ProxyPassReverse /path URL");
        }
        return;
    }
    if (!call.has_argument(url_index)) {
        call.error(call.directive.name, "ProxyPassReverse names no URL",
                   "expected ProxyPassReverse /path URL");
        return;
    }
    if (call.scope.kind == Scope::Kind::location_match) {
        call.error(call.directive.name,
                   "ProxyPassReverse does not work with the pattern of a section",
                   "write it in <Location>, or outside with a path");
        return;
    }
    if (url_index == 1) {
        rule.path = call.argument(0).text;
    } else if (!call.scope.arguments.empty()) {
        rule.path = call.scope.arguments[0].text;
    }
    rule.url = call.argument(url_index).text;
    const bool is_url = rule.url.find("://") != rule.url.npos || rule.url.starts_with('/');
    if (!is_url) {
        call.error(call.argument(url_index), "\"" + rule.url + "\" is not a URL",
                   "expected a URL such as http://127.0.0.1:8080/");
        return;
    }
    settings.reverses.push_back(std::move(rule));
}

}  // namespace headgate::proxy
