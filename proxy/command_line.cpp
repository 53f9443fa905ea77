// See command_line.h.
#include "proxy/command_line.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "conf/suggest.h"

namespace headgate::proxy {
namespace {

struct Option {
    std::string_view short_name;  // "-f"; empty: none
    std::string_view long_name;   // "--config"; empty: none
    std::string_view argument;    // how help calls it; empty: takes none
    std::string_view help;
    void (*set)(CommandLine& line, const std::string& value);
    bool argument_is_optional = false;
};

using Action = CommandLine::Action;

constexpr std::array options{
    Option{"-f", "--config", "FILE", "the configuration (default /etc/headgate/headgate.conf)",
           [](CommandLine& line, const std::string& value) { line.load.file = value; }},
    Option{"-d", "--server-root", "DIR", "what relative names start from",
           [](CommandLine& line, const std::string& value) { line.load.server_root = value; }},
    Option{"-D", "--define", "NAME[=VALUE]", "defines a name for <IfDefine> and ${NAME}",
           [](CommandLine& line, const std::string& value) { line.load.defines.push_back(value); }},
    Option{"-C", "--before", "DIRECTIVE", "is read before the configuration",
           [](CommandLine& line, const std::string& value) { line.load.before.push_back(value); }},
    Option{"-c", "--after", "DIRECTIVE", "is read after the configuration",
           [](CommandLine& line, const std::string& value) { line.load.after.push_back(value); }},
    Option{"", "--mpm", "MODEL", "event, worker or prefork, whatever the configuration says",
           [](CommandLine& line, const std::string& value) { line.model = value; }},
    Option{"-k", "", "WORD", "start, stop, graceful, graceful-stop or restart what is running",
           [](CommandLine& line, const std::string& value) {
               line.action = Action::order;
               line.word = value;
           }},
    Option{"-s", "", "WORD", "the same in nginx's words: stop, quit, reload, reopen",
           [](CommandLine& line, const std::string& value) {
               line.action = Action::order;
               line.word = value;
           }},
    Option{"-t", "--test", "", "checks the configuration and ends",
           [](CommandLine& line, const std::string&) { line.action = Action::test; }},
    Option{"", "--rehearse", "", "checks what a start needs, logs and listeners too, and ends",
           [](CommandLine& line, const std::string&) { line.action = Action::rehearse; }},
    Option{"-S", "--sites", "", "shows the virtual hosts and where they are written",
           [](CommandLine& line, const std::string&) { line.action = Action::show_sites; }},
    Option{"-L", "--directives", "[NAME]", "explains one directive or section, or lists all",
           [](CommandLine& line, const std::string& value) {
               line.action = Action::list_directives;
               line.directive = value;
           },
           true},
    Option{"-v", "--version", "", "the version",
           [](CommandLine& line, const std::string&) { line.action = Action::version; }},
    Option{"-V", "--build", "", "the version, the compiler and the libraries",
           [](CommandLine& line, const std::string&) { line.action = Action::full_version; }},
    Option{"-h", "--help", "", "this text",
           [](CommandLine& line, const std::string&) { line.action = Action::help; }},
};

const Option* find(std::string_view word) {
    const auto found = std::find_if(options.begin(), options.end(), [&](const Option& option) {
        return !word.empty() && (word == option.short_name || word == option.long_name);
    });
    return found != options.end() ? found : nullptr;
}

/// "-DNAME" and "--mpm=event": an option with its argument in one word.
const Option* find_glued(std::string_view word, std::string& value) {
    for (const Option& option : options) {
        if (option.argument.empty()) continue;
        const std::string with_equals = std::string(option.long_name) + "=";
        if (!option.long_name.empty() && word.substr(0, with_equals.size()) == with_equals) {
            value = word.substr(with_equals.size());
            return &option;
        }
        const bool is_short = !option.short_name.empty() && word.size() > 2 && word[1] != '-';
        if (is_short && word.substr(0, 2) == option.short_name) {
            value = word.substr(2);
            return &option;
        }
    }
    return nullptr;
}

UsageError unknown(const std::string& word) {
    std::vector<std::string_view> names;
    for (const Option& option : options)
        names.push_back(option.long_name);
    const std::string suggestion(conf::nearest(word, names));
    std::string text = "unknown option \"" + word + "\"";
    if (!suggestion.empty()) text += ", did you mean \"" + suggestion + "\"?";
    return {text};
}

}  // namespace

std::optional<UsageError> read_command_line(const std::vector<std::string>& arguments,
                                            CommandLine& result) {
    result = CommandLine{};
    result.load.file = "/etc/headgate/headgate.conf";
    if (!arguments.empty() && arguments[0] == "healthcheck") {
        result.action = Action::healthcheck;
        result.word = arguments.size() > 1 ? arguments[1] : "http://127.0.0.1:8080/";
        return std::nullopt;
    }
    if (!arguments.empty() && arguments[0] == "explain") {
        result.action = Action::explain;
        if (arguments.size() > 2)
            return UsageError{
                "explain takes one number, such as HG0101, or one name, as %{end}x has them"};
        result.word = arguments.size() > 1 ? arguments[1] : "";
        return std::nullopt;
    }
    for (std::size_t i = 0; i < arguments.size(); i++) {
        const std::string& word = arguments[i];
        std::string value;
        const Option* option = find(word);
        if (option == nullptr) {
            option = find_glued(word, value);
            if (option == nullptr) return unknown(word);
        } else if (!option->argument.empty()) {
            const bool has_value = i + 1 < arguments.size() &&
                                   !(option->argument_is_optional && arguments[i + 1][0] == '-');
            if (!has_value && !option->argument_is_optional) {
                return UsageError{word + " needs " + std::string(option->argument)};
            }
            if (has_value) value = arguments[++i];
        }
        option->set(result, value);
    }
    char folder[4096];
    if (result.load.server_root.empty() && ::getcwd(folder, sizeof folder) != nullptr) {
        result.load.server_root = folder;
    }
    return std::nullopt;
}

std::string help_text() {
    std::string text =
        "Headgate, a reverse proxy with Apache's configuration and a choice of connection model.\n"
        "\n"
        "Usage: headgate [OPTION...]          runs in the foreground; TERM drains and ends it\n"
        "       headgate healthcheck [URL]    one GET: exit 0 when it is answered below 500\n"
        "                                     (default http://127.0.0.1:8080/)\n"
        "       headgate explain [HG0101]     what a line of the error log means, or "
        "side/phase/kind\n"
        "                                     as %{end}x has it; alone: all lines\n"
        "\n";
    for (const Option& option : options) {
        std::string names =
            "  " + std::string(option.short_name.empty() ? "  " : option.short_name);
        names += option.short_name.empty() || option.long_name.empty() ? "  " : ", ";
        names += std::string(option.long_name) + " " + std::string(option.argument);
        names.resize(std::max<std::size_t>(names.size() + 1, 32), ' ');
        text += names + std::string(option.help) + "\n";
    }
    text +=
        "\n"
        "Examples:\n"
        "  headgate -f site.conf           serves what site.conf says\n"
        "  headgate -t -f site.conf        checks it first\n"
        "  headgate -L ProxyPass           explains a directive\n"
        "\n"
        "Exit status: 0 done; 1 the configuration is wrong; 2 wrong usage; 3 cannot listen;\n"
        "4 not running.\n";
    return text;
}

}  // namespace headgate::proxy
