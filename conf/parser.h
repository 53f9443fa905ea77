// Texts to a tree of directives. What acts while reading is done here: Include, Define, the
// conditional sections, LoadModule, Error. What other directives mean is not known here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/diagnostic.h"
#include "conf/lexer.h"
#include "conf/tree.h"

namespace headgate::conf {

/// What reading found beside the tree.
struct Reading {
    std::string server_root;
    std::string selected_mpm;  ///< of LoadModule mpm_*, or empty
    Span selected_mpm_span;
    std::vector<std::string> files;
    std::vector<std::string> modules;
    std::vector<std::string> notes;
};

/// Reads any number of texts, in order, as one configuration. Not reusable after take().
class Parser {
public:
    Parser(Diagnostics& diagnostics, std::string server_root);

    /// -D NAME or NAME=VALUE.
    void define(std::string_view text);
    /// A file; relative names start from the server root. What cannot be read is an error.
    void parse_file(const std::string& path);
    /// Directives that are in no file; `name` is what messages call them.
    void parse_text(const std::string& name, std::string text);

    std::vector<Directive> take() { return std::move(directives_); }
    const Reading& reading() const { return reading_; }

private:
    enum class Kind { section, taken_condition, skipped };
    struct Frame {
        Directive section;
        Kind kind;
    };
    struct OpenFile {
        std::string real_path;
        Span included_from;
    };

    void read_file(const std::string& path, Span included_from);
    void read_source(std::uint32_t source);
    void read_line(LogicalLine& line, std::size_t bottom);
    void open_section(LogicalLine& line);
    void close_section(const LogicalLine& line, std::size_t bottom);
    void close_frame(Span closing);
    void close_all(std::size_t bottom, std::uint32_t last_line);
    void add_directive(LogicalLine& line);
    void append(Directive directive);
    bool is_skipping() const;

    bool act(const Directive& directive);
    void act_include(const Directive& directive, bool is_optional);
    void act_define(const Directive& directive);
    void act_load_module(const Directive& directive);
    void select_mpm(const Word& module);
    bool has_arguments(const Directive& directive, std::size_t least, std::size_t most,
                       std::string_view syntax);

    bool is_condition_true(const Directive& section);
    bool is_module_present(std::string_view name) const;
    bool is_version_true(const Directive& section);

    std::string absolute(const std::string& path) const;

    Diagnostics& diagnostics_;
    Variables variables_;
    Reading reading_;
    std::vector<Directive> directives_;
    std::vector<Frame> frames_;
    std::vector<OpenFile> open_files_;
};

}  // namespace headgate::conf
