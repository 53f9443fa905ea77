// See replace_program.h.
#include "mpm/replace_program.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string_view>

namespace headgate::mpm {
namespace {

constexpr int longest_rehearsal_ms = 30'000;

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> result;
    for (std::string& word : words)
        result.push_back(word.data());
    result.push_back(nullptr);
    return result;
}

/// The file this process runs, without the mark that the kernel adds when it was replaced on disk.
std::string own_file() {
    char path[4096];
    const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
    std::string file(path, size > 0 ? size : 0);
    constexpr std::string_view mark = " (deleted)";
    if (file.size() > mark.size() &&
        file.compare(file.size() - mark.size(), mark.size(), mark) == 0) {
        file.resize(file.size() - mark.size());
    }
    return file;
}

}  // namespace

std::vector<std::string> own_command() {
    std::vector<std::string> words;
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    for (std::string word; std::getline(file, word, '\0');)
        words.push_back(word);
    if (!words.empty()) words[0] = own_file();
    return words;
}

bool rehearses(const std::vector<std::string>& command, const Handover& handover) {
    std::vector<std::string> words = command;
    words.push_back("--rehearse");  // the last word about what to do wins
    const pid_t pid = ::fork();
    if (pid == 0) {
        leave(handover);  // in this process only: its environment, its descriptors
        ::execv(words[0].c_str(), pointers(words).data());
        ::_exit(127);
    }
    if (pid < 0) return false;
    const loop::Socket process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd end{process.descriptor(), POLLIN, 0};
    int ended = 0;
    while ((ended = ::poll(&end, 1, longest_rehearsal_ms)) < 0 && errno == EINTR) {
    }
    if (ended <= 0) ::kill(pid, SIGKILL);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void exec_command(const std::vector<std::string>& command) {
    std::vector<std::string> words = command;
    ::execv(words[0].c_str(), pointers(words).data());
}

}  // namespace headgate::mpm
