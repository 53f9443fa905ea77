// See child_program.h.
#include "tests/support/child_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/waiting.h"

namespace headgate::support {
namespace {

/// In the child, between fork and exec: only what is safe there.
void redirect(int descriptor, const char* file) {
    const int opened = ::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (opened >= 0) ::dup2(opened, descriptor);
}

}  // namespace

std::string built_program(const std::string& name) {
    return std::string(HEADGATE_BINARY_DIR) + "/" + name;
}

ChildProgram::ChildProgram(const TemporaryFolder& folder, const std::string& program,
                           const std::vector<std::string>& arguments)
    : folder_(folder) {
    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const std::string& word : arguments)
        words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const std::string out = folder.file("out");
    const std::string err = folder.file("err");
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test program that crashes leaves nothing behind
    redirect(STDOUT_FILENO, out.c_str());
    redirect(STDERR_FILENO, err.c_str());
    ::execv(program.c_str(), words.data());
    ::_exit(127);
}

ChildProgram::~ChildProgram() {
    if (pid_ < 0 || has_ended()) return;
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void ChildProgram::signal(int number) {
    if (!has_ended_) ::kill(pid_, number);
}

bool ChildProgram::has_ended() {
    int status = 0;
    if (has_ended_ || ::waitpid(pid_, &status, WNOHANG) != pid_) return has_ended_;
    has_ended_ = true;
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}

int ChildProgram::exit_code() {
    wait_until("for a program to end", [&] { return has_ended(); });
    return exit_code_;
}

Ran run_headgate(const std::vector<std::string>& arguments) {
    const TemporaryFolder folder;
    ChildProgram program(folder, built_program("headgate"), arguments);
    const int code = program.exit_code();
    return {code, program.out(), program.err()};
}

}  // namespace headgate::support
