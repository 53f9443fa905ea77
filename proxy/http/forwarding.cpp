// X-Forwarded-* and Via.
#include "proxy/http/forwarding.h"

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

bool is_forwarding_field(FieldName id) {
    return id == FieldName::x_forwarded_for || id == FieldName::x_forwarded_host ||
           id == FieldName::x_forwarded_server;
}

void write_forwarding_fields(HeadWriter& writer, const Fields& fields, const ForwardingFacts& facts,
                             std::string_view text) {
    const auto write = [&](FieldName id, std::string_view own) {
        const std::string value = appended_value(fields, id, own, text);
        if (!value.empty()) {
            writer.field(id, value);
        }
    };
    write(FieldName::x_forwarded_for, facts.client_address);
    write(FieldName::x_forwarded_host, facts.host);
    write(FieldName::x_forwarded_server, facts.server_name);
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
