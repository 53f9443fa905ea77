// See tunnel.h.
#include "proxy/settings/tunnel.h"

#include <algorithm>
#include <array>

#include "proxy/settings/rules.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Word;

constexpr const char* form = "expected tcp://host:port, tls://host:port or unix:/path";

/// The others are about requests and pools.
constexpr std::array<std::string_view, 4> parameters_with_effect{"connectiontimeout", "timeout",
                                                                 "keepalive", "proxyprotocol"};

bool read_unix_path(std::string_view path, TunnelRule& rule) {
    if (!path.starts_with('/') || path.size() > 107) return false;  // sun_path, less its zero
    rule.endpoint.unix_path = path;
    rule.endpoint.key = "unix:" + std::string(path);
    return true;
}

bool read_endpoint(std::string_view text, TunnelRule& rule) {
    if (conf::has_name_prefix(text, "unix:")) return read_unix_path(text.substr(5), rule);
    rule.is_tls = conf::has_name_prefix(text, "tls://");
    if (!rule.is_tls && !conf::has_name_prefix(text, "tcp://")) return false;
    text.remove_prefix(6);
    const conf::Parsed<conf::Address> parsed = conf::address(text);
    if (!parsed.value || parsed.value->host == "*" || parsed.value->port == 0) return false;
    rule.endpoint.host = parsed.value->host;
    rule.endpoint.port = parsed.value->port;
    rule.endpoint.key = (rule.is_tls ? "tls://" : "") + std::string(text);
    return true;
}

void read_parameter(TunnelRule& rule, const Word& word, const Call& call) {
    const std::string name = conf::lower(word.text.substr(0, word.text.find('=')));
    const auto& known = parameters_with_effect;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        call.error(word, "\"" + word.text + "\" is not a parameter of TunnelTo",
                   "connectiontimeout, timeout, keepalive and proxyprotocol are");
        return;
    }
    read_pass_parameter(rule.parameters, word, call);
}

}  // namespace

void set_tunnel_to(ServerSettings& settings, const Call& call) {
    TunnelRule rule;
    const Word& target = call.argument(0);
    rule.span = target.span;
    if (!read_endpoint(target.text, rule)) {
        call.error(target, "\"" + target.text + "\" is not where a tunnel can lead", form);
        return;
    }
    for (std::size_t i = 1; i < call.arguments().size(); i++)
        read_parameter(rule, call.argument(i), call);
    settings.tunnel = std::move(rule);
}

}  // namespace headgate::proxy
