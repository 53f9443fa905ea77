// X-Forwarded-*, X-Real-IP, Forwarded and Via.
#include "proxy/http/forwarding.h"

#include "proxy/http/octets.h"

#include <algorithm>

namespace headgate::http {

std::string appended_value(const Fields& fields, FieldName id, std::string_view own,
                           std::string_view text) {
    std::string result;
    if (fields.has(id)) {
        for (const Field& field : fields) {
            if (field.id != id || field.value.empty()) {
                continue;
            }
            result += result.empty() ? "" : ", ";
            result += field.value.of(text);
        }
    }
    if (!own.empty()) {
        result += result.empty() ? "" : ", ";
        result += own;
    }
    return result;
}

namespace {

// RFC 7239 section 4: "value = token / quoted-string"; what is no token is quoted, as "host:80".
void append_parameter(std::string& out, std::string_view name, std::string_view value) {
    out += out.empty() ? "" : ";";
    out += name;
    out += '=';
    const bool is_token = std::all_of(value.begin(), value.end(), is_token_octet);
    out += is_token ? "" : "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    out += is_token ? "" : "\"";
}

// RFC 7239 section 6: "Note that an IPv6 address is always enclosed in square brackets."
std::string forwarded_element(const ForwardingFacts& facts) {
    std::string element;
    const bool is_v6 = facts.peer_address.find(':') != std::string_view::npos;
    std::string node(facts.peer_address);
    append_parameter(element, "for", is_v6 ? "[" + node + "]" : node);
    if (!facts.host.empty()) {
        append_parameter(element, "host", facts.host);
    }
    append_parameter(element, "proto", facts.is_secure ? "https" : "http");
    return element;
}

std::string behind(std::string_view list, std::string_view own) {
    std::string result(list);
    result += list.empty() || own.empty() ? "" : ", ";
    result += own;
    return result;
}

}  // namespace

void write_forwarding_fields(HeadWriter& writer, FieldSet wanted, const Fields& fields,
                             const ForwardingFacts& facts, std::string_view text) {
    static const Fields none;
    const Fields& kept = facts.is_believed ? fields : none;
    const auto write = [&](FieldName id, std::string_view value) {
        if (contains(wanted, id) && !value.empty()) {
            writer.field(id, value);
        }
    };
    const auto append = [&](FieldName id, std::string_view own) {
        write(id, appended_value(kept, id, own, text));
    };
    // What the first proxy said holds: behind it only proxies talk to each other.
    const auto keep = [&](FieldName id, std::string_view own) {
        write(id, kept.value(id, text).value_or(own));
    };
    write(FieldName::x_forwarded_for, behind(facts.believed_for, facts.peer_address));
    append(FieldName::x_forwarded_host, facts.host);
    append(FieldName::x_forwarded_server, facts.server_name);
    keep(FieldName::x_forwarded_proto, facts.is_secure ? "https" : "http");
    keep(FieldName::x_forwarded_port, std::to_string(facts.port));
    write(FieldName::x_real_ip, facts.client_address);
    append(FieldName::forwarded, forwarded_element(facts));
}

// RFC 9110 section 7.6.3: "Via = #( received-protocol RWS received-by [ RWS comment ] )". The
// protocol name may be left out when it is HTTP.
std::string via_value(const Fields& fields, const ViaFacts& facts, std::string_view text) {
    if (facts.mode == ViaMode::block) {
        return {};
    }
    std::string own;
    if (facts.mode != ViaMode::off) {
        own = facts.received == Version::http_1_0 ? "1.0 " : "1.1 ";
        own += facts.name;
    }
    if (facts.mode == ViaMode::full) {
        own += " (";
        own += facts.product;
        own += ')';
    }
    return appended_value(fields, FieldName::via, own, text);
}

}  // namespace headgate::http
