// See pid_file.h.
#include "mpm/pid_file.h"

#include <signal.h>
#include <unistd.h>

#include <fstream>

namespace headgate::mpm {

std::string pid_file_path(const Settings& settings) {
    if (!settings.pid_file.is_written()) return "";
    const std::string& path = *settings.pid_file;
    return path.front() == '/' ? path : *settings.server_root + "/" + path;
}

int running_process(const std::string& path) {
    int pid = 0;
    std::ifstream(path) >> pid;
    // Our own number is a leftover of an earlier life of the same container.
    if (pid <= 0 || pid == ::getpid() || ::kill(pid, 0) != 0) return 0;
    return pid;
}

PidFile::PidFile(const Settings& settings, const std::function<void(const std::string&)>& say)
    : path_(pid_file_path(settings)) {
    if (path_.empty()) return;
    std::ofstream file(path_);
    if (file << ::getpid() << "\n") return;
    say("warning: cannot write PidFile " + path_);
    path_.clear();
}

PidFile::~PidFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace headgate::mpm
