// Errors and warnings of a configuration, collected in one run and shown with the line they are
// about. Nothing here decides what is wrong; it only says it well.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conf/source.h"

namespace headgate::conf {

/// What happens after one configuration was looked at: nothing stops at the first error.
/// Copies share the table of texts, so later layers may raise diagnostics with spans of settings
/// long after loading, and they are shown in full.
class Diagnostics {
public:
    Diagnostics();
    explicit Diagnostics(std::shared_ptr<Sources> sources);

    /// `message` says what was found, `hint` (beside the caret) what was expected, `help` (a line
    /// of its own) where to read more. A span that is nowhere shows the message alone.
    void error(Span span, std::string message, std::string hint = "", std::string help = "");
    /// The same of the same place is said once.
    void warning(Span span, std::string message, std::string hint = "", std::string help = "");

    bool has_errors() const { return error_count_ != 0; }
    std::size_t error_count() const { return error_count_; }
    std::size_t warning_count() const { return entries_.size() - error_count_; }

    /// All entries in the order of the texts, each as
    ///
    ///     shop.conf:10:3: error: unknown directive "ProxyPas"
    ///        10 |   ProxyPas "/" "http://127.0.0.1:9000/"
    ///           |   ^~~~~~~~ did you mean "ProxyPass"?
    ///           = included from headgate.conf:41
    ///           = help: headgate -L ProxyPass
    ///
    /// (without the margin of this comment). Colour is for terminals; the caller decides.
    std::string render(bool colour) const;

    /// "1 error, 0 warnings."
    std::string summary() const;

    /// None yet, over the same texts: for what is looked at again after loading.
    Diagnostics fresh() const { return Diagnostics(sources_); }

    Sources& sources() { return *sources_; }
    const Sources& sources() const { return *sources_; }

private:
    struct Entry {
        bool is_error;
        Span span;
        std::string message;
        std::string hint;
        std::string help;
    };

    void render_entry(const Entry& entry, bool colour, std::string& out) const;
    void render_excerpt(const Entry& entry, bool colour, std::string& out) const;

    // Shared (rule zero): settings keep spans, and whoever holds diagnostics must outlive none of
    // them.
    std::shared_ptr<Sources> sources_;
    std::vector<Entry> entries_;
    std::size_t error_count_ = 0;
};

}  // namespace headgate::conf
