// See program.h.
#include "proxy/program.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "conf/describe.h"
#include "conf/known_apache.h"
#include "conf/language.h"
#include "conf/suggest.h"
#include "proxy/site/tls_shared.h"

namespace headgate::proxy {
namespace {

conf::RowTables tables() {
    return {mpm::setting_rows(), setting_rows(), tls_setting_rows()};
}

std::optional<mpm::ModelName> model_named(const std::string& name) {
    if (name == "event") return mpm::ModelName::event;
    if (name == "worker") return mpm::ModelName::worker;
    if (name == "prefork") return mpm::ModelName::prefork;
    return std::nullopt;
}

bool has_ipv6() {
    const loop::Socket probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return probe.is_open();
}

/// Virtual hosts of a port that nobody listens on; of an inherited socket it is not known here.
void warn_of_unreached(conf::Loaded& loaded, const std::vector<mpm::ListenSetting>& listens) {
    for (const conf::Scope& section : loaded.root.children) {
        if (section.kind != conf::Scope::Kind::virtual_host) continue;
        for (const conf::Word& word : section.arguments) {
            const auto address = conf::address(word.text);
            if (!address.value || address.value->port == 0) continue;
            const auto leads_there = [&](const mpm::ListenSetting& listen) {
                return listen.descriptor >= 0 || listen.address.port == address.value->port;
            };
            if (std::any_of(listens.begin(), listens.end(), leads_there)) continue;
            const std::string port = std::to_string(address.value->port);
            loaded.diagnostics.warning(
                word.span, "nothing listens on port " + port + ": no connection gets here",
                "write Listen " + port);
        }
    }
}

}  // namespace

void HeadgateProgram::leave_behind(bool is_leaving) {
    leave_shared(is_leaving);
}

std::unique_ptr<mpm::Program> HeadgateProgram::load(bool test_only) {
    take_shared();
    conf::Loaded loaded = conf::load(line_.load, tables());
    auto program = std::make_unique<mpm::Program>();
    program->model = choose_model(loaded);
    program->settings = loaded.root.settings.get<mpm::Settings>();
    if (!program->settings.server_root.is_written()) {
        program->settings.server_root.write(loaded.server_root);
    }
    check_folders(loaded, program->settings);
    resolve_listens(loaded, *program, test_only);
    warn_of_unreached(loaded, program->settings.listens);
    std::shared_ptr<Sites> sites;
    if (!loaded.diagnostics.has_errors()) sites = Sites::build(loaded, test_only);
    forget_untaken();
    show(loaded);
    if (!sites || loaded.diagnostics.has_errors()) return nullptr;
    sites_text_ = sites->describe(loaded.diagnostics.sources());
    if (!program->status_listens.empty()) {
        program->status_handlers =
            std::make_unique<EngineFactory>(Sites::status_only(*sites), sites);
    }
    program->handlers = std::make_unique<EngineFactory>(std::move(sites));
    return program;
}

/// The command line wins over MPM, MPM over LoadModule.
mpm::ModelName HeadgateProgram::choose_model(conf::Loaded& loaded) const {
    if (!line_.model.empty()) {
        const auto told = model_named(line_.model);
        if (told) return *told;
        loaded.diagnostics.error({}, "--mpm " + line_.model + " is not a model",
                                 "expected event, worker or prefork");
    }
    const mpm::Settings& settings = loaded.root.settings.get<mpm::Settings>();
    if (settings.model.is_written()) return *settings.model;
    return model_named(loaded.selected_mpm).value_or(mpm::ModelName::event);
}

namespace {

/// The address to bind; one that cannot be had is reported.
void add_address(const mpm::ListenSetting& listen, conf::Loaded& loaded,
                 std::vector<loop::Address>& addresses) {
    const conf::Address& written = listen.address;
    if (written.host == "*") {
        addresses.push_back(has_ipv6() ? loop::Address::any_v6(written.port)
                                       : loop::Address::any_v4(written.port));
        return;
    }
    const auto literal = loop::Address::from_literal(written.host, written.port);
    if (literal) {
        addresses.push_back(*literal);
    } else {
        loaded.diagnostics.error(listen.span, "\"" + written.host + "\" is not an address",
                                 "expected an IPv4 or IPv6 address, or * for all");
    }
}

/// The address of a socket that is open already.
void add_inherited(const mpm::ListenSetting& listen, conf::Loaded& loaded, mpm::Program& program) {
    if (!loop::is_listener(listen.descriptor)) {
        loaded.diagnostics.error(
            listen.span,
            "descriptor " + std::to_string(listen.descriptor) + " is not a listening TCP socket",
            "whoever starts this program must have opened it");
        return;
    }
    program.inherited.push_back(listen.descriptor);
    program.listens.push_back(loop::Address::of_socket(listen.descriptor));
}

}  // namespace

void HeadgateProgram::check_folders(conf::Loaded& loaded, const mpm::Settings& settings) const {
    if (!settings.core_dump_directory.is_written()) return;
    const std::string& folder = *settings.core_dump_directory;
    const std::string path = folder.front() == '/' ? folder : *settings.server_root + "/" + folder;
    struct stat facts {};
    if (::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) return;
    loaded.diagnostics.error(settings.core_dump_directory.span(),
                             "CoreDumpDirectory " + path + " is not a folder");
}

void HeadgateProgram::resolve_listens(conf::Loaded& loaded, mpm::Program& program,
                                      bool test_only) const {
    for (const mpm::ListenSetting& listen : program.settings.listens) {
        if (listen.descriptor < 0) {
            add_address(listen, loaded, program.listens);
        } else if (!test_only) {  // who only checks may not have inherited it
            add_inherited(listen, loaded, program);
        }
    }
    const auto& status = program.settings.status_listen;
    if (status) add_address(*status, loaded, program.status_listens);
    if (program.settings.listens.empty() && !loaded.diagnostics.has_errors()) {
        loaded.diagnostics.error({}, "no Listen directive: there is nothing to listen on", "",
                                 "headgate -L Listen");
    }
}

void HeadgateProgram::show(const conf::Loaded& loaded) {
    const bool colour = ::isatty(STDERR_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
    std::string text = loaded.diagnostics.render(colour);
    if (!text.empty()) text += loaded.diagnostics.summary() + "\n";
    for (const std::string& note : loaded.notes)
        text += "note: " + note + "\n";
    if (text == shown_ && !loaded.diagnostics.has_errors()) return;
    std::cerr << text;
    shown_ = text;
}

bool HeadgateProgram::describe_directive(const std::string& name, std::string& text) {
    if (name.empty()) {
        text = conf::describe_all(tables());
        return true;
    }
    if (const conf::Row* row = conf::find_row(tables(), name)) {
        text = conf::describe(*row);
        return true;
    }
    if (const conf::Construct* construct = conf::find_construct(name)) {
        text = conf::describe(*construct);
        return true;
    }
    if (const conf::KnownNames* known = conf::find_known(conf::known_directives(), name)) {
        const bool is_ignored = known->support == conf::Support::ignored;
        text = "Apache's \"" + name + "\" " +
               (is_ignored ? "is read, and has no effect here"
                           : "is refused here: " + std::string(known->advice));
        return false;
    }
    std::vector<std::string_view> names;
    for (const auto& table : tables()) {
        for (const conf::Row& row : table)
            names.push_back(row.name);
    }
    for (const conf::Construct& construct : conf::constructs())
        names.push_back(construct.name);
    text = "no directive \"" + name + "\"";
    const std::string_view near = conf::nearest(name, names);
    if (!near.empty()) text += ", did you mean \"" + std::string(near) + "\"?";
    return false;
}

}  // namespace headgate::proxy
