// The fields of one message: a list of slices over the text of its head.
//
// The text belongs to the caller and is passed to whatever reads octets. Order and repetition are
// kept as received; nothing is merged.
//
//    text    HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\n
//    Field                     [name]  [v]   <- 20 bytes each, in one allocation
#pragma once

#include "proxy/http/field_names.h"
#include "proxy/http/slice.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace headgate::http {

/// One field line. The value has no white space around it.
struct Field {
    Slice name;
    Slice value;
    FieldName id = FieldName::other;
};
static_assert(sizeof(Field) <= 32);

inline std::string_view name(const Field& field, std::string_view text) {
    return field.name.of(text);
}
inline std::string_view value(const Field& field, std::string_view text) {
    return field.value.of(text);
}

/// Movable, 32 bytes when empty; allocates once for a usual head.
class Fields {
public:
    void add(const Field& field);

    /// Is there any field of this name? One test of a mask; `other` answers for unknown names.
    bool has(FieldName id) const { return (present_ >> static_cast<int>(id)) & 1; }
    std::size_t count(FieldName id) const;

    /// First field of the name in order of arrival, or nullptr. Valid until the next add or remove.
    const Field* find(FieldName id) const;
    /// The same by text, in any case.
    const Field* find(std::string_view name, std::string_view text) const;
    /// Value of the first field of the name, or nullopt.
    std::optional<std::string_view> value(FieldName id, std::string_view text) const;

    /// Removes every field for which `is_unwanted(const Field&)` answers yes.
    template <class Predicate>
    void remove_if(Predicate is_unwanted) {
        std::erase_if(list_, is_unwanted);
        present_ = 0;
        for (const Field& field : list_) {
            present_ |= std::uint64_t{1} << static_cast<int>(field.id);
        }
    }

    std::size_t size() const { return list_.size(); }
    bool empty() const { return list_.empty(); }
    const Field& operator[](std::size_t i) const { return list_[i]; }
    auto begin() const { return list_.begin(); }
    auto end() const { return list_.end(); }

private:
    std::vector<Field> list_;
    std::uint64_t present_ = 0;
};

/// Walks the elements of a list-valued field (RFC 9110 section 5.6.1): `"a, b"` gives a, then b,
/// without the white space. Empty elements are delivered too, so that a strict reader can object.
class ListElements {
public:
    explicit ListElements(std::string_view list) : rest_(list) {}

    /// The next element, or nullopt after the last. An empty list has one empty element.
    std::optional<std::string_view> next();

private:
    std::string_view rest_;
    bool done_ = false;
};

/// Does any field `id` list `token` among its elements? In any case.
bool lists_token(const Fields& fields, FieldName id, std::string_view token, std::string_view text);

}  // namespace headgate::http
