// The table of sections and of directives that act while reading. See language.h.
#include "conf/language.h"

#include "conf/describe.h"
#include "conf/value.h"

namespace headgate::conf {

namespace {

constexpr Construct all[] = {
    {"Define", "Define NAME [value]",
     "Gives ${NAME} a value from here on, and makes <IfDefine NAME> true. ${NAME} is a variable of "
     "the environment otherwise; ${NAME:-default} says what it is without either."},
    {"Error", "Error \"text\"", "Refuses the configuration with that text, where it is reached."},
    {"IfDefine", "<IfDefine [!]NAME>",
     "Reads what it holds where NAME is defined, by Define or -D; with \"!\": where it is not.",
     true},
    {"IfFile", "<IfFile [!]file>", "Reads what it holds where that file exists.", true},
    {"IfModule", "<IfModule [!]module>",
     "Reads what it holds where that module of Apache is built in or was named by LoadModule.",
     true},
    {"IfVersion", "<IfVersion [!][=|==|>|>=|<|<=] 2.4.10>",
     "Reads what it holds where that is so of the version of Apache whose rules are followed.",
     true},
    {"Include", "Include file|folder|pattern",
     "Reads those files here, in the order of their names; a folder with all below it."},
    {"IncludeOptional", "IncludeOptional file|folder|pattern", "Include of what may be missing."},
    {"LoadModule", "LoadModule name_module file",
     "Loads nothing. It selects the model (mpm_event_module and its like), and has <IfModule> read "
     "what is for that module."},
    {"Location", "<Location /path>",
     "Directives for requests whose path begins with that, in whole segments.", true},
    {"LocationMatch", "<LocationMatch pattern>",
     "Directives for requests whose path that pattern matches.", true},
    {"Proxy", "<Proxy url>",
     "Directives for requests that go to an upstream whose URL begins with that: SSLProxy..., "
     "ProxySet, and those that are about requests.",
     true},
    {"UnDefine", "UnDefine NAME", "Takes back what Define or -D said."},
    {"VirtualHost", "<VirtualHost address:port ...>",
     "A site of its own: requests to these addresses, of which the one is meant whose ServerName "
     "or "
     "ServerAlias is asked for, else the first. Each port needs its Listen.",
     true},
};

}  // namespace

std::span<const Construct> constructs() {
    return all;
}

const Construct* find_construct(std::string_view name) {
    if (name.size() > 2 && name.front() == '<' && name.back() == '>') {
        name = name.substr(1, name.size() - 2);
    }
    for (const Construct& construct : all) {
        if (is_equal_name(construct.name, name)) {
            return &construct;
        }
    }
    return nullptr;
}

std::string describe(const Construct& construct) {
    return std::string(construct.syntax) + "\n" + indented(construct.help);
}

}  // namespace headgate::conf
