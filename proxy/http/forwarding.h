// What a gateway tells the next recipient about the client and about itself: X-Forwarded-*
// (Apache's ProxyAddHeaders) and Via (RFC 9110 section 7.6.3, Apache's ProxyVia).
//
// Values received from the client are kept in front of ours, as Apache does; whether they are
// to be believed is a matter of configuration, decided elsewhere.
#pragma once

#include "proxy/http/head_writer.h"
#include "proxy/http/message.h"

#include <string>
#include <string_view>

namespace headgate::http {

/// All values of `id` in order of arrival and then `own`, joined by ", ". Either may be missing.
std::string appended_value(const Fields& fields, FieldName id, std::string_view own,
                           std::string_view text);

struct ForwardingFacts {
    std::string_view client_address;  ///< the peer, without port: "192.0.2.1", "2001:db8::1"
    std::string_view host;            ///< Host as the client sent it; empty: not written
    std::string_view server_name;     ///< our own name (ServerName)
};

/// X-Forwarded-For, -Host and -Server: the fields that write_forwarding_fields replaces. The
/// caller leaves these out when it copies the client's fields.
bool is_forwarding_field(FieldName id);

/// Writes the three fields, each the client's values followed by ours.
void write_forwarding_fields(HeadWriter& writer, const Fields& fields, const ForwardingFacts& facts,
                             std::string_view text);

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
