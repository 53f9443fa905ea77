// The settings of the engine and their directives: per server or virtual host (ServerSettings), and
// per place a request may be routed to (RouteSettings).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "conf/directive.h"
#include "conf/settings.h"
#include "conf/value.h"
#include "proxy/http/forwarding.h"
#include "proxy/http/request_hygiene.h"
#include "proxy/http/target.h"
#include "proxy/settings/fields.h"
#include "proxy/settings/pass.h"
#include "proxy/settings/peers.h"
#include "proxy/settings/proxy_header.h"
#include "proxy/settings/read_limit.h"
#include "proxy/settings/tunnel.h"
#include "upstream/tolerance.h"

namespace headgate::proxy {

/// Apache's levels, the most urgent first.
enum class LogLevel {
    emerg,
    alert,
    crit,
    error,
    warn,
    notice,
    info,
    debug,
    trace1,
    trace2,
    trace3,
    trace4,
    trace5,
    trace6,
    trace7,
    trace8,
};

struct LogLevels {
    LogLevel level = LogLevel::warn;
    bool has_level = false;  ///< whether the level of everything was written, not of modules alone
    std::vector<std::pair<std::string, LogLevel>> modules;  ///< last one wins; lower case
};

/// One CustomLog or TransferLog.
struct AccessLog {
    std::string target;  ///< a path from server_root, or "|program"
    std::string format;  ///< a nickname of LogFormat, the format itself, or empty for TransferLog
    conf::Span span;
};

/// Server and virtual host context.
struct ServerSettings {
    conf::Set<std::string> server_name{std::string()};  ///< [scheme://]host[:port] as written
    std::vector<conf::Word> server_aliases;             ///< not inherited by virtual hosts
    conf::Set<std::string> server_admin{std::string()};

    conf::Set<std::chrono::milliseconds> timeout{std::chrono::seconds(60)};
    // RequestReadTimeout
    conf::Set<ReadLimit> handshake_limit{ReadLimit{}};
    conf::Set<ReadLimit> head_limit{
        ReadLimit{std::chrono::seconds(20), std::chrono::seconds(40), 500}};
    conf::Set<ReadLimit> content_limit{
        ReadLimit{std::chrono::seconds(20), std::chrono::seconds(0), 500}};
    conf::Set<bool> keep_alive{true};
    conf::Set<std::chrono::milliseconds> keep_alive_timeout{std::chrono::seconds(5)};
    conf::Set<int> max_keep_alive_requests{100};    ///< 0: no limit
    conf::Set<int> limit_request_line{8190};        ///< bytes
    conf::Set<int> limit_request_field_size{8190};  ///< bytes of one field line
    conf::Set<int> limit_request_fields{100};       ///< 0: no limit
    conf::Set<int> limit_request_head{64 * 1024};   ///< bytes of a whole request head
    conf::Set<http::EncodedSlashes> encoded_slashes{
        http::EncodedSlashes::refuse};  ///< AllowEncodedSlashes; not inherited, as in Apache
    conf::Set<http::Underscores> underscores{http::Underscores::refuse};
    enum class Trace { off, on, extended };
    conf::Set<Trace> trace{Trace::off};
    PeerSettings peers;
    ProxyHeaderSettings proxy_header;
    std::optional<TunnelRule> tunnel;          ///< TunnelTo; not inherited
    std::vector<conf::Word> protocols;         ///< Protocols, of a virtual host; not inherited
    conf::Set<bool> own_protocol_order{true};  ///< ProtocolsHonorOrder
    conf::Set<bool> merge_slashes{true};       ///< MergeSlashes

    conf::Set<std::string> error_log{std::string("/dev/stderr")};  ///< path, or "|program"
    conf::Set<LogLevels> log_level{LogLevels{}};
    std::map<std::string, std::string> log_formats;  ///< nickname to format
    conf::Set<std::string> transfer_format{std::string("%h %l %u %t \"%r\" %>s %b")};
    std::vector<AccessLog> access_logs;  ///< a virtual host's own replace the server's

    /// The format of one of its logs: the nickname's, or the text itself.
    const std::string& format_of(const AccessLog& log) const;

    http::PathRules path_rules() const { return {*encoded_slashes, *merge_slashes}; }

    void merge_from(const ServerSettings& over);
};

/// Server, virtual host and location context. Merged lists have the inner section's rules first for
/// ProxyPass and ProxyPassReverse (first match wins), last for field edits (done in order).
struct RouteSettings {
    conf::Set<std::uint64_t> limit_request_body{std::uint64_t{1} << 30};  ///< bytes; 0: no limit
    std::map<int, std::string> error_documents;                           ///< status to text

    enum class Handler { none, server_status };
    conf::Set<bool> requires_tls{false};  ///< SSLRequireSSL
    /// SSLVerifyClient of a Location: the certificate is asked for at the handshake, demanded here.
    enum class ClientProof { none, optional, require };
    conf::Set<ClientProof> client_proof{ClientProof::none};
    conf::Set<std::string> user_variable{std::string()};  ///< SSLUserName
    conf::Set<Handler> handler{Handler::none};  ///< SetHandler: who answers instead of an upstream

    std::vector<PassRule> passes;
    std::vector<ReverseRule> reverses;
    conf::Set<bool> enable_splice{true};
    conf::Set<bool> proxy_preserve_host{false};
    conf::Set<std::chrono::milliseconds> proxy_timeout;  ///< not written: Timeout
    conf::Set<std::chrono::milliseconds>
        tunnel_timeout;                            ///< idle tunnel; not written: ProxyTimeout
    conf::Set<upstream::Tolerances> proxy_accept;  ///< what the upstream is forgiven
    conf::Set<bool> proxy_100_continue{true};      ///< false: 100 is answered by us
    /// How long a tunnel may go on in a process that drains; 0: no limit.
    conf::Set<std::chrono::milliseconds> tunnel_drain_timeout{std::chrono::seconds(300)};
    conf::Set<bool> proxy_add_headers{true};  ///< whether forwarded_fields are sent
    conf::Set<http::FieldSet> forwarded_fields{default_forwarded_fields};
    enum class Via { off, on, full, block };
    conf::Set<Via> proxy_via{Via::off};

    std::vector<FieldEdit> request_fields;
    std::vector<FieldEdit> response_fields;

    void merge_from(const RouteSettings& over);
};

/// The rows of all directives above.
std::span<const conf::Row> setting_rows();

}  // namespace headgate::proxy
