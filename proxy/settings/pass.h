// What ProxyPass, ProxyPassMatch and ProxyPassReverse say: which requests go where, and how the
// connections to there are made.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "conf/pattern.h"
#include "conf/settings.h"
#include "conf/source.h"
#include "proxy/settings/proxy_header_sending.h"

namespace headgate::proxy {

/// Where a rule sends requests. The text of a ProxyPassMatch target may hold $1 to $9 in its path,
/// never in scheme, host or port.
struct Target {
    std::string scheme;       ///< "http" or "https"; the others are refused until they work
    std::string host;         ///< name or literal, IPv6 without brackets
    std::uint16_t port = 80;  ///< that of the scheme when not written
    std::string path;         ///< as written: "", or from "/"; of a pattern also from "$"
    std::string unix_path;    ///< of unix:/path|http://host/, or empty
    bool is_ipv6 = false;

    bool is_tls() const { return scheme == "https"; }
    std::uint16_t usual_port() const { return is_tls() ? 443 : 80; }

    /// "host" or "host:port", in brackets for IPv6: the authority of requests without
    /// ProxyPreserveHost. The default port is left out.
    std::string authority() const;
    /// What connections are shared by: "unix:/path" or "host:port"; https:// in front under TLS.
    std::string endpoint() const;
};

/// key=value parameters of a rule, those with an effect. Times are unset to mean "as the timeouts
/// of the server say".
struct PassParameters {
    conf::Set<std::chrono::milliseconds> connection_timeout;  ///< connectiontimeout: to connect
    conf::Set<std::chrono::milliseconds> timeout;             ///< of one read or write
    conf::Set<std::chrono::milliseconds> time_to_live;        ///< ttl: idle in the pool
    conf::Set<bool> reuse{true};                              ///< enablereuse, disablereuse
    conf::Set<bool> tcp_keep_alive{false};                    ///< keepalive: SO_KEEPALIVE
    conf::Set<int> field_limit{8192};      ///< responsefieldsize: bytes of one field line
    conf::Set<bool> flush_packets{false};  ///< flushpackets: accepted; we always do
    /// upgrade: the protocol that the upstream may switch to, in lower case; "any", or "none".
    conf::Set<std::string> upgrade{std::string("websocket")};
    conf::Set<ProxyHeaderSending> proxy_header;  ///< proxyprotocol: in front of each connection
    bool keeps_path = false;                     ///< nocanon: the path goes on as it was received

    /// Lays what is written over this; keeps_path is a rule's own, and stays.
    void merge_from(const PassParameters& over);
};

/// One ProxyPass or ProxyPassMatch.
struct PassRule {
    conf::Span span;                       ///< of the directive's name
    std::string prefix;                    ///< of the URL path; empty where `pattern` is set
    std::optional<conf::Pattern> pattern;  ///< ProxyPassMatch
    bool exclude = false;                  ///< "!": requests that match are not proxied; no target
    Target target;
    PassParameters parameters;
};

/// One ProxyPassReverse: in Location, Content-Location and URI, a value that begins with `url` is
/// rewritten to begin with `path`.
struct ReverseRule {
    conf::Span span;
    std::string path;  ///< ours
    std::string url;   ///< the upstream's
};

}  // namespace headgate::proxy
