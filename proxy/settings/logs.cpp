// LogLevel, LogFormat, CustomLog and TransferLog.
#include <array>

#include "proxy/settings/rules.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Word;

constexpr std::array<std::string_view, 16> level_names{
    "emerg",  "alert",  "crit",   "error",  "warn",   "notice", "info",   "debug",
    "trace1", "trace2", "trace3", "trace4", "trace5", "trace6", "trace7", "trace8"};

constexpr std::string_view level_list =
    "expected emerg, alert, crit, error, warn, notice, info, debug, or trace1 to trace8";

std::optional<LogLevel> find_level(std::string_view name) {
    for (std::size_t index = 0; index < level_names.size(); ++index) {
        if (conf::is_equal_name(name, level_names[index])) {
            return static_cast<LogLevel>(index);
        }
    }
    return std::nullopt;
}

/// "proxy" of proxy, proxy_module and mod_proxy.c.
std::string module_name(std::string_view text) {
    std::string name = conf::lower(text);
    if (name.ends_with("_module")) {
        name.resize(name.size() - 7);
    } else if (name.starts_with("mod_") && name.ends_with(".c")) {
        name = name.substr(4, name.size() - 6);
    }
    return name;
}

void add_log(ServerSettings& settings, const Call& call, std::string format) {
    const Word& target = call.argument(0);
    if (target.text.empty()) {
        call.error(target, "a log without a name", "expected a file, or \"|program\"");
        return;
    }
    settings.access_logs.push_back({target.text, std::move(format), call.directive.name.span});
}

}  // namespace

/// LogLevel [module:]level [module:level] ...
void set_log_level(ServerSettings& settings, const Call& call) {
    LogLevels levels = *settings.log_level;
    for (const Word& word : call.arguments()) {
        const std::size_t colon = word.text.find(':');
        const std::string_view name =
            std::string_view(word.text).substr(colon == word.text.npos ? 0 : colon + 1);
        const std::optional<LogLevel> level = find_level(name);
        if (!level) {
            call.error(word, "\"" + std::string(name) + "\" is not a level",
                       std::string(level_list));
            return;
        }
        if (colon != word.text.npos) {
            levels.modules.emplace_back(module_name(std::string_view(word.text).substr(0, colon)),
                                        *level);
        } else if (&word == &call.argument(0)) {
            levels.level = *level;
            levels.has_level = true;
            levels.modules.clear();
        } else {
            call.error(word, "the level of everything comes first", "expected module:level here");
            return;
        }
    }
    settings.log_level.write(std::move(levels), call.argument(0).span);
}

void add_log_format(ServerSettings& settings, const Call& call) {
    const Word& format = call.argument(0);
    if (!call.has_argument(1)) {
        settings.transfer_format.write(format.text, format.span);
        return;
    }
    const Word& nickname = call.argument(1);
    if (nickname.text.empty() || nickname.text.find('%') != nickname.text.npos) {
        call.error(nickname, "\"" + nickname.text + "\" cannot be the nickname of a format",
                   "expected a name without %; a format with blanks needs quotes");
        return;
    }
    settings.log_formats.insert_or_assign(nickname.text, format.text);
}

void add_custom_log(ServerSettings& settings, const Call& call) {
    if (call.has_argument(2)) {
        const Word& condition = call.argument(2);
        for (const std::string_view prefix : {"env=", "expr="}) {
            if (conf::has_name_prefix(condition.text, prefix)) {
                call.not_yet(condition, "\"" + std::string(prefix) + "\" of CustomLog");
                return;
            }
        }
        call.error(condition, "unexpected \"" + condition.text + "\"",
                   "a format with blanks needs quotes");
        return;
    }
    add_log(settings, call, call.argument(1).text);
}

void add_transfer_log(ServerSettings& settings, const Call& call) {
    add_log(settings, call, {});
}

/// The nicknames that Debian's and Apache's own configurations define: known without being written.
static const std::map<std::string, std::string>& usual_formats() {
    static const std::string common = "%h %l %u %t \"%r\" %>s %O";
    static const std::string combined = common + " \"%{Referer}i\" \"%{User-Agent}i\"";
    static const std::map<std::string, std::string> formats{
        {"common", common},
        {"combined", combined},
        {"combinedio", combined + " %I %O"},
        {"vhost_combined", "%v:%p " + combined},
    };
    return formats;
}

const std::string& ServerSettings::format_of(const AccessLog& log) const {
    if (log.format.empty()) {
        return *transfer_format;
    }
    const auto found = log_formats.find(log.format);
    if (found != log_formats.end()) {
        return found->second;
    }
    const auto usual = usual_formats().find(log.format);
    return usual != usual_formats().end() ? usual->second : log.format;
}

}  // namespace headgate::proxy
