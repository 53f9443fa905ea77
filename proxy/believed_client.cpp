// See believed_client.h.
#include "proxy/believed_client.h"

#include <algorithm>

#include "proxy/forwarded_list.h"

namespace headgate::proxy {
namespace {

using http::FieldName;

/// All values of a name in order of arrival, as one list (RFC 9110 section 5.2).
std::string joined(const http::Fields& fields, std::string_view name, std::string_view text) {
    std::string all;
    for (const http::Field& field : fields) {
        if (!http::equals_ignore_case(http::name(field, text), name)) continue;
        if (!all.empty()) all += ',';
        all += http::value(field, text);
    }
    return all;
}

/// "192.0.2.1", "2001:db8::1"; with a port "192.0.2.1:80", "[2001:db8::1]:80".
std::optional<loop::Address> read_address(std::string_view entry) {
    if (const auto plain = loop::Address::from_literal(entry, 0)) return plain;
    if (entry.starts_with('[')) {
        const std::size_t end = entry.find(']');
        if (end == entry.npos) return std::nullopt;
        return loop::Address::from_literal(entry.substr(1, end - 1), 0);
    }
    const std::size_t colon = entry.find(':');
    if (colon == entry.npos || colon != entry.rfind(':')) return std::nullopt;
    return loop::Address::from_literal(entry.substr(0, colon), 0);
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

void put_before(std::string& list, std::string_view entry) {
    list = std::string(entry) + (list.empty() ? "" : ", ") + list;
}

struct Walk {
    loop::Address client;
    std::string believed;  // entries, the client's first
    std::string proxies;   // those without the client's
};

Walk walk(std::string list, const loop::Address& peer, const PeerTrust& trust) {
    Walk result{peer, "", ""};
    std::string_view rest = list;
    for (const TrustedPeer* teller = trust.find(peer); teller != nullptr && !rest.empty();) {
        const std::size_t comma = rest.rfind(',');
        const std::string_view entry = trimmed(comma == rest.npos ? rest : rest.substr(comma + 1));
        rest = comma == rest.npos ? std::string_view() : rest.substr(0, comma);
        const auto address = read_address(entry);
        if (!address) break;
        if (!teller->is_internal && AddressRange::is_internal(*address)) break;
        if (!result.believed.empty()) put_before(result.proxies, result.client.host_text());
        put_before(result.believed, address->host_text());
        result.client = *address;
        teller = trust.find(*address);
    }
    return result;
}

constexpr std::string_view x_forwarded = "X-Forwarded-";

bool names_claim(std::string_view name, const PeerTrust& trust) {
    return http::equals_ignore_case(name.substr(0, x_forwarded.size()), x_forwarded) ||
           (!trust.header.empty() && http::equals_ignore_case(name, trust.header)) ||
           (!trust.proxies_header.empty() && http::equals_ignore_case(name, trust.proxies_header));
}

}  // namespace

BelievedClient believe(const loop::Address& peer, const PeerTrust& trust,
                       const http::Fields& fields, std::string_view text) {
    BelievedClient believed{peer, false, "", ""};
    if (trust.peers.empty() || trust.find(peer) == nullptr) return believed;
    believed.is_peer_trusted = true;
    const std::string_view usual = http::spelling(FieldName::x_forwarded_for);
    believed.forwarded_for = walk(joined(fields, usual, text), peer, trust).believed;
    if (trust.header.empty()) return believed;
    std::string list = joined(fields, trust.header, text);
    if (http::equals_ignore_case(trust.header, http::spelling(FieldName::forwarded))) {
        list = forwarded_as_list(list);
    }
    Walk client = walk(std::move(list), peer, trust);
    believed.address = client.client;
    believed.proxies = std::move(client.proxies);
    return believed;
}

bool is_claim(const http::Field& field, std::string_view text, const PeerTrust& trust) {
    if (field.id == FieldName::forwarded || field.id == FieldName::x_real_ip) return true;
    return names_claim(http::name(field, text), trust);
}

std::string without_claims(std::string_view lines, const PeerTrust& trust) {
    std::string kept;
    while (!lines.empty()) {
        const std::string_view line = lines.substr(0, lines.find("\r\n"));
        const std::string_view name = line.substr(0, line.find(':'));
        const bool is_known = http::equals_ignore_case(name, "Forwarded") ||
                              http::equals_ignore_case(name, "X-Real-IP");
        if (!is_known && !names_claim(name, trust)) kept.append(line).append("\r\n");
        lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    }
    return kept;
}

}  // namespace headgate::proxy
