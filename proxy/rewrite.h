// Rewriting: what is changed in the heads that pass through: the request's target and fields on the
// way to the upstream, the response's fields on the way back (RFC 9110 section 7.6; Apache's
// ProxyPassReverse, ProxyAddHeaders, ProxyVia, RequestHeader, Header).
#pragma once

#include <string>
#include <string_view>

#include "proxy/believed_client.h"
#include "proxy/net/tls_transport.h"
#include "proxy/request.h"
#include "proxy/site/route.h"
#include "upstream/upstream_side.h"

namespace headgate::proxy {

/// What rewriting wants to know besides the message itself.
struct RewriteFacts {
    const RouteSettings& settings;
    std::string_view server_name;
    std::uint16_t server_port;
    std::string_view peer_address;           // of the connection, without port
    const PeerTrust* trust = nullptr;        // null: nobody is trusted
    const BelievedClient* client = nullptr;  // null: the peer
    const net::TlsTransport* tls = nullptr;  // of the client's connection; null: it is plain
    std::string_view upgrade = {};           // protocols to ask the upstream for; upgrade_for()
};

/// What of the request's Upgrade field is forwarded (RFC 9110 section 7.8): those of its protocols
/// that `allowed` is (a name in lower case, "any" or "none"), where the request may ask for one at
/// all. Empty: no upgrade.
std::string upgrade_for(const Request& request, std::string_view allowed);

/// The request target for the upstream: the path that the rule made, and the query as received.
std::string forwarded_target(const Match& match, const http::PathRules& rules,
                             const http::Target& received, std::string_view text);

/// The serialised HTTP/1.1 head for the upstream.
std::string upstream_head(const Request& request, const Match& match, const RewriteFacts& facts);

/// What the response's field edits and reverse mapping need of the request, kept until then.
struct ResponseRewrite {
    const RouteSettings* settings = nullptr;
    std::string base_url;  // "http://host" as the client sees us, for ProxyPassReverse
    std::string via_name;
    bool takes_trailers = false;  // the client's TE said so
};
ResponseRewrite response_rewrite(const Request& request, const RewriteFacts& facts);

/// The response's fields for the client as serialised lines, without those of framing and
/// connection, which the client's protocol adds itself.
std::string client_fields(const upstream::ReceivedHead& received, const ResponseRewrite& rewrite);

/// Applies Header lines to fields of an answer of our own.
void edit_answer_fields(const RouteSettings& settings, std::string& fields);

}  // namespace headgate::proxy
