// See field_edits.h.
#include "proxy/site/field_edits.h"

#include <algorithm>

#include "proxy/http/fields.h"
#include "proxy/net/tls_peer.h"

namespace headgate::proxy {
namespace {

using Action = FieldEdit::Action;

auto named(std::string_view name) {
    return
        [name](const OutgoingField& field) { return http::equals_ignore_case(field.name, name); };
}

bool lists(std::string_view value, std::string_view element) {
    http::ListElements elements(value);
    while (const auto each = elements.next()) {
        if (*each == element) return true;
    }
    return false;
}

/// The edit's value with the facts of the connection in the place of its %{NAME}s.
std::string value_with_facts(const FieldEdit& edit, const net::TlsTransport* tls) {
    std::string filled = edit.value;
    // From the last one, so that the offsets of the others stay right.
    for (auto fact = edit.tls_facts.rbegin(); fact != edit.tls_facts.rend(); ++fact) {
        std::string value = net::tls_fact(tls, fact->name);
        if (value.empty()) value = "(null)";  // as Apache writes it
        // A certificate has line ends, a field has none.
        std::replace(value.begin(), value.end(), '\n', ' ');
        std::replace(value.begin(), value.end(), '\r', ' ');
        filled.insert(fact->at, value);
    }
    return filled;
}

/// What an edit puts in: a view of the configuration, or its own text where facts are wanted.
OutgoingField field_of(const FieldEdit& edit, const net::TlsTransport* tls) {
    if (edit.tls_facts.empty()) return {edit.name, edit.value, {}};
    return {edit.name, {}, value_with_facts(edit, tls)};
}

void append(OutgoingField field, bool unless_listed, OutgoingFields& fields) {
    const auto found = std::find_if(fields.begin(), fields.end(), named(field.name));
    if (found == fields.end()) {
        fields.push_back(std::move(field));
        return;
    }
    if (unless_listed && lists(found->text(), field.text())) return;
    found->made = std::string(found->text()) + ", " + std::string(field.text());
}

void set(OutgoingField field, OutgoingFields& fields) {
    const auto found = std::find_if(fields.begin(), fields.end(), named(field.name));
    if (found == fields.end()) {
        fields.push_back(std::move(field));
        return;
    }
    const auto others = std::remove_if(found + 1, fields.end(), named(field.name));
    fields.erase(others, fields.end());
    *found = std::move(field);
}

}  // namespace

void apply(const std::vector<FieldEdit>& edits, bool for_answer, const net::TlsTransport* tls,
           OutgoingFields& fields) {
    for (const FieldEdit& edit : edits) {
        if (for_answer && edit.condition != FieldEdit::Condition::always) continue;
        const auto is_named = named(edit.name);
        switch (edit.action) {
            case Action::set:
                set(field_of(edit, tls), fields);
                break;
            case Action::add:
                fields.push_back(field_of(edit, tls));
                break;
            case Action::append:
            case Action::merge:
                append(field_of(edit, tls), edit.action == Action::merge, fields);
                break;
            case Action::set_if_empty:
                if (std::none_of(fields.begin(), fields.end(), is_named))
                    fields.push_back(field_of(edit, tls));
                break;
            case Action::unset:
                fields.erase(std::remove_if(fields.begin(), fields.end(), is_named), fields.end());
                break;
        }
    }
}

}  // namespace headgate::proxy
