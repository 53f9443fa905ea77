// key=value parameters of ProxyPass: a table of those that work, and the names of those that do not
// yet.
#include <algorithm>
#include <vector>

#include "conf/suggest.h"
#include "proxy/settings/rules.h"
#include "upstream/h1_exchange.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Parsed;
using conf::Word;

struct Parameter {
    std::string_view name;
    /// Gives what was expected, or an empty text when the value was taken.
    std::string (*set)(PassParameters&, std::string_view value, const conf::Span&);
};

template <auto member, auto parser>
std::string set_member(PassParameters& parameters, std::string_view value, const conf::Span& span) {
    auto parsed = parser(value);
    if (parsed.value) {
        (parameters.*member).write(std::move(*parsed.value), span);
    }
    return parsed.expected;
}

Parsed<std::chrono::milliseconds> positive_time(std::string_view text) {
    Parsed<std::chrono::milliseconds> parsed = conf::duration_seconds(text);
    if (parsed.value && parsed.value->count() == 0) {
        return {std::nullopt, "a time above 0, such as 5, 5s or 500ms"};
    }
    return parsed;
}

Parsed<bool> inverted(std::string_view text) {
    Parsed<bool> parsed = conf::on_off(text);
    if (parsed.value) {
        parsed.value = !*parsed.value;
    }
    return parsed;
}

/// What is relayed is written at once, so each of these is what we do.
Parsed<bool> flush_choice(std::string_view text) {
    if (conf::is_equal_name(text, "auto")) {
        return {true, {}};
    }
    Parsed<bool> parsed = conf::on_off(text);
    parsed.expected = parsed.value ? "" : "on, off or auto";
    return parsed;
}

/// Apache's words are ANY and NONE; a name is compared without regard to case.
Parsed<std::string> protocol_name(std::string_view text) {
    const bool is_token = !text.empty() && text.find_first_of(" \t,;\"") == text.npos;
    if (!is_token) return {std::nullopt, "the name of a protocol such as websocket, ANY or NONE"};
    return {conf::lower(text), {}};
}

/// An upstream that failed is tried again at once: that is retry=0.
std::string set_retry(PassParameters&, std::string_view value, const conf::Span&) {
    return value == "0" ? "" : "0: leaving out a failed upstream for a while is not there yet";
}

constexpr Parameter working[] = {
    {"connectiontimeout", set_member<&PassParameters::connection_timeout, positive_time>},
    {"timeout", set_member<&PassParameters::timeout, positive_time>},
    {"ttl", set_member<&PassParameters::time_to_live, positive_time>},
    {"enablereuse", set_member<&PassParameters::reuse, conf::on_off>},
    {"disablereuse", set_member<&PassParameters::reuse, inverted>},
    {"keepalive", set_member<&PassParameters::tcp_keep_alive, conf::on_off>},
    {"responsefieldsize",
     set_member<&PassParameters::field_limit, conf::integer<256, upstream::most_response_head>>},
    {"flushpackets", set_member<&PassParameters::flush_packets, flush_choice>},
    {"retry", set_retry},
    {"proxyprotocol", set_member<&PassParameters::proxy_header, ProxyHeaderSending::parse>},
    {"upgrade", set_member<&PassParameters::upgrade, protocol_name>},
};

constexpr std::string_view later[] = {
    "min",
    "max",
    "iobuffersize",
    "smax",
    "acquire",
    "ping",
    "addressttl",
    "flushwait",
    "receivebuffersize",
    "lbset",
    "loadfactor",
    "route",
    "redirect",
    "status",
    "mapping",
    "flusher",
    "secret",
    "hcmethod",
    "hcpasses",
    "hcfails",
    "hcinterval",
    "hcuri",
    "hctemplate",
    "hcexpr",
    "lbmethod",
    "maxattempts",
    "nofailover",
    "stickysession",
    "stickysessionsep",
    "scolonpathdelim",
    "failonstatus",
    "failontimeout",
    "forcerecovery",
    "growth",
    "nonce",
};

void refuse_parameter(const std::string& name, const Word& word, const Call& call) {
    const std::string directive(call.row.name);
    if (std::find(std::begin(later), std::end(later), name) != std::end(later)) {
        call.not_yet(word, "parameter \"" + name + "\" of " + directive);
        return;
    }
    std::vector<std::string_view> known(std::begin(later), std::end(later));
    for (const Parameter& parameter : working) {
        known.push_back(parameter.name);
    }
    const std::string_view best = conf::nearest(name, known);
    call.error(word, "unknown parameter \"" + name + "\" of " + directive,
               best.empty() ? "" : "did you mean \"" + std::string(best) + "\"?");
}

}  // namespace

void set_proxy_parameters(PassParameters& parameters, const Call& call) {
    for (const Word& word : call.arguments()) {
        if (word.text.find('=') == word.text.npos) {
            call.error(word, "\"" + word.text + "\" is not a parameter", "expected name=value");
        } else {
            read_pass_parameter(parameters, word, call);
        }
    }
}

void read_pass_parameter(PassParameters& parameters, const Word& word, const Call& call) {
    const std::size_t equals = word.text.find('=');
    if (equals == word.text.npos) {
        if (conf::is_equal_name(word.text, "nocanon")) {
            parameters.keeps_path = true;
            return;
        }
        for (const std::string_view keyword : {"interpolate", "noquery"}) {
            if (conf::is_equal_name(word.text, keyword)) {
                call.not_yet(word,
                             "\"" + std::string(keyword) + "\" of " + std::string(call.row.name));
                return;
            }
        }
        call.error(word, "\"" + word.text + "\" is not a parameter", "expected name=value");
        return;
    }
    const std::string name = conf::lower(std::string_view(word.text).substr(0, equals));
    const std::string_view value = std::string_view(word.text).substr(equals + 1);
    for (const Parameter& parameter : working) {
        if (parameter.name != name) {
            continue;
        }
        const std::string expected = parameter.set(parameters, value, word.span);
        if (!expected.empty()) {
            call.error(word, "\"" + std::string(value) + "\" is not a value for " + name,
                       "expected " + expected);
        }
        return;
    }
    refuse_parameter(name, word, call);
}

}  // namespace headgate::proxy
