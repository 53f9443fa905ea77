// Endpoint: where an upstream is, as the configuration names it.
#pragma once

#include <cstdint>
#include <string>

namespace headgate::upstream {

struct Endpoint {
    std::string host;  // a name, or an address literal without brackets
    std::uint16_t port = 80;
    std::string unix_path;  // when set, it is connected to instead of host and port
    std::string key;        // "host:port" or "unix:/path": what pooled connections are filed under
    bool is_private = false;  // its pooled connections are one client's: no other loop gets them
};

}  // namespace headgate::upstream
