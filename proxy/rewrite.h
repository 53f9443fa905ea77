// Rewriting: what is changed in the heads that pass through: the request's target and fields on the
// way to the upstream, the response's fields on the way back (RFC 9110 section 7.6; Apache's
// ProxyPassReverse, ProxyAddHeaders, ProxyVia, RequestHeader, Header).
#pragma once

#include <string>
#include <string_view>

#include "proxy/net/tls_transport.h"
#include "proxy/request.h"
#include "proxy/route.h"
#include "upstream/upstream_side.h"

namespace headgate::proxy {

/// What rewriting wants to know besides the message itself.
struct RewriteFacts {
    const RouteSettings& settings;
    std::string_view server_name;
    std::uint16_t server_port;
    std::string_view client_address;
    const net::TlsTransport* tls = nullptr;  // of the client's connection; null: it is plain
};

/// The serialised HTTP/1.1 head for the upstream.
std::string upstream_head(const Request& request, const Match& match, const RewriteFacts& facts);

/// What the response's field edits and reverse mapping need of the request, kept until then.
struct ResponseRewrite {
    const RouteSettings* settings = nullptr;
    std::string base_url;  // "http://host" as the client sees us, for ProxyPassReverse
    std::string via_name;
};
ResponseRewrite response_rewrite(const Request& request, const RewriteFacts& facts);

/// The response's fields for the client as serialised lines, without those of framing and
/// connection, which the client's protocol adds itself.
std::string client_fields(const upstream::ReceivedHead& received, const ResponseRewrite& rewrite);

/// Applies Header lines to fields of an answer of our own.
void edit_answer_fields(const RouteSettings& settings, std::string& fields);

}  // namespace headgate::proxy
