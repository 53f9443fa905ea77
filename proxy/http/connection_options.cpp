// Connection options, the fields they take with them, and persistence.
#include "proxy/http/connection_options.h"

namespace headgate::http {

// RFC 9110 section 7.6.1: "Intermediaries MUST parse a received Connection header field before a
// message is forwarded and, for each connection-option in this field, remove any header or trailer
// field(s) from the message with the same name as the connection-option".
bool is_hop_by_hop(const Field& field, const Fields& fields, std::string_view text) {
    switch (field.id) {
        // The same section: fields "known to require removal before forwarding, whether or not they
        // appear as a connection-option".
        case FieldName::connection:
        case FieldName::proxy_connection:
        case FieldName::keep_alive:
        case FieldName::te:
        case FieldName::transfer_encoding:
        case FieldName::upgrade:
        // RFC 9113 section 3.1: obsolete, and names a connection's settings.
        case FieldName::http2_settings:
        // RFC 9110 section 11.7: these apply to the next hop only.
        case FieldName::proxy_authenticate:
        case FieldName::proxy_authorization:
        case FieldName::proxy_authentication_info:
            return true;
        default:
            return fields.has(FieldName::connection) &&
                   has_connection_option(fields, field.name.of(text), text);
    }
}

bool has_connection_option(const Fields& fields, std::string_view option, std::string_view text) {
    return lists_token(fields, FieldName::connection, option, text);
}

// RFC 9112 section 9.3: "If the 'close' connection option is present, the connection will not
// persist after the current response; else, if the received protocol is HTTP/1.1 (or later), the
// connection will persist [...]; else, if the received protocol is HTTP/1.0, the 'keep-alive'
// connection option is present [...]".
bool is_persistent(Version version, const Fields& fields, std::string_view text) {
    if (!fields.has(FieldName::connection)) {
        return version == Version::http_1_1;
    }
    if (has_connection_option(fields, "close", text)) {
        return false;
    }
    return version == Version::http_1_1 || has_connection_option(fields, "keep-alive", text);
}

bool accepts_trailers(const Fields& fields, std::string_view text) {
    return lists_token(fields, FieldName::te, "trailers", text);
}

}  // namespace headgate::http
