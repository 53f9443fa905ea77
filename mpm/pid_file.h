// PidFile: the supervisor's process number in a file, for as long as it serves (Apache's PidFile).
// Not being able to write one only warns: a container may have no writable path at all.
#pragma once

#include <functional>
#include <string>

#include "mpm/settings.h"

namespace headgate::mpm {

class PidFile {
public:
    PidFile(const Settings& settings, const std::function<void(const std::string&)>& say);
    ~PidFile();
    PidFile(const PidFile&) = delete;
    PidFile& operator=(const PidFile&) = delete;

private:
    std::string path_;  // empty: none was written
};

/// Where the settings put it; empty when PidFile is not written.
std::string pid_file_path(const Settings& settings);
/// The process that the file names and that is alive; 0 when there is none.
int running_process(const std::string& path);

}  // namespace headgate::mpm
