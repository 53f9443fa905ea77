// What Header and RequestHeader say: edits of fields, in the order they were written.
#pragma once

#include <string>
#include <vector>

#include "conf/source.h"

namespace headgate::proxy {

/// One Header or RequestHeader line. Values are plain text: %% is already a percent sign.
struct FieldEdit {
    enum class Action {
        set,           ///< replaces every field line of that name
        add,           ///< one more field line
        append,        ///< ", value" to the first, or set
        merge,         ///< append unless the list already holds the value
        set_if_empty,  ///< setifempty: set when absent
        unset,         ///< removes every field line of that name; no value
    };
    /// Which responses: Header alone has it. `always` is for answers of our own too.
    enum class Condition { on_success, always };

    Action action = Action::set;
    Condition condition = Condition::on_success;
    std::string name;
    std::string value;
    conf::Span span;
    /// %{NAME}s of the value, in order: where it stands, and which fact of TLS it is.
    struct TlsFact {
        std::size_t at;
        std::string name;
    };
    std::vector<TlsFact> tls_facts = {};
};

}  // namespace headgate::proxy
