// The PROXY protocol, reading: what a proxy in front of us says about the connection that it passes
// on, before any octet of it (HAProxy's doc/proxy-protocol.txt, versions 1 and 2). Pure; whether
// it is believed is decided elsewhere. Writing is in proxy_header_writer.h.
//
//    PROXY TCP4 198.51.100.7 192.0.2.1 40000 443 CRLF                                   version 1
//    signature 12 | version 2, command | family | size 2 | addresses, then TLVs         version 2
#pragma once

#include <cstddef>
#include <string_view>

#include "mpm/loop/address.h"

namespace headgate::net {

struct ProxyHeader {
    enum class State {
        need_more,
        complete,
        absent,     // what came is no PROXY header, and will not become one
        malformed,  // it is one, and wrong: `fault` says how
    };
    State state = State::need_more;
    bool has_begun = false;  // a whole signature has come
    std::size_t size = 0;    // octets of the header, when complete
    /// LOCAL, UNKNOWN, or a family that is not TCP over IP: the socket's own addresses count.
    bool keeps_addresses = true;
    loop::Address source;       // of the client; unless keeps_addresses
    loop::Address destination;  // what it connected to
    const char* fault = "";     // static text
};

/// Octets that a header may have: 107 in version 1; version 2 could say 65551.
inline constexpr std::size_t most_proxy_header = 16 * 1024;

inline constexpr std::string_view proxy_v1_signature = "PROXY ";
inline constexpr std::string_view proxy_v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};

/// Types of TLVs (section 2.2.1 and on).
namespace proxy_tlv {
inline constexpr unsigned alpn = 0x01;
inline constexpr unsigned authority = 0x02;
inline constexpr unsigned crc32c = 0x03;
inline constexpr unsigned noop = 0x04;
inline constexpr unsigned unique_id = 0x05;
inline constexpr unsigned ssl = 0x20;
inline constexpr unsigned ssl_version = 0x21;
inline constexpr unsigned ssl_cn = 0x22;
inline constexpr unsigned ssl_cipher = 0x23;
}  // namespace proxy_tlv

/// `octets` are all that have come on the connection so far.
ProxyHeader read_proxy_header(std::string_view octets);

}  // namespace headgate::net
