// See rewrite.h.
#include "proxy/rewrite.h"

#include "proxy/http/connection_options.h"
#include "proxy/http/forwarding.h"
#include "proxy/http/head_writer.h"
#include "proxy/site/field_edits.h"

namespace headgate::proxy {
namespace {

using http::FieldName;
using http::HeadWriter;

http::ViaMode via_mode(const RouteSettings& settings) {
    switch (*settings.proxy_via) {
        case RouteSettings::Via::off:
            return http::ViaMode::off;
        case RouteSettings::Via::on:
            return http::ViaMode::on;
        case RouteSettings::Via::full:
            return http::ViaMode::full;
        case RouteSettings::Via::block:
            return http::ViaMode::block;
    }
    return http::ViaMode::off;
}

/// The fields that we write about the client.
http::FieldSet wanted_fields(const RouteSettings& settings) {
    return *settings.proxy_add_headers ? *settings.forwarded_fields : http::FieldSet{0};
}

/// Those of them that RequestHeader has set: it has the last word where there is one value. What
/// lists all proxies is continued.
http::FieldSet set_by_edits(const OutgoingFields& fields, const RouteSettings& settings) {
    constexpr http::FieldSet single = http::field_set(
        {FieldName::x_forwarded_proto, FieldName::x_forwarded_port, FieldName::x_real_ip});
    http::FieldSet found = 0;
    if (settings.request_fields.empty()) return found;
    for (const OutgoingField& field : fields)
        found |= http::field_set({http::field_name(field.name)}) & single;
    return found;
}

/// Host and the client's end-to-end fields, without those that are written anew, and without what
/// it may not say about itself.
OutgoingFields forwarded_fields(const Request& request, const RewriteFacts& facts,
                                std::string_view host) {
    static const PeerTrust nobody;
    const PeerTrust& trust = facts.trust != nullptr ? *facts.trust : nobody;
    const bool is_believed = facts.client != nullptr && facts.client->is_peer_trusted;
    const http::FieldSet wanted = wanted_fields(facts.settings);
    const bool is_chunked = request.framing.kind == http::RequestFraming::Kind::chunked;
    const bool expects = request.framing.expects_continue && *facts.settings.proxy_100_continue;
    const http::Fields& received = request.head.fields;
    OutgoingFields fields;
    fields.reserve(received.size() + 8);
    fields.push_back({http::spelling(FieldName::host), host, {}});
    for (const http::Field& field : received) {
        const bool anew = field.id == FieldName::host || field.id == FieldName::content_length ||
                          field.id == FieldName::via ||
                          (field.id == FieldName::trailer && !is_chunked) ||
                          (field.id != FieldName::other && http::contains(wanted, field.id));
        // RFC 9110 section 10.1.1: no 100-continue expectation without content, nor for HTTP/1.0.
        const bool is_void = field.id == FieldName::expect && !expects;
        const bool is_disbelieved = !is_believed && is_claim(field, request.text, trust);
        if (anew || is_void || is_disbelieved ||
            http::is_hop_by_hop(field, received, request.text)) {
            continue;
        }
        fields.push_back({http::name(field, request.text), http::value(field, request.text), {}});
        // RFC 9110 section 7.6.2: "the forwarded message MUST contain an updated Max-Forwards".
        if (field.id == FieldName::max_forwards &&
            request.max_forwards != http::unbounded_forwards) {
            fields.back().made = std::to_string(request.max_forwards - 1);
        }
    }
    return fields;
}

/// What is told about the client, behind what a trusted peer told.
void write_forwarding(HeadWriter& writer, const Request& request, const RewriteFacts& facts,
                      http::FieldSet wanted) {
    const std::string client = facts.client != nullptr ? facts.client->address.host_text()
                                                       : std::string(facts.peer_address);
    http::ForwardingFacts told{.peer_address = facts.peer_address,
                               .client_address = client,
                               .host = request.host,
                               .server_name = facts.server_name,
                               .is_secure = facts.tls != nullptr,
                               .port = facts.server_port};
    if (facts.client != nullptr) {
        told.is_believed = facts.client->is_peer_trusted;
        told.believed_for = facts.client->forwarded_for;
    }
    http::write_forwarding_fields(writer, wanted, request.head.fields, told, request.text);
    const bool has_proxies = facts.trust != nullptr && !facts.trust->proxies_header.empty() &&
                             facts.client != nullptr && !facts.client->proxies.empty();
    if (has_proxies) writer.field(facts.trust->proxies_header, facts.client->proxies);
}

void write(const OutgoingFields& fields, HeadWriter& writer) {
    for (const OutgoingField& field : fields)
        writer.field(field.name, field.text());
}

std::string via_name(const RewriteFacts& facts) {
    std::string name(facts.server_name);
    const std::uint16_t usual = facts.tls != nullptr ? 443 : 80;
    if (facts.server_port != usual) name += ":" + std::to_string(facts.server_port);
    return name;
}

}  // namespace

std::string upgrade_for(const Request& request, std::string_view allowed) {
    std::string protocols;
    if (!request.framing.may_upgrade || allowed == "none") return protocols;
    for (const http::Field& field : request.head.fields) {
        if (field.id != FieldName::upgrade) continue;
        http::ListElements elements(http::value(field, request.text));
        while (const auto protocol = elements.next()) {
            const std::string_view name = protocol->substr(0, protocol->find('/'));
            const bool is_allowed = allowed == "any" || http::equals_ignore_case(name, allowed);
            if (protocol->empty() || !is_allowed) continue;
            if (!protocols.empty()) protocols += ", ";
            protocols += *protocol;
        }
    }
    return protocols;
}

std::string forwarded_target(const Match& match, const http::PathRules& rules,
                             const http::Target& received, std::string_view text) {
    std::string target;
    if (match.is_encoded) {
        target = match.path;
    } else {
        http::append_forwarded_path(target, match.path, rules.encoded_slashes);
    }
    if (received.has_query) {
        target += '?';
        target += received.query.of(text);
    }
    return target;
}

namespace {

/// Connection anew, with what of its options we stand for: an upgrade, and that trailers are taken
/// (RFC 9110 section 10.1.4: a sender of TE lists it in Connection).
void write_connection_options(const Request& request, const RewriteFacts& facts,
                              HeadWriter& writer) {
    const bool takes_trailers = http::accepts_trailers(request.head.fields, request.text);
    const bool upgrades = !facts.upgrade.empty();
    if (!upgrades && !takes_trailers) return;
    writer.field(FieldName::connection, !takes_trailers ? "Upgrade"
                                        : upgrades      ? "Upgrade, TE"
                                                        : "TE");
    if (upgrades) writer.field(FieldName::upgrade, facts.upgrade);
    if (takes_trailers) writer.field(FieldName::te, "trailers");
}

}  // namespace

std::string upstream_head(const Request& request, const Match& match, const RewriteFacts& facts) {
    const bool preserves_host = *facts.settings.proxy_preserve_host && !request.host.empty();
    std::string head;
    head.reserve(request.text.size() + 256);
    HeadWriter writer(head);
    writer.request_line(request.head.method_text.of(request.text),
                        forwarded_target(match, request.path_rules, request.target, request.text));
    const std::string_view host =
        preserves_host ? request.host : std::string_view(match.route->authority);
    OutgoingFields fields = forwarded_fields(request, facts, host);
    apply(facts.settings.request_fields, false, facts.tls, fields);
    write(fields, writer);

    const std::string name = via_name(facts);
    const http::ViaFacts via_facts{via_mode(facts.settings), request.head.version, name,
                                   "Headgate/" HEADGATE_VERSION};
    const std::string via = http::via_value(request.head.fields, via_facts, request.text);
    if (!via.empty()) writer.field(FieldName::via, via);
    const http::FieldSet is_set = set_by_edits(fields, facts.settings);
    write_forwarding(writer, request, facts, wanted_fields(facts.settings) & ~is_set);
    write_connection_options(request, facts, writer);
    using Kind = http::RequestFraming::Kind;
    if (request.framing.kind == Kind::length) writer.content_length(request.framing.length);
    if (request.framing.kind == Kind::chunked) {
        writer.field(FieldName::transfer_encoding, "chunked");
    }
    writer.end();
    return head;
}

ResponseRewrite response_rewrite(const Request& request, const RewriteFacts& facts) {
    ResponseRewrite rewrite;
    rewrite.settings = &facts.settings;
    rewrite.takes_trailers = request.head.version == http::Version::http_1_1 &&
                             http::accepts_trailers(request.head.fields, request.text);
    if (!facts.settings.reverses.empty()) {
        const std::string_view host = request.host.empty() ? facts.server_name : request.host;
        rewrite.base_url = (facts.tls != nullptr ? "https://" : "http://") + std::string(host);
    }
    if (via_mode(facts.settings) != http::ViaMode::off) rewrite.via_name = via_name(facts);
    return rewrite;
}

namespace {

bool names_a_url(FieldName name) {
    return name == FieldName::location || name == FieldName::content_location ||
           name == FieldName::uri;
}

/// ProxyPassReverse: the first rule whose URL begins the value; empty when none does.
std::string reversed(std::string_view value, const ResponseRewrite& rewrite) {
    for (const ReverseRule& rule : rewrite.settings->reverses) {
        if (value.substr(0, rule.url.size()) != rule.url) continue;
        const std::string rest(value.substr(rule.url.size()));
        const bool is_path = !value.empty() && value.front() == '/';
        return (is_path ? "" : rewrite.base_url) + rule.path + rest;
    }
    return "";
}

OutgoingFields returned_fields(const upstream::ReceivedHead& received,
                               const ResponseRewrite& rewrite) {
    const http::Fields& all = received.head.fields;
    const bool writes_via = via_mode(*rewrite.settings) != http::ViaMode::off;
    OutgoingFields fields;
    fields.reserve(all.size() + 4);
    const bool forwards_trailers =
        rewrite.takes_trailers && received.framing.kind == upstream::Framing::Kind::chunked;
    for (const http::Field& field : all) {
        if (field.id == FieldName::content_length ||
            (field.id == FieldName::trailer && !forwards_trailers) ||
            (writes_via && field.id == FieldName::via) ||
            http::is_hop_by_hop(field, all, received.text)) {
            continue;
        }
        fields.push_back({http::name(field, received.text), http::value(field, received.text), {}});
        if (names_a_url(field.id)) fields.back().made = reversed(fields.back().value, rewrite);
    }
    return fields;
}

}  // namespace

std::string client_fields(const upstream::ReceivedHead& received, const ResponseRewrite& rewrite) {
    OutgoingFields fields = returned_fields(received, rewrite);
    apply(rewrite.settings->response_fields, false, nullptr, fields);
    std::string lines;
    lines.reserve(received.text.size() + 64);
    HeadWriter writer(lines);
    write(fields, writer);
    const http::ViaFacts facts{via_mode(*rewrite.settings), received.head.version, rewrite.via_name,
                               "Headgate/" HEADGATE_VERSION};
    if (facts.mode != http::ViaMode::off) {
        const std::string via = http::via_value(received.head.fields, facts, received.text);
        if (!via.empty()) writer.field(FieldName::via, via);
    }
    return lines;
}

void edit_answer_fields(const RouteSettings& settings, std::string& fields) {
    OutgoingFields added;
    apply(settings.response_fields, true, nullptr, added);
    HeadWriter writer(fields);
    write(added, writer);
}

}  // namespace headgate::proxy
