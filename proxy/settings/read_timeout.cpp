// RequestReadTimeout (mod_reqtimeout): "header=20-40,MinRate=500" and its like.
#include "proxy/settings/rules.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Word;

constexpr std::int64_t most_seconds = 1'000'000;

constexpr std::string_view form =
    "expected handshake, header or body = seconds, seconds,MinRate=octets or "
    "seconds-seconds,MinRate=octets";

bool read_number(std::string_view text, std::int64_t least, std::int64_t& number) {
    const auto parsed = conf::integer_within(text, least, most_seconds);
    if (parsed.value) number = *parsed.value;
    return parsed.value.has_value();
}

/// What is behind the "="; says what is wrong, or nothing.
std::string read_limit(std::string_view text, ReadLimit& limit) {
    constexpr std::string_view rate_name = ",minrate=";
    const std::size_t rate_at = conf::lower(text).find(rate_name);
    const std::string_view times = text.substr(0, rate_at);
    std::int64_t start = 0;
    std::int64_t most = 0;
    std::int64_t rate = 0;
    const std::size_t dash = times.find('-');
    const bool has_most = dash != times.npos;
    if (!read_number(times.substr(0, dash), 0, start) ||
        (has_most && !read_number(times.substr(dash + 1), 0, most))) {
        return std::string(form);
    }
    if (rate_at != text.npos && !read_number(text.substr(rate_at + rate_name.size()), 1, rate)) {
        return "expected MinRate=octets a second, above 0";
    }
    if (has_most && rate == 0) return "a range of times needs ,MinRate=octets behind it";
    if (has_most && most <= start) return "the second time must be above the first";
    limit.start = std::chrono::seconds(start);
    limit.most = std::chrono::seconds(most);
    limit.octets_per_second = static_cast<unsigned>(rate);
    return "";
}

conf::Set<ReadLimit>* limit_named(ServerSettings& settings, std::string_view name) {
    if (conf::is_equal_name(name, "handshake")) return &settings.handshake_limit;
    if (conf::is_equal_name(name, "header")) return &settings.head_limit;
    if (conf::is_equal_name(name, "body")) return &settings.content_limit;
    return nullptr;
}

}  // namespace

void set_read_timeouts(ServerSettings& settings, const Call& call) {
    for (const Word& word : call.arguments()) {
        const std::string_view text = word.text;
        const std::size_t equals = text.find('=');
        conf::Set<ReadLimit>* set = limit_named(settings, text.substr(0, equals));
        if (equals == text.npos || set == nullptr) {
            call.error(word, "\"" + word.text + "\" is not a time for reading requests",
                       std::string(form));
            continue;
        }
        ReadLimit limit;
        const std::string wrong = read_limit(text.substr(equals + 1), limit);
        if (!wrong.empty()) {
            call.error(word, "\"" + word.text + "\" is not a time for reading requests", wrong);
            continue;
        }
        set->write(limit, word.span);
    }
}

}  // namespace headgate::proxy
