// The entry of this folder: files in, scopes with settings and diagnostics out.
#pragma once

#include <string>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/directive.h"

namespace headgate::conf {

struct LoadOptions {
    std::string file;         ///< absolute, or relative to server_root
    std::string server_root;  ///< what relative names start from, until ServerRoot says else
    std::vector<std::string> defines;  ///< -D NAME or NAME=VALUE
    std::vector<std::string> before;   ///< -C: directives read before the file
    std::vector<std::string> after;    ///< -c: directives read after it
};

/// Everything a configuration says. Usable only when `diagnostics` has no errors.
struct Loaded {
    Scope root;
    Diagnostics diagnostics;
    std::string selected_mpm;          ///< "prefork", "worker" or "event" from LoadModule, or empty
    Span selected_mpm_span;            ///< where it was written
    std::string server_root;           ///< as it stood at the end
    std::vector<std::string> files;    ///< every file read, in order
    std::vector<std::string> modules;  ///< names that LoadModule gave, in order
    std::vector<std::string> notes;    ///< accepted without effect, each once
};

/// Reads, parses and applies. Never throws for what files hold; all errors of one run are reported.
/// The rows must outlive the call only.
Loaded load(const LoadOptions& options, const RowTables& tables);

}  // namespace headgate::conf
