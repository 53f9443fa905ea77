// What RemoteIPProxyProtocol and its neighbours say: from whom a PROXY protocol header is taken
// (Apache's mod_remoteip; which peers may send one is ours).
#pragma once

#include <cstdint>
#include <vector>

#include "conf/settings.h"
#include "proxy/settings/address_range.h"

namespace headgate::proxy {

/// What is expected in front of a peer's connection.
enum class ProxyHeaderRule : std::uint8_t {
    unexpected,  ///< nothing is looked for: it is not configured at all
    required,    ///< the connection is closed without one
    optional,    ///< taken when it comes
    refused,     ///< the connection is closed when one comes
};

struct ProxyHeaderPeers {
    ProxyHeaderRule rule = ProxyHeaderRule::refused;
    AddressRange range;
    friend bool operator==(const ProxyHeaderPeers&, const ProxyHeaderPeers&) = default;
};

struct ProxyHeaderSettings {
    conf::Set<bool> engine{false};         ///< RemoteIPProxyProtocol
    std::vector<ProxyHeaderPeers> peers;   ///< RemoteIPProxyProtocolPeers; the first that holds
    std::vector<AddressRange> exceptions;  ///< RemoteIPProxyProtocolExceptions
    conf::Span peers_span;                 ///< of the last of them
    conf::Span optional_span;              ///< of the last one that says optional
    conf::Span exceptions_span;

    bool is_on() const { return engine.is_written() ? *engine : !peers.empty(); }
    /// Everybody may say who he is.
    bool believes_everyone() const { return is_on() && peers.empty(); }
    /// With peers written, all others are refused; else it is required of everyone, as in Apache.
    ProxyHeaderRule rule_for(const loop::Address& peer) const;

    /// Where it was turned on.
    conf::Span place() const { return peers.empty() ? engine.span() : peers_span; }

    /// A virtual host's own peers and exceptions replace the server's.
    void merge_from(const ProxyHeaderSettings& over);
};

}  // namespace headgate::proxy
