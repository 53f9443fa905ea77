// A section after its directives have met their rows: what it is about, what was set in it, and
// which directives said so.
#pragma once

#include <vector>

#include "conf/settings.h"
#include "conf/source.h"
#include "conf/tree.h"

namespace headgate::conf {

struct Row;

/// One section of the configuration, and what was set in it (not merged with what encloses it).
struct Scope {
    /// A directive that was applied.
    struct Written {
        const Row* row;  ///< of a table, which outlives this
        Span span;       ///< of its name
    };

    enum class Kind { server, virtual_host, location, location_match, proxy };

    Kind kind = Kind::server;
    std::vector<Word> arguments;  ///< of the section; <Location ~ X> has X alone and is a match
    Span span;                    ///< of the section's name; nowhere for the server
    Settings settings;
    std::vector<Written> written;  ///< in file order, as the next
    std::vector<Scope> children;
};

}  // namespace headgate::conf
