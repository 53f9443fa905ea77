// Fuzzes the configuration language: any text loads or gives diagnostics that can be shown; nothing
// else may happen. Includes are confined to a folder that does not exist.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "conf/load.h"
#include "mpm/settings.h"
#include "proxy/settings/settings.h"
#include "proxy/settings/tls.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::string path = "/tmp/headgate-fuzz-conf." + std::to_string(::getpid());
    const std::string text(reinterpret_cast<const char*>(data), size);
    // A text that reads other files or devices is another program's business.
    if (text.find("nclude") != std::string::npos || text.find("NCLUDE") != std::string::npos) {
        return 0;
    }
    std::ofstream(path, std::ios::binary) << text;
    headgate::conf::LoadOptions options;
    options.file = path;
    options.server_root = "/nonexistent";
    const headgate::conf::Loaded loaded = headgate::conf::load(
        options, {headgate::mpm::setting_rows(), headgate::proxy::setting_rows(),
                  headgate::proxy::tls_setting_rows()});
    const std::string shown = loaded.diagnostics.render(false);
    if (loaded.diagnostics.has_errors() && shown.empty()) {
        std::abort();  // errors that nobody would see
    }
    ::unlink(path.c_str());
    return 0;
}
