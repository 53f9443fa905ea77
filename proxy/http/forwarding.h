// What a gateway tells the next recipient about the client and about itself: X-Forwarded-*
// (Apache's ProxyAddHeaders, and more), X-Real-IP, Forwarded (RFC 7239), and Via (RFC 9110 section
// 7.6.3, Apache's ProxyVia).
//
// What the client's side said of these is kept in front of ours, or replaced, as it is believed;
// whom to believe is a matter of configuration, decided elsewhere.
#pragma once

#include "proxy/http/head_writer.h"
#include "proxy/http/message.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace headgate::http {

/// All values of `id` in order of arrival and then `own`, joined by ", ". Either may be missing.
std::string appended_value(const Fields& fields, FieldName id, std::string_view own,
                           std::string_view text);

/// Fields as a set, one bit each.
using FieldSet = std::uint64_t;
constexpr FieldSet field_set(std::initializer_list<FieldName> names) {
    FieldSet set = 0;
    for (const FieldName name : names) {
        set |= FieldSet{1} << static_cast<int>(name);
    }
    return set;
}
constexpr bool contains(FieldSet set, FieldName name) {
    return (set & field_set({name})) != 0;
}

/// Those that write_forwarding_fields can write.
inline constexpr FieldSet every_forwarding_field =
    field_set({FieldName::x_forwarded_for, FieldName::x_forwarded_host,
               FieldName::x_forwarded_server, FieldName::x_forwarded_proto,
               FieldName::x_forwarded_port, FieldName::x_real_ip, FieldName::forwarded});

struct ForwardingFacts {
    std::string_view peer_address;  ///< the connection's, without port: "192.0.2.1", "2001:db8::1"
    std::string_view client_address;  ///< the client's, as far as we know: for X-Real-IP
    std::string_view host;            ///< Host as the client sent it; empty: not written
    std::string_view server_name;     ///< our own name (ServerName)
    bool is_secure = false;           ///< the connection has TLS
    std::uint16_t port = 0;           ///< that the connection came to
    bool is_believed = false;         ///< the peer is trusted: what it sent is kept
    std::string_view believed_for{};  ///< of X-Forwarded-For, what is believed; without the peer
};

/// Writes the fields of `wanted`, each with what is believed of the client's values in front. The
/// caller leaves these out when it copies the client's fields.
void write_forwarding_fields(HeadWriter& writer, FieldSet wanted, const Fields& fields,
                             const ForwardingFacts& facts, std::string_view text);

/// ProxyVia Off, On, Full, Block.
enum class ViaMode : std::uint8_t { off, on, full, block };

struct ViaFacts {
    ViaMode mode = ViaMode::off;
    Version received = Version::http_1_1;  ///< of the message that is forwarded
    std::string_view name;                 ///< our name, with ":port" unless it is the default
    std::string_view product;              ///< for Full: "Headgate/1.0"
};

/// The Via value to write: off, what was received; on and full, that and our entry; block, nothing.
/// Empty: no Via is written. The caller leaves received Via fields out and writes this instead.
std::string via_value(const Fields& fields, const ViaFacts& facts, std::string_view text);

}  // namespace headgate::http
