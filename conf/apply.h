// A tree of directives to scopes with settings: every directive meets its row here.
#pragma once

#include <string>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/directive.h"
#include "conf/tree.h"

namespace headgate::conf {

/// Fills `root` (kind server) and its children in file order. What has no row, stands in the wrong
/// place or has a wrong number of arguments is an error; values are the setters' matter. `notes`
/// gets what is accepted without effect, each once.
void apply(const std::vector<Directive>& directives, const RowTables& tables, Scope& root,
           Diagnostics& diagnostics, std::vector<std::string>& notes);

}  // namespace headgate::conf
