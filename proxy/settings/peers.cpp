// RemoteIP..., and ProxyForwardedFields.
#include "proxy/settings/peers.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "conf/suggest.h"
#include "proxy/http/octets.h"
#include "proxy/settings/rules.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Word;
using http::FieldName;

void add_proxies(ServerSettings& settings, const Call& call, bool is_internal) {
    for (const Word& word : call.arguments()) {
        const auto range = AddressRange::parse(word.text);
        if (range) {
            settings.peers.peers.push_back({*range, is_internal});
            continue;
        }
        call.error(word, "\"" + word.text + "\" is not an address or a range of addresses",
                   "expected one such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32; names are not "
                   "looked up");
    }
}

/// A field name that may be taken from a peer, or sent.
void read_field_name(const ServerSettings& settings, conf::Set<std::string>& field,
                     const Call& call) {
    const Word& word = call.argument(0);
    const bool is_token =
        !word.text.empty() && std::all_of(word.text.begin(), word.text.end(), http::is_token_octet);
    if (!is_token) {
        call.error(word, "\"" + word.text + "\" is not a field name");
        return;
    }
    const bool reads = &field == &settings.peers.header;
    if (http::field_name(word.text) == FieldName::forwarded && !reads) {
        call.not_yet(word, "Forwarded as the field of " + std::string(call.row.name),
                     "X-Forwarded-For works");
        return;
    }
    field.write(word.text, word.span);
}

constexpr std::array sendable{FieldName::x_forwarded_for,    FieldName::x_forwarded_host,
                              FieldName::x_forwarded_server, FieldName::x_forwarded_proto,
                              FieldName::x_forwarded_port,   FieldName::x_real_ip,
                              FieldName::forwarded};

}  // namespace

void add_internal_proxies(ServerSettings& settings, const Call& call) {
    add_proxies(settings, call, true);
}

void add_trusted_proxies(ServerSettings& settings, const Call& call) {
    add_proxies(settings, call, false);
}

void add_internal_proxy_list(ServerSettings& settings, const Call& call) {
    settings.peers.lists.push_back({call.argument(0), true});
}

void add_trusted_proxy_list(ServerSettings& settings, const Call& call) {
    settings.peers.lists.push_back({call.argument(0), false});
}

void set_remote_ip_header(ServerSettings& settings, const Call& call) {
    read_field_name(settings, settings.peers.header, call);
}

void set_remote_ip_proxies_header(ServerSettings& settings, const Call& call) {
    read_field_name(settings, settings.peers.proxies_header, call);
}

void set_forwarded_fields(RouteSettings& settings, const Call& call) {
    http::FieldSet set = 0;
    std::vector<std::string_view> names;
    for (const FieldName name : sendable) {
        names.push_back(http::spelling(name));
    }
    for (const Word& word : call.arguments()) {
        const FieldName name = http::field_name(word.text);
        if (name != FieldName::other && http::contains(http::every_forwarding_field, name)) {
            set |= http::field_set({name});
            continue;
        }
        const std::string_view best = conf::nearest(word.text, names);
        call.error(word, "\"" + word.text + "\" is not a field that Headgate writes",
                   best.empty() ? "" : "did you mean \"" + std::string(best) + "\"?");
        return;
    }
    settings.forwarded_fields.write(set, call.argument(0).span);
}

void PeerSettings::merge_from(const PeerSettings& over) {
    header.merge_from(over.header);
    proxies_header.merge_from(over.proxies_header);
    if (!over.peers.empty() || !over.lists.empty()) {
        peers = over.peers;
        lists = over.lists;
    }
}

std::vector<TrustedPeer> read_peer_list(const std::string& path, bool is_internal,
                                        std::string& error) {
    std::vector<TrustedPeer> peers;
    std::string text;
    error = conf::read_text(path, text);
    std::istringstream lines(text);
    std::string line;
    for (int number = 1; error.empty() && std::getline(lines, line); number++) {
        std::istringstream words(line.substr(0, line.find('#')));
        for (std::string word; error.empty() && words >> word;) {
            const auto range = AddressRange::parse(word);
            if (range) {
                peers.push_back({*range, is_internal});
            } else {
                error = "line " + std::to_string(number) + ": \"" + word +
                        "\" is not an address or a range of addresses";
            }
        }
    }
    return peers;
}

const TrustedPeer* PeerTrust::find(const loop::Address& address) const {
    const auto found = std::find_if(peers.begin(), peers.end(), [&](const TrustedPeer& peer) {
        return peer.range.holds(address);
    });
    return found != peers.end() ? &*found : nullptr;
}

}  // namespace headgate::proxy
