// See phase.h.
#include "proxy/net/phase.h"

namespace headgate::net::phase {

const char* name(loop::Phase phase) {
    static constexpr const char* names[] = {
        "keep-alive",   "request-head",  "request-content",
        "resolve",      "connect",       "tls",
        "send-request", "upstream-wait", "response-content",
        "client-write", "tunnel",        "linger",
        "turn",         "idle-upstream", "accepting",
        "proxy-header", "upstream-tls",
    };
    static_assert(std::size(names) == loop::phase_limit);
    const auto index = static_cast<std::size_t>(phase);
    return index < std::size(names) ? names[index] : "unknown";
}

}  // namespace headgate::net::phase
