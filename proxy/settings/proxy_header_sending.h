// What an upstream is told by the PROXY protocol, as `proxyprotocol=` of a rule says: which
// version, and which facts version 2 carries. The names of the facts are those of HAProxy's
// proxy-v2-options.
#pragma once

#include <cstdint>
#include <string_view>

#include "conf/value.h"

namespace headgate::proxy {

struct ProxyHeaderSending {
    enum class Version : std::uint8_t { none, v1, v2 };
    Version version = Version::none;
    bool alpn = false;        ///< the protocol that the client's handshake agreed on
    bool authority = false;   ///< the server name that the client asked for
    bool ssl = false;         ///< whether it speaks TLS, which version, and if it was verified
    bool cert_cn = false;     ///< with the common name of its certificate; says ssl too
    bool ssl_cipher = false;  ///< with the cipher; says ssl too
    bool crc32c = false;      ///< a checksum over the header

    bool is_on() const { return version != Version::none; }
    /// "off", "v1", "v2", "v2,ssl,authority".
    static conf::Parsed<ProxyHeaderSending> parse(std::string_view text);
};

}  // namespace headgate::proxy
