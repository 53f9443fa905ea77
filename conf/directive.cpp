// Messages of calls, and how a row is found. See directive.h.
#include "conf/directive.h"

namespace headgate::conf {

void Call::error(const Word& word, std::string message, std::string hint) const {
    diagnostics.error(word.span, std::move(message), std::move(hint),
                      "headgate -L " + std::string(row.name));
}

void Call::not_yet(const Word& word, std::string_view what, std::string hint) const {
    error(word, std::string(what) + ": not yet", std::move(hint));
}

void Call::wrong_value(const Word& word, std::string_view expected) const {
    error(word, "\"" + word.text + "\" is not a value for " + std::string(row.name),
          "expected " + std::string(expected));
}

const Row* find_row(const RowTables& tables, std::string_view name) {
    for (const std::span<const Row> table : tables) {
        for (const Row& row : table) {
            if (is_equal_name(row.name, name)) {
                return &row;
            }
        }
    }
    return nullptr;
}

}  // namespace headgate::conf
