// Rows in words: what `headgate -L` prints.
#pragma once

#include <string>
#include <string_view>

#include "conf/directive.h"

namespace headgate::conf {

/// "server config, virtual host, location": the contexts of a row in words.
std::string describe_contexts(unsigned contexts);

/// What `headgate -L NAME` prints: syntax, default, contexts, help.
std::string describe(const Row& row);

/// A help's text in lines of at most 80 columns, four of them blank.
std::string indented(std::string_view text);

/// What `headgate -L` prints: every row and construct, one a line, sorted by name.
std::string describe_all(const RowTables& tables);

}  // namespace headgate::conf
