// See running_proxy.h.
#include "tests/support/running_proxy.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/origins.h"
#include "tests/support/waiting.h"

namespace headgate::support {
namespace {

constexpr int cannot_listen = 3;  // the program's exit code

constexpr std::string_view ledger_format =
    "status=%>s framing=%{framing}x end=%{end}x attempts=%{attempts}x upstream=%{upstream}x "
    "releases=%{releases}x held=%{held}x parked=%{parked}x phases=%{phases}x in=%I out=%O "
    "content=%B host=%v request=%r";

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string configuration(const TemporaryFolder& folder, const std::string& directives) {
    std::ostringstream text;
    text << "ServerName proxy.test\n"
         << "Listen 127.0.0.1:${PORT}\n"
         << "ErrorLog " << quoted(folder.file("error.log")) << "\nLogLevel info\n"
         << "LogFormat " << quoted(ledger_format) << " ledger\n"
         << "CustomLog " << quoted(folder.file("access.log")) << " ledger\n"
         << directives << "\n";
    return text.str();
}

/// The process and those it started.
std::vector<pid_t> processes_of(pid_t first) {
    std::vector<pid_t> all{first};
    for (std::size_t i = 0; i < all.size(); i++) {
        const std::string tasks = "/proc/" + std::to_string(all[i]) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            std::ifstream children(task.path() / "children");
            for (pid_t child = 0; children >> child;)
                all.push_back(child);
        }
    }
    return all;
}

/// "123 (headgate) S ...": the state is behind the name.
bool sleeps(const std::filesystem::path& task) {
    std::string line;
    std::getline(std::ifstream(task / "stat"), line);
    const std::size_t at = line.rfind(") ");
    return at == std::string::npos || line.substr(at + 2, 1) == "S";
}

bool all_sleep(pid_t first) {
    for (const pid_t process : processes_of(first)) {
        const std::string tasks = "/proc/" + std::to_string(process) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            if (!sleeps(task.path())) return false;
        }
    }
    return true;
}

}  // namespace

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

RunningProxy::RunningProxy(const std::string& model, const std::string& directives) {
    while (!start(model, directives))
        continue;
}

/// False when somebody else had taken the port.
bool RunningProxy::start(const std::string& model, const std::string& directives) {
    port_ = free_port();
    second_port_ = free_port();
    const std::string file = folder_.write("headgate.conf", configuration(folder_, directives));
    const std::vector<std::string> arguments{"-f",    file,
                                             "--mpm", model,
                                             "-D",    "PORT=" + std::to_string(port_),
                                             "-D",    "PORT2=" + std::to_string(second_port_)};
    program_ = std::make_unique<ChildProgram>(folder_, built_program("headgate"), arguments);
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

int RunningProxy::stop() {
    program_->signal(SIGTERM);
    return exit_code();
}

int RunningProxy::exit_code() {
    const int code = program_->exit_code();
    EXPECT_EQ(code, 0) << messages();
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

std::string RunningProxy::status_line(std::string_view name) const {
    std::ifstream status("/proc/" + std::to_string(pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with(name)) return line.substr(name.size() + 1);
    }
    return "0";
}

unsigned RunningProxy::threads() const {
    return static_cast<unsigned>(std::stoul(status_line("Threads")));
}

std::uint64_t RunningProxy::resident_octets() const {
    return std::stoull(status_line("VmRSS")) * 1024;
}

}  // namespace headgate::support
