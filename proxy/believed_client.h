// BelievedClient: who a request comes from, when a proxy that we trust says so (Apache's
// mod_remoteip), and what of the fields that say such things is kept.
//
//    X-Forwarded-For: 198.51.100.9, 203.0.113.7, 10.0.0.2      from 10.0.0.1
//                     |             |            |              |
//                     not believed  the client   trusted        trusted: the peer
//
// The list is walked from its right end, for as long as who told us the next entry is trusted. What
// is left of the first address that is not trusted was said by that address, and is dropped.
#pragma once

#include <string>
#include <string_view>

#include "proxy/http/message.h"
#include "proxy/settings/peers.h"

namespace headgate::proxy {

struct BelievedClient {
    loop::Address address;         ///< of the client; the peer's when nothing is believed
    bool is_peer_trusted = false;  ///< what it sends about the client is kept
    std::string forwarded_for;     ///< what is believed of X-Forwarded-For, without the peer
    std::string proxies;  ///< trusted proxies between the client and the peer, ", " between
};

/// `fields` over `text` are the request's.
BelievedClient believe(const loop::Address& peer, const PeerTrust& trust,
                       const http::Fields& fields, std::string_view text);

/// Whether a field says something about the client that only a trusted proxy may say: Forwarded,
/// X-Real-IP, every X-Forwarded-*, and the two fields that RemoteIP directives name.
bool is_claim(const http::Field& field, std::string_view text, const PeerTrust& trust);
/// Lines of fields ("Name: value", CRLF behind each) without those that are claims.
std::string without_claims(std::string_view lines, const PeerTrust& trust);

}  // namespace headgate::proxy
