// The composition root: the only file that sees both the models and the engine. Reads the command
// line and has the supervisor serve the program, or answers by itself.
#include <iostream>

#include "mpm/loop/want.h"
#include "mpm/running.h"
#include "mpm/supervisor.h"
#include "proxy/healthcheck.h"
#include "proxy/logs/log_ids.h"
#include "proxy/net/tls_memory.h"
#include "proxy/program.h"
#include "proxy/version.h"

namespace {

using namespace headgate;

enum ExitCode {
    done = 0,
    configuration_wrong = 1,
    usage_wrong = 2,
    cannot_listen = 3,
    not_running = 4
};

void say(const std::string& text) {
    std::cerr << "headgate: " << text << std::endl;
}

int show(const std::string& text) {
    std::cout << text;
    return done;
}

int refuse(const std::string& text, ExitCode code) {
    say(text);
    return code;
}

int exit_code(mpm::Outcome outcome) {
    switch (outcome) {
        case mpm::Outcome::done:
            return done;
        case mpm::Outcome::configuration_wrong:
            return configuration_wrong;
        case mpm::Outcome::cannot_listen:
            return cannot_listen;
    }
    return done;
}

int serve(proxy::HeadgateProgram& program) {
    return exit_code(mpm::Supervisor(program, say).run());
}

/// -k and -s. The configuration is checked here, by who asks: a bad one is refused with its
/// diagnostics before anything that runs hears of it.
int obey(proxy::HeadgateProgram& program, const std::string& word) {
    const auto order = mpm::order_named(word);
    if (!order)
        return refuse(
            "\"" + word + "\" is no order: expected start, stop, graceful, graceful-stop, restart",
            usage_wrong);
    const auto loaded = program.load(true);
    if (!loaded) return refuse("the running configuration was not changed", configuration_wrong);
    std::string text;
    const mpm::Told told = mpm::tell_running(loaded->settings, *order, text);
    if (*order == mpm::Order::start && told == mpm::Told::sent)
        return refuse("already running", configuration_wrong);
    const bool starts = mpm::reads_configuration(*order) && *order != mpm::Order::reopen;
    if (told == mpm::Told::not_running && starts) return serve(program);
    if (told != mpm::Told::sent) say(text);
    if (told == mpm::Told::not_running) return not_running;
    return told == mpm::Told::sent ? done : configuration_wrong;
}

int act(const proxy::CommandLine& line) {
    using Action = proxy::CommandLine::Action;
    proxy::HeadgateProgram program(line);
    std::string text;
    switch (line.action) {
        case Action::help:
            return show(proxy::help_text());
        case Action::version:
            return show(proxy::version_text() + "\n");
        case Action::full_version:
            return show(proxy::full_version_text());
        case Action::list_directives:
            if (proxy::HeadgateProgram::describe_directive(line.directive, text)) return show(text);
            return refuse(text, usage_wrong);
        case Action::test:
        case Action::show_sites:
            if (!program.load(true)) return configuration_wrong;
            if (line.action == Action::show_sites) std::cout << program.describe_sites();
            std::cerr << "Syntax OK\n";
            return done;
        case Action::rehearse:
            return exit_code(mpm::Supervisor(program, say).rehearse());
        case Action::healthcheck:
            if (proxy::is_healthy(line.word, 5, text)) return done;
            return refuse(text, configuration_wrong);
        case Action::explain:
            if (proxy::explain(line.word, text)) return show(text);
            return refuse(text + "\nheadgate explain alone lists them", usage_wrong);
        case Action::order:
            return obey(program, line.word);
        case Action::run:
            break;
    }
    return serve(program);
}

}  // namespace

int main(int argc, char** argv) {
    loop::end_where_memory_ends();
    net::back_tls_by_reserve();  // or it has its memory as ever
    proxy::CommandLine line;
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    if (const auto error = proxy::read_command_line(arguments, line))
        return refuse(error->text + "\nTry: headgate --help", usage_wrong);
    return act(line);
}
