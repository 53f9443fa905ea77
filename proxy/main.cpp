// The composition root: the only file that sees both the models and the engine. Reads the command
// line, loads the configuration, opens the listeners, and has a model serve.
#include <unistd.h>

#include <fstream>
#include <iostream>

#include "mpm/event.h"
#include "mpm/privileges.h"
#include "proxy/program.h"
#include "proxy/version.h"

namespace {

using namespace headgate;

enum ExitCode { done = 0, configuration_wrong = 1, usage_wrong = 2, cannot_listen = 3 };

void say(const std::string& text) { std::cerr << "headgate: " << text << std::endl; }

/// The PidFile, for as long as the program serves. Not being able to write one only warns: a
/// container may have no writable path at all.
class PidFile {
public:
    explicit PidFile(const mpm::Settings& settings) {
        if (!settings.pid_file.is_written()) return;
        path_ = *settings.pid_file;
        if (path_.front() != '/') path_ = *settings.server_root + "/" + path_;
        std::ofstream file(path_);
        if (file << ::getpid() << "\n") return;
        say("warning: cannot write PidFile " + path_);
        path_.clear();
    }
    ~PidFile() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }

private:
    std::string path_;
};

std::string describe(const mpm::Program& program, const mpm::Sizing& sizing) {
    std::string text = "event model, " + std::to_string(sizing.threads) +
                       (sizing.threads == 1 ? " thread, " : " threads, ") + "up to " +
                       std::to_string(sizing.connections) + " connections, listening on";
    for (const loop::Address& address : program.listens) text += " " + address.text();
    return text;
}

int serve(mpm::Program& program) {
    const mpm::Sizing sizing = mpm::size_event(program.settings);
    for (const std::string& warning : sizing.warnings) say("warning: " + warning);
    mpm::Listeners listeners;
    const auto failure =
        mpm::Listeners::open(program.listens, program.settings, sizing.threads, listeners);
    if (failure) {
        say(failure->text);
        return cannot_listen;
    }
    const PidFile pid_file(program.settings);
    const std::string problem = mpm::drop_privileges(program.settings);
    if (!problem.empty()) {
        say(problem);
        return configuration_wrong;
    }
    mpm::EventModel model(program, listeners, sizing);
    say(describe(program, sizing));
    using Told = mpm::EventModel::Told;
    model.serve([](Told told) {
        if (told == Told::draining) say("draining: a second signal stops at once");
        if (told == Told::stopping) say("stopping at once");
    });
    say("stopped");
    return done;
}

int act(const proxy::CommandLine& line) {
    using Action = proxy::CommandLine::Action;
    proxy::HeadgateProgram program(line);
    std::string text;
    switch (line.action) {
        case Action::help: std::cout << proxy::help_text(); return done;
        case Action::version: std::cout << proxy::version_text() << "\n"; return done;
        case Action::full_version: std::cout << proxy::full_version_text(); return done;
        case Action::list_directives:
            if (!proxy::HeadgateProgram::describe_directive(line.directive, text)) {
                say(text);
                return usage_wrong;
            }
            std::cout << text;
            return done;
        case Action::test:
        case Action::show_sites:
            if (!program.load(true)) return configuration_wrong;
            if (line.action == Action::show_sites) std::cout << program.describe_sites();
            std::cerr << "Syntax OK\n";
            return done;
        case Action::run: break;
    }
    const auto loaded = program.load(false);
    return loaded ? serve(*loaded) : configuration_wrong;
}

}  // namespace

int main(int argc, char** argv) {
    proxy::CommandLine line;
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (const auto error = proxy::read_command_line(arguments, line)) {
        say(error->text + "\nTry: headgate --help");
        return usage_wrong;
    }
    return act(line);
}
