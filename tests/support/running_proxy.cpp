// See running_proxy.h.
#include "tests/support/running_proxy.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/origins.h"
#include "tests/support/tls_end.h"
#include "tests/support/waiting.h"

namespace headgate::support {
namespace {

constexpr int cannot_listen = 3;  // the program's exit code

constexpr std::string_view ledger_format =
    "status=%>s framing=%{framing}x end=%{end}x attempts=%{attempts}x upstream=%{upstream}x "
    "releases=%{releases}x held=%{held}x parked=%{parked}x phases=%{phases}x in=%I out=%O "
    "content=%B took=%D host=%v request=%r";

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

/// Few children and threads, so that starting is quick and counts are small; a test's own numbers
/// come later and win.
std::string sizes_of(const std::string& model) {
    if (model == "prefork") return "StartServers 4\nMinSpareServers 1\n";
    if (model == "worker")
        return "StartServers 1\nThreadsPerChild 8\nMinSpareThreads 1\nMaxSpareThreads 16\n";
    return "StartServers 1\nThreadsPerChild 1\n";
}

std::string configuration(const TemporaryFolder& folder, const std::string& model,
                          const std::string& directives) {
    std::ostringstream text;
    text << "ServerName proxy.test\n"
         << "Listen 127.0.0.1:${PORT}\n"
         << "ErrorLog " << quoted(folder.file("error.log")) << "\nLogLevel info\n"
         << "LogFormat " << quoted(ledger_format) << " ledger\n"
         << "CustomLog " << quoted(folder.file("access.log")) << " ledger\n"
         << tls_if_tested(folder) << "PidFile " << quoted(folder.file("headgate.pid")) << "\n"
         << (tests_tls_origins() ? "SSLProxyEngine On\n" : "") << sizes_of(model)
         << as_origins_speak(directives) << "\n";
    return text.str();
}

/// The folders of a process's threads; none when it has ended meanwhile.
std::vector<std::filesystem::path> tasks_of(pid_t process) {
    std::error_code ended;
    const std::string tasks = "/proc/" + std::to_string(process) + "/task";
    std::vector<std::filesystem::path> found;
    for (auto at = std::filesystem::directory_iterator(tasks, ended);
         !ended && at != std::filesystem::directory_iterator(); at.increment(ended)) {
        found.push_back(at->path());
    }
    return found;
}

/// Those that a process started, the oldest first.
std::vector<pid_t> children_of(pid_t process) {
    std::vector<pid_t> found;
    for (const auto& task : tasks_of(process)) {
        std::ifstream children(task / "children");
        for (pid_t child = 0; children >> child;)
            found.push_back(child);
    }
    return found;
}

/// The supervisor and its children. Not theirs: a sanitizer looks for leaks in one of its own.
std::vector<pid_t> processes_of(pid_t supervisor) {
    std::vector<pid_t> all = children_of(supervisor);
    all.insert(all.begin(), supervisor);
    return all;
}

[[maybe_unused]] bool is_named_loop(const std::filesystem::path& task) {
    std::string name;
    std::getline(std::ifstream(task / "comm"), name);
    return name.starts_with("loop ");
}

/// The number behind a name in a file of /proc; 0 when it is not there.
std::uint64_t number_in(pid_t process, const char* file, std::string_view name) {
    std::ifstream lines("/proc/" + std::to_string(process) + "/" + file);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(name)) return std::stoull(line.substr(name.size()));
    }
    return 0;
}

/// "123 (headgate) S ...": the state is behind the name.
bool sleeps(const std::filesystem::path& task) {
    std::string line;
    std::getline(std::ifstream(task / "stat"), line);
    const std::size_t at = line.rfind(") ");
    return at == std::string::npos || line.substr(at + 2, 1) == "S" ||
           line.substr(at + 2, 1) == "Z";
}

bool all_sleep(pid_t first) {
    for (const pid_t process : processes_of(first)) {
        for (const auto& task : tasks_of(process)) {
            if (!sleeps(task)) return false;
        }
    }
    return true;
}

}  // namespace

std::string tls_if_tested(const TemporaryFolder& folder) {
    if (!tests_tls()) return "";
    static Authority authority;
    static const Issued issued = authority.issue("proxy.test");
    return "SSLEngine On\nSSLCertificateFile " + folder.write("server.pem", issued.certificate) +
           "\nSSLCertificateKeyFile " + folder.write("server.key", issued.key) + "\n";
}

std::string LogLine::operator[](std::string_view name) const {
    const std::string wanted = " " + std::string(name) + "=";
    const std::string line = " " + line_;
    const std::size_t at = line.find(wanted);
    if (at == std::string::npos) return "";
    const std::size_t start = at + wanted.size();
    if (name == "request") return line.substr(start);
    return line.substr(start, line.find(' ', start) - start);
}

/// "upstream-wait=1999873us/1,client-write=20us/2"
unsigned LogLine::releases(std::string_view phase) const {
    std::istringstream phases((*this)["phases"]);
    for (std::string each; std::getline(phases, each, ',');) {
        if (each.substr(0, each.find('=')) != phase) continue;
        return static_cast<unsigned>(std::stoul(each.substr(each.find('/') + 1)));
    }
    return 0;
}

RunningProxy::RunningProxy(const std::string& model, const std::string& directives)
    : model_(model) {
    while (!start(directives))
        continue;
}

/// False when somebody else had taken the port.
bool RunningProxy::start(const std::string& directives) {
    port_ = free_port();
    second_port_ = free_port();
    reconfigure(directives);
    arguments_ = {
        "-f", folder_.file("headgate.conf"),   "--mpm", model_,
        "-D", "PORT=" + std::to_string(port_), "-D",    "PORT2=" + std::to_string(second_port_)};
    program_ = std::make_unique<ChildProgram>(folder_, built_program("headgate"), arguments_);
    wait_until("for the proxy to listen", [&] {
        return program_->has_ended() || messages().find("listening on") != std::string::npos;
    });
    if (!program_->has_ended()) return true;
    if (program_->exit_code() == cannot_listen) return false;
    throw std::runtime_error("the proxy did not start:\n" + messages());
}

RunningProxy::~RunningProxy() {
    for (int i = 0; i < 100 && !program_->has_ended(); i++) {
        program_->signal(SIGTERM);  // the second one stops at once
        for (int j = 0; j < 50 && !program_->has_ended(); j++) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }
    EXPECT_TRUE(program_->has_ended()) << "the proxy did not end";
    if (program_->has_ended()) exit_code();
}

void RunningProxy::kill_supervisor() {
    is_killed_ = true;
    program_->signal(SIGKILL);
}

int RunningProxy::stop() {
    program_->signal(SIGTERM);
    return exit_code();
}

int RunningProxy::exit_code() {
    const int code = program_->exit_code();
    EXPECT_EQ(code, is_killed_ ? 128 + SIGKILL : 0) << messages();
    look_for_reports();
    return code;
}

void RunningProxy::look_for_reports() const {
    for (const char* mark : {"AddressSanitizer", "LeakSanitizer", "ThreadSanitizer",
                             "runtime error:", "Assertion", "terminate called"}) {
        EXPECT_EQ(messages().find(mark), std::string::npos) << messages();
    }
}

std::vector<LogLine> RunningProxy::access_log(std::size_t lines) const {
    std::vector<LogLine> found;
    wait_until("for " + std::to_string(lines) + " lines of the access log", [&] {
        found.clear();
        std::istringstream text(folder_.read("access.log"));
        for (std::string line; std::getline(text, line);)
            found.emplace_back(line);
        return found.size() >= lines;
    });
    return found;
}

std::string RunningProxy::error_log(const std::string& text) const {
    std::string log;
    wait_until("for \"" + text + "\" in the error log", [&] {
        log = folder_.read("error.log");
        return log.find(text) != std::string::npos;
    });
    return log;
}

void RunningProxy::wait_for_message(const std::string& text) const {
    wait_until("for the message \"" + text + "\"",
               [&] { return messages().find(text) != std::string::npos; });
}

void RunningProxy::wait_until_parked() const {
    wait_until("for the proxy to sleep", [&] { return all_sleep(pid()); });
}

std::vector<pid_t> RunningProxy::children() const {
    return children_of(pid());
}

std::vector<pid_t> RunningProxy::wait_for_children(std::size_t count) const {
    std::vector<pid_t> found;
    wait_until("for " + std::to_string(count) + " children", [&] {
        found = children();
        return found.size() == count;
    });
    return found;
}

void RunningProxy::wait_for_others_than(const std::vector<pid_t>& known) const {
    wait_until("for new children", [&] {
        const std::vector<pid_t> found = children();
        return std::any_of(found.begin(), found.end(), [&](pid_t each) {
            return std::find(known.begin(), known.end(), each) == known.end();
        });
    });
}

pid_t RunningProxy::pid_in_file() const {
    return static_cast<pid_t>(std::strtol(folder_.read("headgate.pid").c_str(), nullptr, 10));
}

void RunningProxy::reconfigure(const std::string& directives) {
    folder_.write("headgate.conf", configuration(folder_, model_, directives));
}

void RunningProxy::move_access_log() const {
    std::filesystem::rename(folder_.file("access.log"), folder_.file("access.log.1"));
}

Ran RunningProxy::run_again(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = arguments_;
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run_headgate(all);
}

unsigned RunningProxy::threads() const {
    std::size_t sum = 0;
    for (const pid_t process : processes_of(pid())) {
        const auto tasks = tasks_of(process);
#ifdef __SANITIZE_THREAD__  // which has threads of its own, without such names
        sum += 1 + std::count_if(tasks.begin(), tasks.end(), is_named_loop);
#else
        sum += tasks.size();
#endif
    }
    return static_cast<unsigned>(sum);
}

std::uint64_t RunningProxy::resident_octets() const {
    std::uint64_t sum = 0;
    for (const pid_t process : processes_of(pid()))
        sum += number_in(process, "smaps_rollup", "Pss:");
    return sum * 1024;
}

}  // namespace headgate::support
