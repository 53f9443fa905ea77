// See field_edits.h.
#include "proxy/field_edits.h"

#include <algorithm>

#include "proxy/http/fields.h"

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
