// ClientHello: what a client says first under TLS, read before any TLS state is made for it: the
// virtual host is chosen by the server name, and a client that stops half way costs only what it
// has sent. Pure (RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301 section 3.1).
#pragma once

#include <string>
#include <string_view>

namespace headgate::net {

struct ClientHello {
    enum class State {
        need_more,
        complete,
        plain_http,  // a request in the clear
        not_tls,     // neither
        malformed,   // or above most_hello
    };
    State state = State::need_more;
    std::string server_name;  // lower case; empty: none was sent
};

/// Octets that a ClientHello may have, records included.
inline constexpr std::size_t most_hello = 20 * 1024;

/// Looks at all octets received so far.
ClientHello read_client_hello(std::string_view octets);

}  // namespace headgate::net
