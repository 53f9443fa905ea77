// A program that a test starts and ends: its process, its exit code, what it wrote.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace headgate::support {

/// The program of this name in the folder that is being tested.
std::string built_program(const std::string& name);

class ChildProgram {
public:
    /// Starts it with its output in the files `out` and `err` of the folder, which must outlive it.
    ChildProgram(const TemporaryFolder& folder, const std::string& program,
                 const std::vector<std::string>& arguments);
    /// Kills it when it is still there.
    ~ChildProgram();
    ChildProgram(const ChildProgram&) = delete;
    ChildProgram& operator=(const ChildProgram&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number);
    bool has_ended();
    /// Waits for the end. 128 and the signal's number when one killed it. Throws TooLate.
    int exit_code();

    std::string out() const { return folder_.read("out"); }
    std::string err() const { return folder_.read("err"); }

private:
    const TemporaryFolder& folder_;
    pid_t pid_ = -1;
    bool has_ended_ = false;
    int exit_code_ = 0;
};

/// What a program that ends by itself did.
struct Ran {
    int exit_code;
    std::string out;
    std::string err;
};

/// Runs the proxy's program to its end.
Ran run_headgate(const std::vector<std::string>& arguments);

}  // namespace headgate::support
