// See rewrite.h.
#include "proxy/rewrite.h"

#include "proxy/field_edits.h"
#include "proxy/http/connection_options.h"
#include "proxy/http/forwarding.h"
#include "proxy/http/head_writer.h"

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

std::string target_of(const Request& request, const Match& match) {
    std::string target;
    http::append_forwarded_path(target, match.path);
    if (request.target.has_query) {
        target += '?';
        target += request.target.query.of(request.text);
    }
    return target;
}

constexpr std::string_view scheme_field = "X-Forwarded-Proto";

bool names(const http::Field& field, std::string_view name, const Request& request) {
    return http::equals_ignore_case(http::name(field, request.text), name);
}

/// The client's end-to-end fields, without those that are written anew.
OutgoingFields forwarded_fields(const Request& request, bool adds_forwarding, bool is_tls) {
    const http::Fields& received = request.head.fields;
    OutgoingFields fields;
    fields.reserve(received.size() + 8);
    for (const http::Field& field : received) {
        const bool anew = field.id == FieldName::host || field.id == FieldName::content_length ||
                          field.id == FieldName::via || field.id == FieldName::trailer ||
                          (adds_forwarding && http::is_forwarding_field(field.id));
        // RFC 9110 section 10.1.1: no 100-continue expectation without content.
        const bool is_void = field.id == FieldName::expect && !request.framing.has_content();
        // The scheme that we saw is what counts, whatever a client says it was.
        const bool is_scheme = is_tls && adds_forwarding && names(field, scheme_field, request);
        if (anew || is_void || is_scheme || http::is_hop_by_hop(field, received, request.text))
            continue;
        fields.push_back({http::name(field, request.text), http::value(field, request.text), {}});
    }
    return fields;
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

std::string upstream_head(const Request& request, const Match& match, const RewriteFacts& facts) {
    const bool preserves_host = *facts.settings.proxy_preserve_host && !request.host.empty();
    const bool adds_forwarding = *facts.settings.proxy_add_headers;
    std::string head;
    head.reserve(request.text.size() + 256);
    HeadWriter writer(head);
    writer.request_line(request.head.method_text.of(request.text), target_of(request, match));
    writer.field(FieldName::host,
                 preserves_host ? request.host : std::string_view(match.route->authority));

    const bool is_tls = facts.tls != nullptr;
    OutgoingFields fields = forwarded_fields(request, adds_forwarding, is_tls);
    if (is_tls && adds_forwarding) fields.push_back({scheme_field, "https", {}});
    apply(with_facts(facts.settings.request_fields, facts.tls), false, fields);
    write(fields, writer);

    const std::string name = via_name(facts);
    const http::ViaFacts via_facts{via_mode(facts.settings), request.head.version, name,
                                   "Headgate/" HEADGATE_VERSION};
    const std::string via = http::via_value(request.head.fields, via_facts, request.text);
    if (!via.empty()) writer.field(FieldName::via, via);
    if (adds_forwarding) {
        http::write_forwarding_fields(writer, request.head.fields,
                                      {facts.client_address, request.host, facts.server_name},
                                      request.text);
    }
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
    for (const http::Field& field : all) {
        // Trailer announces what is dropped here.
        if (field.id == FieldName::content_length || field.id == FieldName::trailer ||
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
    apply(rewrite.settings->response_fields, false, fields);
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
    apply(settings.response_fields, true, added);
    HeadWriter writer(fields);
    write(added, writer);
}

}  // namespace headgate::proxy
