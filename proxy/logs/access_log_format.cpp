// LogFormat's compiler: the tokens of mod_log_config and mod_logio, and %{...}x for ours.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "proxy/logs/access_log.h"
#include "proxy/settings/tls_fact_check.h"

namespace headgate::proxy {
namespace {

constexpr std::string_view request_letters = "haAlurUqmHivpkX";
constexpr std::string_view response_letters = "o";
constexpr std::string_view ledger_letters = "stDTbBIOSPLfRCexn";
constexpr std::array our_names{"framing", "held",     "parked",   "releases",
                               "end",     "upstream", "attempts", "phases"};

/// %{SSL_PROTOCOL}x and its like, from mod_ssl.
bool is_tls_fact(std::string_view name) {
    return name.starts_with("SSL_") || name == "HTTPS";
}

}  // namespace

/// Reads a format from left to right.
class LogFormatCompiler {
public:
    LogFormatCompiler(std::string_view format, LogFormat& result)
        : format_(format), result_(result) {}

    std::optional<LogFormat::Error> run() {
        while (at_ < format_.size()) {
            if (format_[at_] == '%') {
                if (auto error = token()) return error;
            } else {
                text();
            }
        }
        return std::nullopt;
    }

private:
    using Item = LogFormat::Item;
    using Source = LogFormat::Source;

    void text() {
        Item item;
        while (at_ < format_.size() && format_[at_] != '%')
            item.argument += unescaped();
        result_.items_.push_back(std::move(item));
    }

    char unescaped() {
        const char c = format_[at_++];
        if (c != '\\' || at_ == format_.size()) return c;
        const char next = format_[at_++];
        return next == 'n' ? '\n' : next == 't' ? '\t' : next;
    }

    std::optional<LogFormat::Error> token() {
        const std::size_t start = at_++;
        Item item;
        while (at_ < format_.size()) {
            const char c = format_[at_++];
            if (c == '%' && at_ == start + 2) {
                item.argument = "%";
                break;
            }
            if (c == '>' || c == '<') continue;
            if (c == '!') {
                item.unless_statuses = true;
            } else if (std::isdigit(static_cast<unsigned char>(c))) {
                statuses(item);
            } else if (c == '{') {
                const std::size_t end = format_.find('}', at_);
                if (end == std::string_view::npos) return LogFormat::Error{"unclosed {", start, ""};
                item.argument = format_.substr(at_, end - at_);
                at_ = end + 1;
            } else {
                item.letter = c;
                break;
            }
        }
        return take(std::move(item), start);
    }

    std::optional<LogFormat::Error> take(Item item, std::size_t start) {
        if (item.letter == 'x' && is_tls_fact(item.argument)) {
            if (auto problem = problem_of_tls_fact(item.argument)) {
                return LogFormat::Error{std::move(problem->text), start, std::move(problem->hint)};
            }
        }
        if (!classify(item)) {
            return LogFormat::Error{
                "unknown log token " + std::string(format_.substr(start, at_ - start)), start, ""};
        }
        result_.wants_response_ |= item.source == Source::response;
        result_.items_.push_back(std::move(item));
        return std::nullopt;
    }

    void statuses(Item& item) {
        at_--;
        while (at_ < format_.size() &&
               (std::isdigit(static_cast<unsigned char>(format_[at_])) || format_[at_] == ',')) {
            int status = 0;
            const char* end = format_.data() + format_.size();
            at_ = std::from_chars(format_.data() + at_, end, status).ptr - format_.data();
            if (at_ < format_.size() && format_[at_] == ',') at_++;
            item.statuses.push_back(status);
        }
    }

    static bool classify(Item& item) {
        if (item.letter == 0) return item.argument == "%";
        if (item.letter == 'x' && is_tls_fact(item.argument)) {
            item.source = Source::request;
            return true;
        }
        if (item.letter == 'x') {
            item.source = Source::ledger;
            return std::find(our_names.begin(), our_names.end(), item.argument) != our_names.end();
        }
        if (request_letters.find(item.letter) != std::string_view::npos) {
            item.source = Source::request;
        } else if (response_letters.find(item.letter) != std::string_view::npos) {
            item.source = Source::response;
        } else if (ledger_letters.find(item.letter) != std::string_view::npos) {
            item.source = Source::ledger;
        } else {
            return false;
        }
        const bool needs_name = std::strchr("ioeCn", item.letter) != nullptr;
        return !needs_name || !item.argument.empty();
    }

    std::string_view format_;
    LogFormat& result_;
    std::size_t at_ = 0;
};

std::optional<LogFormat::Error> LogFormat::compile(std::string_view format, LogFormat& result) {
    return LogFormatCompiler(format, result).run();
}

}  // namespace headgate::proxy
