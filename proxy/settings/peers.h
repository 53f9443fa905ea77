// What RemoteIPHeader and its neighbours say: whose word about a request's client is taken
// (Apache's mod_remoteip); and which fields tell the upstream about it.
#pragma once

#include <string>
#include <vector>

#include "conf/settings.h"
#include "conf/tree.h"
#include "proxy/http/forwarding.h"
#include "proxy/settings/address_range.h"

namespace headgate::proxy {

/// Apache's three, and the scheme.
inline constexpr http::FieldSet default_forwarded_fields =
    http::field_set({http::FieldName::x_forwarded_for, http::FieldName::x_forwarded_host,
                     http::FieldName::x_forwarded_server, http::FieldName::x_forwarded_proto});

/// One RemoteIPInternalProxy or RemoteIPTrustedProxy.
struct TrustedPeer {
    AddressRange range;
    /// Its word is also taken for internal addresses (RemoteIPInternalProxy).
    bool is_internal = false;
};

/// A file of RemoteIPInternalProxyList or RemoteIPTrustedProxyList.
struct PeerList {
    conf::Word file;
    bool is_internal = false;
};

struct PeerSettings {
    conf::Set<std::string> header{std::string()};
    conf::Set<std::string> proxies_header{std::string()};
    std::vector<TrustedPeer> peers;  ///< as Apache: a virtual host's replace the server's
    std::vector<PeerList> lists;     ///< read when the sites are built

    void merge_from(const PeerSettings& over);
};

/// Whose word a site takes; built from the settings, with the lists read.
struct PeerTrust {
    std::string header;          ///< RemoteIPHeader; empty: no field gives the client's address
    std::string proxies_header;  ///< RemoteIPProxiesHeader; empty: not sent
    std::vector<TrustedPeer> peers;

    const TrustedPeer* find(const loop::Address& address) const;
};

/// Reads a list: addresses separated by white space, "#" begins a comment. What is wrong is said in
/// `error`, with the line; empty when nothing is.
std::vector<TrustedPeer> read_peer_list(const std::string& path, bool is_internal,
                                        std::string& error);

}  // namespace headgate::proxy
