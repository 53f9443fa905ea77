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

    /// Shows diagnostics on standard error. Opens logs unless `test_only`.
    std::unique_ptr<mpm::Program> load() override { return load(false); }
    std::unique_ptr<mpm::Program> load(bool test_only);

    /// Of the last load(): what -S prints.
    std::string describe_sites() const { return sites_text_; }
    /// The model that the last load() chose, in words.
    mpm::ModelName model() const { return model_; }
    /// What -L prints for a name (empty: for all); an error in words when there is none.
    static bool describe_directive(const std::string& name, std::string& text);

private:
    void choose_model(conf::Loaded& loaded);
    void resolve_listens(conf::Loaded& loaded, mpm::Program& program);
    void show(const conf::Diagnostics& diagnostics) const;

    CommandLine line_;
    mpm::ModelName model_ = mpm::ModelName::event;
    std::string sites_text_;
};

}  // namespace headgate::proxy
