// HeadgateProgram: the application as the processes see it: a configuration turned into listeners,
// sizing and handlers, or into diagnostics.
#pragma once

#include "mpm/application.h"
#include "proxy/command_line.h"
#include "proxy/engine.h"

namespace headgate::proxy {

class HeadgateProgram final : public mpm::Application {
public:
    explicit HeadgateProgram(const CommandLine& line) : line_(line) {}

    /// Shows diagnostics on standard error, those without an error once: not again for each reload
    /// that finds the same. Opens logs unless `test_only`.
    std::unique_ptr<mpm::Program> load() override { return load(false); }
    std::unique_ptr<mpm::Program> load(bool test_only);
    /// The keys of session tickets, and the sessions that are resumed by id.
    void leave_behind(bool is_leaving) override;

    /// Of the last load(): what -S prints.
    std::string describe_sites() const { return sites_text_; }
    /// What -L prints for a name (empty: for all); an error in words when there is none.
    static bool describe_directive(const std::string& name, std::string& text);

private:
    mpm::ModelName choose_model(conf::Loaded& loaded) const;
    void resolve_listens(conf::Loaded& loaded, mpm::Program& program, bool test_only) const;
    void check_folders(conf::Loaded& loaded, const mpm::Settings& settings) const;
    void show(const conf::Loaded& loaded);

    CommandLine line_;
    std::string sites_text_;
    std::string shown_;  // warnings and notes of the last load()
};

}  // namespace headgate::proxy
