// See field_edits.h.
#include "proxy/field_edits.h"

#include <algorithm>

#include "proxy/http/fields.h"
#include "proxy/net/tls_peer.h"

namespace headgate::proxy {
namespace {

using Action = FieldEdit::Action;

auto named(const std::string& name) {
    return
        [&name](const OutgoingField& field) { return http::equals_ignore_case(field.name, name); };
}

bool lists(std::string_view value, std::string_view element) {
    http::ListElements elements(value);
    while (const auto each = elements.next()) {
        if (*each == element) return true;
    }
    return false;
}

void append(const FieldEdit& edit, OutgoingFields& fields) {
    const auto found = std::find_if(fields.begin(), fields.end(), named(edit.name));
    if (found == fields.end()) {
        fields.push_back({edit.name, edit.value, {}});
        return;
    }
    if (edit.action == Action::merge && lists(found->text(), edit.value)) return;
    found->made = std::string(found->text()) + ", " + edit.value;
}

void set(const FieldEdit& edit, OutgoingFields& fields) {
    const auto found = std::find_if(fields.begin(), fields.end(), named(edit.name));
    if (found == fields.end()) {
        fields.push_back({edit.name, edit.value, {}});
        return;
    }
    *found = {edit.name, edit.value, {}};
    fields.erase(std::remove_if(found + 1, fields.end(), named(edit.name)), fields.end());
}

}  // namespace

std::vector<FieldEdit> with_facts(const std::vector<FieldEdit>& edits,
                                  const net::TlsTransport* tls) {
    std::vector<FieldEdit> made = edits;
    for (FieldEdit& edit : made) {
        // From the last one, so that the offsets of the others stay right.
        for (auto fact = edit.tls_facts.rbegin(); fact != edit.tls_facts.rend(); ++fact) {
            std::string value = tls != nullptr ? net::tls_fact(*tls, fact->name) : "";
            if (value.empty()) value = "(null)";  // as Apache writes it
            // A certificate has line ends, a field has none.
            std::replace(value.begin(), value.end(), '\n', ' ');
            std::replace(value.begin(), value.end(), '\r', ' ');
            edit.value.insert(fact->at, value);
        }
    }
    return made;
}

void apply(const std::vector<FieldEdit>& edits, bool for_answer, OutgoingFields& fields) {
    for (const FieldEdit& edit : edits) {
        if (for_answer && edit.condition != FieldEdit::Condition::always) continue;
        switch (edit.action) {
            case Action::set:
                set(edit, fields);
                break;
            case Action::add:
                fields.push_back({edit.name, edit.value, {}});
                break;
            case Action::append:
            case Action::merge:
                append(edit, fields);
                break;
            case Action::set_if_empty:
                if (std::none_of(fields.begin(), fields.end(), named(edit.name))) set(edit, fields);
                break;
            case Action::unset:
                fields.erase(std::remove_if(fields.begin(), fields.end(), named(edit.name)),
                             fields.end());
                break;
        }
    }
}

}  // namespace headgate::proxy
