// See proxy_header.h.
#include "proxy/settings/proxy_header.h"

#include <algorithm>

#include "proxy/settings/rules.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Word;

std::optional<AddressRange> read_range(const Word& word, const Call& call) {
    auto range = AddressRange::parse(word.text);
    if (!range) {
        call.error(word, "\"" + word.text + "\" is not an address or a range of addresses",
                   "expected one such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32; names are not "
                   "looked up");
    }
    return range;
}

std::optional<ProxyHeaderRule> rule_named(std::string_view name) {
    if (conf::is_equal_name(name, "required")) return ProxyHeaderRule::required;
    if (conf::is_equal_name(name, "optional")) return ProxyHeaderRule::optional;
    if (conf::is_equal_name(name, "refused")) return ProxyHeaderRule::refused;
    return std::nullopt;
}

}  // namespace

void set_proxy_header(ServerSettings& settings, const Call& call) {
    const conf::Parsed<bool> parsed = conf::on_off(call.argument(0).text);
    if (!parsed.value) {
        call.wrong_value(call.argument(0), parsed.expected);
        return;
    }
    settings.proxy_header.engine.write(*parsed.value, call.argument(0).span);
}

void add_proxy_header_peers(ServerSettings& settings, const Call& call) {
    const auto rule = rule_named(call.argument(0).text);
    if (!rule) {
        call.wrong_value(call.argument(0), "required, optional or refused, and then addresses");
        return;
    }
    ProxyHeaderSettings& header = settings.proxy_header;
    header.peers_span = call.directive.name.span;
    if (*rule == ProxyHeaderRule::optional) header.optional_span = call.directive.name.span;
    for (std::size_t i = 1; i < call.arguments().size(); i++) {
        if (const auto range = read_range(call.argument(i), call)) {
            header.peers.push_back({*rule, *range});
        }
    }
}

void add_proxy_header_exceptions(ServerSettings& settings, const Call& call) {
    settings.proxy_header.exceptions_span = call.directive.name.span;
    for (const Word& word : call.arguments()) {
        if (const auto range = read_range(word, call)) {
            settings.proxy_header.exceptions.push_back(*range);
        }
    }
}

ProxyHeaderRule ProxyHeaderSettings::rule_for(const loop::Address& peer) const {
    if (!is_on()) return ProxyHeaderRule::unexpected;
    const auto holds = [&](const AddressRange& range) { return range.holds(peer); };
    if (std::any_of(exceptions.begin(), exceptions.end(), holds)) return ProxyHeaderRule::refused;
    for (const ProxyHeaderPeers& each : peers) {
        if (each.range.holds(peer)) return each.rule;
    }
    return peers.empty() ? ProxyHeaderRule::required : ProxyHeaderRule::refused;
}

void ProxyHeaderSettings::merge_from(const ProxyHeaderSettings& over) {
    engine.merge_from(over.engine);
    if (!over.peers.empty()) {
        peers = over.peers;
        peers_span = over.peers_span;
        optional_span = over.optional_span;
    }
    if (!over.exceptions.empty()) {
        exceptions = over.exceptions;
        exceptions_span = over.exceptions_span;
    }
}

}  // namespace headgate::proxy
