// The proxy's own program under test: configured, started, watched through its logs, and ended.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/child_program.h"

namespace headgate::support {

/// One line of the access log that RunningProxy configures: names and values.
class LogLine {
public:
    explicit LogLine(std::string line) : line_(std::move(line)) {}
    /// The value of: status, framing, end, attempts, upstream, releases, held, parked, phases, in,
    /// out, content, host, request. Empty when there is none.
    std::string operator[](std::string_view name) const;
    /// How often the exchange was parked in one phase, such as "upstream-wait".
    unsigned releases(std::string_view phase) const;
    const std::string& text() const { return line_; }

private:
    std::string line_;
};

/// The directives of TLS for every port and every name where all clients of the tests speak it
/// (tests_tls()); none otherwise. Certificate and key go to the folder.
std::string tls_if_tested(const TemporaryFolder& folder);

class RunningProxy {
public:
    /// Starts it under a model with these directives, behind ServerName proxy.test, a Listen, the
    /// logs, a PidFile, and small numbers of children and threads (see sizes_of() in the source).
    /// ${PORT} and ${PORT2} in them are two free ports; the first is listened on. Returns when it
    /// listens. Throws when it does not start.
    RunningProxy(const std::string& model, const std::string& directives);
    /// Ends it as stop() does, without waiting for exchanges.
    ~RunningProxy();

    std::uint16_t port() const { return port_; }
    std::uint16_t second_port() const { return second_port_; }
    /// Of the supervisor, which lives as long as the program.
    pid_t pid() const { return program_->pid(); }
    /// The supervisor's children, the oldest first.
    std::vector<pid_t> children() const;
    /// Waits until there are so many children. Throws TooLate.
    std::vector<pid_t> wait_for_children(std::size_t count) const;
    /// Waits until there is a child that is none of these. Throws TooLate.
    void wait_for_others_than(const std::vector<pid_t>& known) const;
    /// What its PidFile holds: 0 when there is none.
    pid_t pid_in_file() const;
    /// Replaces the directives in its configuration, for the next reload.
    void reconfigure(const std::string& directives);
    /// Moves the access log away, as log rotation does.
    void move_access_log() const;
    /// Runs the program a second time, with the same configuration and these arguments.
    Ran run_again(const std::vector<std::string>& arguments) const;

    /// The lines of the access log, when there are so many. Throws TooLate when there never are.
    std::vector<LogLine> access_log(std::size_t lines) const;
    /// The error log, when it holds this text. Throws TooLate when it never does.
    std::string error_log(const std::string& text = "") const;
    /// What it wrote to its standard error output.
    std::string messages() const { return program_->err(); }
    /// Waits for a message. Throws TooLate.
    void wait_for_message(const std::string& text) const;

    void signal(int number) { program_->signal(number); }
    /// Ends the supervisor with SIGKILL; its children see that it is gone.
    void kill_supervisor();
    bool has_ended() { return program_->has_ended(); }
    /// Has it end when its exchanges have, and returns its exit code. A report of a sanitizer fails
    /// the test.
    int stop();
    /// Waits for an end that something else caused, and looks for reports.
    int exit_code();

    /// Waits until every thread sleeps. Behind RawConnection::wait_until_read() it is a barrier:
    /// the proxy has done all that it could do with what was sent.
    void wait_until_parked() const;

    /// Of the supervisor and all children.
    unsigned threads() const;
    /// Memory of the supervisor and all children, what they share counted once.
    std::uint64_t resident_octets() const;

private:
    bool start(const std::string& directives);
    void look_for_reports() const;

    TemporaryFolder folder_;
    std::string model_;
    bool is_killed_ = false;
    std::vector<std::string> arguments_;
    std::uint16_t port_ = 0;
    std::uint16_t second_port_ = 0;
    std::unique_ptr<ChildProgram> program_;
};

}  // namespace headgate::support
