// Header and RequestHeader (mod_headers): edits with plain values.
#include <algorithm>

#include "conf/suggest.h"
#include "proxy/http/target.h"
#include "proxy/settings/rules.h"
#include "proxy/settings/tls_fact_check.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Word;

struct ActionName {
    std::string_view name;
    FieldEdit::Action action;
};

constexpr ActionName actions[] = {
    {"set", FieldEdit::Action::set},       {"add", FieldEdit::Action::add},
    {"append", FieldEdit::Action::append}, {"merge", FieldEdit::Action::merge},
    {"unset", FieldEdit::Action::unset},   {"setifempty", FieldEdit::Action::set_if_empty},
};

constexpr std::string_view later_actions[] = {"edit", "edit*", "echo", "note"};

constexpr std::string_view action_list = "expected set, add, append, merge, setifempty or unset";

/// Fields that say how messages are framed and connections used: the engine alone writes them.
constexpr std::string_view framing_fields[] = {"content-length", "transfer-encoding", "connection"};

/// Fields of one connection, which are never forwarded: none can be put into a message either.
constexpr std::string_view hop_by_hop_fields[] = {"keep-alive", "proxy-connection", "te",
                                                  "upgrade"};

/// RFC 9110 section 5.6.2: field names are tokens.
bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char byte) {
        const bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        const bool is_digit = byte >= '0' && byte <= '9';
        constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
        return is_letter || is_digit || marks.find(byte) != marks.npos;
    });
}

bool read_action(FieldEdit& edit, const Word& word, const Call& call) {
    for (const ActionName& known : actions) {
        if (conf::is_equal_name(word.text, known.name)) {
            edit.action = known.action;
            return true;
        }
    }
    std::vector<std::string_view> names(std::begin(later_actions), std::end(later_actions));
    for (const std::string_view later : later_actions) {
        if (conf::is_equal_name(word.text, later)) {
            call.not_yet(word, std::string(call.row.name) + " " + std::string(later),
                         std::string(action_list));
            return false;
        }
    }
    for (const ActionName& known : actions) {
        names.push_back(known.name);
    }
    const std::string_view best = conf::nearest(word.text, names);
    call.error(
        word, "\"" + word.text + "\" is not an action of " + std::string(call.row.name),
        best.empty() ? std::string(action_list) : "did you mean \"" + std::string(best) + "\"?");
    return false;
}

bool read_name(FieldEdit& edit, const Word& word, const Call& call) {
    std::string_view name = word.text;
    if (name.ends_with(':')) {
        name.remove_suffix(1);  // as in Apache
    }
    if (!is_token(name)) {
        call.error(word, "\"" + word.text + "\" is not a field name");
        return false;
    }
    for (const std::string_view framing : framing_fields) {
        if (conf::is_equal_name(name, framing)) {
            call.error(word, "field " + std::string(name) + " cannot be edited",
                       "Headgate writes it: it says how messages are framed");
            return false;
        }
    }
    for (const std::string_view hop_by_hop : hop_by_hop_fields) {
        if (conf::is_equal_name(name, hop_by_hop) && edit.action != FieldEdit::Action::unset) {
            call.error(word, "field " + std::string(name) + " cannot be set",
                       "Headgate writes it: it is about one connection");
            return false;
        }
    }
    edit.name = std::string(name);
    return true;
}

/// RFC 9112 section 3.2: a request has exactly one Host, with an authority in it.
bool may_edit_host(const FieldEdit& edit, const Word& name, const Call& call) {
    if (!conf::is_equal_name(edit.name, "host") || call.row.name != "RequestHeader") return true;
    if (edit.action != FieldEdit::Action::set) {
        call.error(name, "field Host can only be set", "a request has exactly one");
        return false;
    }
    if (!edit.tls_facts.empty() || !http::parse_authority(edit.value)) {
        call.error(name, "field Host gets a value that is no host", "expected HOST or HOST:PORT");
        return false;
    }
    return true;
}

/// %{SSL_CLIENT_S_DN}s: its name; empty where something else stands.
std::string_view tls_fact_at(std::string_view text, std::size_t index) {
    const std::size_t end = text.find('}', index);
    if (text.substr(index, 2) != "%{" || end == text.npos || text.substr(end, 2) != "}s") return {};
    return text.substr(index + 2, end - index - 2);
}

bool is_known_fact(std::string_view name, const Word& word, const Call& call) {
    const auto problem = problem_of_tls_fact(name);
    if (problem) call.error(word, problem->text, problem->hint);
    return !problem;
}

/// A plain value: %% is a percent sign, every other format has to wait.
bool read_value(FieldEdit& edit, const Word& word, const Call& call) {
    if (conf::has_name_prefix(word.text, "expr=")) {
        call.not_yet(word, "an expression as a value");
        return false;
    }
    const bool is_request = call.row.name == "RequestHeader";
    for (std::size_t index = 0; index < word.text.size(); ++index) {
        const char byte = word.text[index];
        const bool is_control =
            (static_cast<unsigned char>(byte) < 0x20 && byte != '\t') || byte == 0x7f;
        if (is_control) {
            call.error(word, "a control character in a field value");
            return false;
        }
        const bool may_be_fact = byte == '%' && is_request;
        const std::string_view fact = may_be_fact ? tls_fact_at(word.text, index) : "";
        if (!fact.empty()) {
            if (!is_known_fact(fact, word, call)) return false;
            edit.tls_facts.push_back({edit.value.size(), std::string(fact)});
            index += fact.size() + 3;  // at the s of %{NAME}s
            continue;
        }
        if (byte == '%') {
            if (index + 1 == word.text.size() || word.text[index + 1] != '%') {
                call.not_yet(word, "a value with formats such as %{NAME}e",
                             "write %% for a percent sign");
                return false;
            }
            ++index;
        }
        edit.value.push_back(byte);
    }
    return true;
}

/// What may follow: early, env=, expr=. None of it works yet, and nothing else is right.
void refuse_rest(std::size_t first, const Call& call) {
    const Word& word = call.argument(first);
    for (const std::string_view prefix : {"env=", "expr="}) {
        if (conf::has_name_prefix(word.text, prefix)) {
            call.not_yet(word, "\"" + std::string(prefix) + "\" of " + std::string(call.row.name));
            return;
        }
    }
    if (conf::is_equal_name(word.text, "early")) {
        call.not_yet(word, "\"early\" of " + std::string(call.row.name));
        return;
    }
    call.error(word, "unexpected \"" + word.text + "\"", "a value with blanks needs quotes");
}

/// Action, name and value from the argument `first` on.
void read_edit(FieldEdit edit, std::size_t first, std::vector<FieldEdit>& edits, const Call& call) {
    edit.span = call.directive.name.span;
    if (!call.has_argument(first + 1)) {
        call.error(call.directive.name,
                   std::string(call.row.name) + " needs an action and a field name",
                   "expected " + std::string(call.row.name) + " " + std::string(call.row.syntax));
        return;
    }
    if (!read_action(edit, call.argument(first), call) ||
        !read_name(edit, call.argument(first + 1), call)) {
        return;
    }
    std::size_t rest = first + 2;
    if (edit.action != FieldEdit::Action::unset) {
        if (!call.has_argument(rest)) {
            call.error(call.argument(first + 1), "field " + edit.name + " gets no value",
                       "expected a value, in quotes if it has blanks");
            return;
        }
        if (!read_value(edit, call.argument(rest), call)) {
            return;
        }
        ++rest;
    }
    if (call.has_argument(rest)) {
        refuse_rest(rest, call);
        return;
    }
    if (!may_edit_host(edit, call.argument(first + 1), call)) return;
    edits.push_back(std::move(edit));
}

}  // namespace

void add_header(RouteSettings& settings, const Call& call) {
    FieldEdit edit;
    std::size_t first = 0;
    if (conf::is_equal_name(call.argument(0).text, "always")) {
        edit.condition = FieldEdit::Condition::always;
        first = 1;
    } else if (conf::is_equal_name(call.argument(0).text, "onsuccess")) {
        first = 1;
    }
    read_edit(std::move(edit), first, settings.response_fields, call);
}

void add_request_header(RouteSettings& settings, const Call& call) {
    read_edit({}, 0, settings.request_fields, call);
}

}  // namespace headgate::proxy
