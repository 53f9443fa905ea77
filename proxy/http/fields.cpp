// The list of fields, and walking the elements of list-valued ones.
#include "proxy/http/fields.h"

#include <algorithm>

namespace headgate::http {

namespace {

// Enough for nearly every head, so that one allocation serves it (480 octets).
constexpr std::size_t usual_count = 24;

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view white_space = " \t";
    const std::size_t first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

}  // namespace

void Fields::add(const Field& field) {
    if (list_.empty()) {
        list_.reserve(usual_count);
    }
    list_.push_back(field);
    present_ |= std::uint64_t{1} << static_cast<int>(field.id);
}

std::size_t Fields::count(FieldName id) const {
    if (!has(id)) {
        return 0;
    }
    return static_cast<std::size_t>(std::count_if(
        list_.begin(), list_.end(), [id](const Field& field) { return field.id == id; }));
}

const Field* Fields::find(FieldName id) const {
    if (!has(id)) {
        return nullptr;
    }
    for (const Field& field : list_) {
        if (field.id == id) {
            return &field;
        }
    }
    return nullptr;
}

const Field* Fields::find(std::string_view name, std::string_view text) const {
    const FieldName id = field_name(name);
    if (id != FieldName::other) {
        return find(id);
    }
    for (const Field& field : list_) {
        if (field.id == id && equals_ignore_case(field.name.of(text), name)) {
            return &field;
        }
    }
    return nullptr;
}

std::optional<std::string_view> Fields::value(FieldName id, std::string_view text) const {
    const Field* field = find(id);
    if (field == nullptr) {
        return std::nullopt;
    }
    return field->value.of(text);
}

std::optional<std::string_view> ListElements::next() {
    if (done_) {
        return std::nullopt;
    }
    const std::size_t comma = rest_.find(',');
    const std::string_view element = rest_.substr(0, comma);
    if (comma == std::string_view::npos) {
        done_ = true;
    } else {
        rest_.remove_prefix(comma + 1);
    }
    return trimmed(element);
}

bool lists_token(const Fields& fields, FieldName id, std::string_view token,
                 std::string_view text) {
    if (!fields.has(id)) {
        return false;
    }
    for (const Field& field : fields) {
        if (field.id != id) {
            continue;
        }
        ListElements elements(field.value.of(text));
        while (const auto element = elements.next()) {
            if (equals_ignore_case(*element, token)) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace headgate::http
