// See load.h.
#include "conf/load.h"

#include "conf/apply.h"
#include "conf/parser.h"

namespace headgate::conf {

namespace {

std::string one_per_line(const std::vector<std::string>& directives) {
    std::string text;
    for (const std::string& directive : directives) {
        text += directive + "\n";
    }
    return text;
}

}  // namespace

Loaded load(const LoadOptions& options, const RowTables& tables) {
    Loaded loaded;
    Parser parser(loaded.diagnostics, options.server_root);
    for (const std::string& definition : options.defines) {
        parser.define(definition);
    }
    if (!options.before.empty()) {
        parser.parse_text("command line (-C)", one_per_line(options.before));
    }
    if (!options.file.empty()) {
        parser.parse_file(options.file);
    }
    if (!options.after.empty()) {
        parser.parse_text("command line (-c)", one_per_line(options.after));
    }
    const Reading& reading = parser.reading();
    loaded.server_root = reading.server_root;
    loaded.selected_mpm = reading.selected_mpm;
    loaded.selected_mpm_span = reading.selected_mpm_span;
    loaded.files = reading.files;
    loaded.modules = reading.modules;
    loaded.notes = reading.notes;
    apply(parser.take(), tables, loaded.root, loaded.diagnostics, loaded.notes);
    return loaded;
}

}  // namespace headgate::conf
