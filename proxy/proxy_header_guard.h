// ProxyHeaderGuard: sees to it that no PROXY header passes through a tunnel: an upstream that takes
// them would believe whoever sent it. Nothing is held back meanwhile, for a server that speaks
// first waits for nothing, and a client may send no more than how a header begins: what is cut off
// before its signature is whole is no header to anybody.
#pragma once

#include <cstdint>
#include <string_view>

#include "proxy/net/proxy_protocol.h"

namespace headgate::proxy {

class ProxyHeaderGuard {
public:
    /// Looks at what is about to be passed on, behind what it has been shown before. False: this
    /// completes the signature of a header, and must not be passed on.
    bool lets_pass(std::string_view octets) {
        for (std::size_t i = 0; i < octets.size() && watches_; i++) {
            if (seen_ == 0 && octets[0] == net::proxy_v2_signature[0]) {
                signature_ = net::proxy_v2_signature;
            }
            watches_ = octets[i] == signature_[seen_];
            seen_++;
            if (watches_ && seen_ == signature_.size()) return false;
        }
        return true;
    }
    /// Whether a header may still come; else it need not be shown any more.
    bool watches() const { return watches_; }

private:
    std::string_view signature_ = net::proxy_v1_signature;
    std::uint8_t seen_ = 0;
    bool watches_ = true;
};

}  // namespace headgate::proxy
