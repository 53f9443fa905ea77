// The rows of the engine's directives. Setters of more than one value are in the files that rules.h
// names; how sections are laid over each other is in merge.cpp.
#include "proxy/settings/settings.h"

#include "proxy/settings/rules.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Parsed;
using conf::Word;

Parsed<std::chrono::milliseconds> positive_duration(std::string_view text) {
    Parsed<std::chrono::milliseconds> parsed = conf::duration_seconds(text);
    if (parsed.value && parsed.value->count() == 0) {
        return {std::nullopt, "a time above 0, such as 60, 5s, 500ms or 2min"};
    }
    return parsed;
}

/// AllowEncodedSlashes
Parsed<http::EncodedSlashes> encoded_slashes_choice(std::string_view text) {
    using http::EncodedSlashes;
    if (conf::is_equal_name(text, "NoDecode")) {
        return {EncodedSlashes::keep, {}};
    }
    const Parsed<bool> parsed = conf::on_off(text);
    if (!parsed.value) {
        return {std::nullopt, "On, Off or NoDecode"};
    }
    return {*parsed.value ? EncodedSlashes::decode : EncodedSlashes::refuse, {}};
}

Parsed<RouteSettings::Via> via_choice(std::string_view text) {
    using Via = RouteSettings::Via;
    constexpr std::pair<std::string_view, Via> choices[] = {
        {"Off", Via::off}, {"On", Via::on}, {"Full", Via::full}, {"Block", Via::block}};
    for (const auto& [name, via] : choices) {
        if (conf::is_equal_name(text, name)) {
            return {via, {}};
        }
    }
    return {std::nullopt, "Off, On, Full or Block"};
}

/// [scheme://]host[:port]
Parsed<std::string> server_name(std::string_view text) {
    const std::size_t scheme = text.find("://");
    const std::string_view host = scheme == text.npos ? text : text.substr(scheme + 3);
    const Parsed<conf::Address> parsed = conf::address(host);
    if (!parsed.value || parsed.value->host == "*") {
        return {std::nullopt, "[scheme://]host[:port]"};
    }
    return {std::string(text), {}};
}

void add_server_aliases(ServerSettings& settings, const Call& call) {
    for (const Word& word : call.arguments()) {
        settings.server_aliases.push_back(word);
    }
}

void add_error_document(RouteSettings& settings, const Call& call) {
    const Word& status = call.argument(0);
    const Word& text = call.argument(1);
    const Parsed<std::int64_t> number = conf::integer_within(status.text, 400, 599);
    if (!number.value) {
        call.wrong_value(status, "a status from 400 to 599");
        return;
    }
    const bool is_address = text.text.starts_with('/') || text.text.find("://") != text.text.npos;
    if (is_address || (!text.quoted && conf::is_equal_name(text.text, "default"))) {
        call.not_yet(text, "ErrorDocument with a path, a URL or \"default\"",
                     "a text in quotes works");
        return;
    }
    settings.error_documents.insert_or_assign(static_cast<int>(*number.value), text.text);
}

void set_accepted(RouteSettings& settings, const Call& call) {
    upstream::Tolerances set;
    for (const Word& word : call.arguments()) {
        const auto tolerance = upstream::tolerance_named(conf::lower(word.text));
        if (tolerance) {
            set.add(*tolerance);
        } else if (!conf::is_equal_name(word.text, "None") || call.arguments().size() > 1) {
            call.wrong_value(word, "None, or names such as bare-lf: see headgate -L ProxyAccept");
            return;
        }
    }
    settings.proxy_accept.write(set, call.directive.name.span);
}

Parsed<RouteSettings::Handler> handler_name(std::string_view text) {
    if (conf::is_equal_name(text, "server-status")) {
        return {RouteSettings::Handler::server_status, {}};
    }
    if (conf::is_equal_name(text, "none")) {
        return {RouteSettings::Handler::none, {}};
    }
    return {std::nullopt, "server-status or none"};
}

Parsed<http::Underscores> underscores_choice(std::string_view text) {
    using http::Underscores;
    constexpr std::pair<std::string_view, Underscores> choices[] = {
        {"Refuse", Underscores::refuse}, {"Drop", Underscores::drop}, {"Keep", Underscores::keep}};
    for (const auto& [name, rule] : choices) {
        if (conf::is_equal_name(text, name)) {
            return {rule, {}};
        }
    }
    return {std::nullopt, "Refuse, Drop or Keep"};
}

Parsed<ServerSettings::Trace> trace_choice(std::string_view text) {
    using Trace = ServerSettings::Trace;
    if (conf::is_equal_name(text, "extended")) {
        return {Trace::extended, {}};
    }
    const Parsed<bool> parsed = conf::on_off(text);
    if (!parsed.value) {
        return {std::nullopt, "off, on or extended"};
    }
    return {*parsed.value ? Trace::on : Trace::off, {}};
}

constexpr unsigned of_server = conf::in_server | conf::in_virtual_host;
constexpr unsigned of_route = of_server | conf::in_location;
constexpr unsigned of_content = of_route | conf::in_proxy;
// Those that also are about connections of which nothing is understood.
constexpr unsigned of_connection = of_server | conf::on_tunnels;
// What holds before a connection has named its virtual host, as in Apache.
constexpr unsigned of_reading = of_server | conf::of_first_host;
constexpr unsigned of_passing_on = of_route | conf::on_tunnels;
// What is so everywhere may be said anywhere.
constexpr unsigned of_all_servers = of_connection;
constexpr unsigned of_all_routes = of_passing_on;
constexpr unsigned any_number = conf::Row::unlimited;
constexpr auto line_limit = conf::integer<64, 1048576>;
constexpr auto head_limit = conf::integer<256, 16777216>;

constexpr conf::Row rows[] = {
    // ---- server and virtual host
    conf::row<&ServerSettings::server_name, server_name>(
        "ServerName", of_connection, "[scheme://]host[:port]", "",
        "The name this server goes by: chooses among virtual hosts."),
    conf::rule<add_server_aliases>(
        "ServerAlias", conf::in_virtual_host | conf::on_tunnels, {1, any_number}, "name [name] ...",
        "", "More names of a virtual host; * and ? stand for any letters, and one."),
    conf::row<&ServerSettings::server_admin, conf::text_value>(
        "ServerAdmin", of_server, "address|URL", "", "Whom error pages name."),
    conf::row<&ServerSettings::timeout, positive_duration>(
        "Timeout", of_connection, "seconds", "60",
        "How long one read from a client or upstream, or one write to it, may take."),
    conf::rule<set_read_timeouts>(
        "RequestReadTimeout", of_reading | conf::on_tunnels, {1, 3},
        "[handshake|header|body]=seconds[[-seconds],MinRate=octets] ...",
        "handshake=0 header=20-40,MinRate=500 body=20,MinRate=500",
        "How long a client may take to send a request, and the octets for which it gets a second "
        "more; 408 beyond. 0: as long as it likes."),
    conf::row<&ServerSettings::keep_alive, conf::on_off>(
        "KeepAlive", of_reading, "On|Off", "On", "Whether client connections are persistent."),
    conf::row<&ServerSettings::keep_alive_timeout, conf::duration_seconds>(
        "KeepAliveTimeout", of_reading, "seconds|number ms", "5",
        "How long a client connection may wait for its next request."),
    conf::row<&ServerSettings::max_keep_alive_requests, conf::integer<0>>(
        "MaxKeepAliveRequests", of_reading, "number", "100",
        "Requests per client connection; 0: no limit."),
    conf::row<&ServerSettings::limit_request_line, line_limit>(
        "LimitRequestLine", of_reading, "bytes", "8190", "Longest request line; 414 beyond."),
    conf::row<&ServerSettings::limit_request_field_size, line_limit>(
        "LimitRequestFieldSize", of_reading, "bytes", "8190",
        "Longest field line of a request; 431 beyond."),
    conf::row<&ServerSettings::limit_request_fields, conf::integer<0, 32767>>(
        "LimitRequestFields", of_reading, "number", "100",
        "Most field lines of a request; 0: no limit; 431 beyond."),
    conf::row<&ServerSettings::limit_request_head, head_limit>(
        "LimitRequestHead", of_reading, "bytes", "65536",
        "Largest request head, all of its lines and their ends together: what a client that has "
        "sent no whole request may cost; 431 beyond, 414 where its first line has no end before. "
        "The limits of a line may not be above it."),
    conf::row<&ServerSettings::encoded_slashes, encoded_slashes_choice>(
        "AllowEncodedSlashes", of_server, "On|Off|NoDecode", "Off",
        "%2F in a path: Off answers 404, On takes it for a slash, NoDecode leaves it as it is. "
        "Virtual hosts do not inherit it."),
    conf::row<&ServerSettings::merge_slashes, conf::on_off>(
        "MergeSlashes", of_server, "On|Off", "On",
        "Whether slashes in a row count as one, for matching and for the upstream."),

    conf::row<&ServerSettings::underscores, underscores_choice>(
        "FieldNameUnderscores", of_server, "Refuse|Drop|Keep", "Refuse",
        "Request fields, of head and trailers, with \"_\" in their name, which many upstreams take "
        "for \"-\"."),
    conf::row<&ServerSettings::trace, trace_choice>(
        "TraceEnable", of_server, "off|on|extended", "off",
        "Whether TRACE is forwarded; extended: with content too. Apache's default is on."),

    conf::rule<set_remote_ip_header>(
        "RemoteIPHeader", of_server,
        {1, 1}, "field", "",
        "The field from which a trusted proxy's word for the client's address is taken."),
    conf::rule<set_remote_ip_proxies_header>(
        "RemoteIPProxiesHeader", of_server, {1, 1}, "field", "",
        "The field that tells the upstream which trusted proxies the request passed."),
    conf::rule<add_internal_proxies>(
        "RemoteIPInternalProxy", of_server, {1, any_number}, "address[/bits] ...", "",
        "Proxies whose X-Forwarded-*, X-Real-IP and Forwarded are kept; from all others these are "
        "replaced or dropped."),
    conf::rule<add_trusted_proxies>("RemoteIPTrustedProxy", of_server, {1, any_number},
                                    "address[/bits] ...", "",
                                    "Like RemoteIPInternalProxy, but their word is not taken for "
                                    "addresses of private networks."),
    conf::rule<add_internal_proxy_list>("RemoteIPInternalProxyList", of_server, {1, 1}, "file", "",
                                        "A file of addresses for RemoteIPInternalProxy."),
    conf::rule<add_trusted_proxy_list>("RemoteIPTrustedProxyList", of_server, {1, 1}, "file", "",
                                       "A file of addresses for RemoteIPTrustedProxy."),
    conf::rule<set_proxy_header>(
        "RemoteIPProxyProtocol",
        of_connection, {1, 1}, "On|Off", "Off",
        "Whether connections begin with a PROXY protocol header (version 1 or 2), which says who "
        "the client is. On: required of every peer that RemoteIPProxyProtocolPeers or "
        "RemoteIPProxyProtocolExceptions do not name. In one virtual host it is on for all of its "
        "address."),
    conf::rule<add_proxy_header_peers>(
        "RemoteIPProxyProtocolPeers", of_connection, {2, any_number},
        "required|optional|refused address[/bits] ...", "",
        "Who must, may or may not send a PROXY protocol header; the first line that holds a peer "
        "decides, and those in none may not. Whoever breaks it is cut off, and logged. The virtual "
        "hosts of an address must agree."),
    conf::rule<add_proxy_header_exceptions>(
        "RemoteIPProxyProtocolExceptions", of_connection, {1, any_number}, "address[/bits] ...", "",
        "Peers that send no PROXY protocol header whatever else is written."),

    conf::row<&ServerSettings::error_log, conf::text_value>(
        "ErrorLog", of_connection, "file", "/dev/stderr",
        "Where errors are logged. headgate explain says what the numbers of its lines mean."),
    conf::rule<set_log_level>("LogLevel", of_connection, {1, any_number},
                              "[module:]level [module:level] ...", "warn",
                              "What is worth a line in the error log: emerg, alert, crit, error, "
                              "warn, notice, info, debug, trace1 to trace8."),
    conf::rule<add_log_format>("LogFormat", of_connection, {1, 2}, "format [nickname]",
                               "\"%h %l %u %t \\\"%r\\\" %>s %b\"",
                               "A format of access logs, of Apache's tokens and of Headgate's: "
                               "%{framing}x, %{held}x, %{parked}x, %{releases}x, %{phases}x, "
                               "%{end}x, %{upstream}x, %{attempts}x. Without a nickname it is that "
                               "of the TransferLogs behind it. common, combined, combinedio and "
                               "vhost_combined are known already."),
    conf::rule<add_custom_log>(
        "CustomLog", of_connection, {2, 3}, "file format|nickname", "",
        "An access log, in a format or in that of a LogFormat's nickname; may be repeated."),
    conf::rule<add_transfer_log>(
        "TransferLog", of_connection, {1, 1}, "file", "",
        "An access log in the format of the LogFormat without a nickname above."),

    // ---- what they are fixed to
    conf::rule<refuse_forward_proxy>("ProxyRequests", of_all_servers, {1, 1}, "Off", "Off",
                                     "Only Off: Headgate is no forward proxy."),
    conf::rule<accept_only<false>>("HostnameLookups", of_all_routes, {1, 1}, "Off", "Off",
                                   "Only Off: client addresses are not looked up."),
    conf::rule<accept_only<false>>("UseCanonicalName", of_all_routes, {1, 1}, "Off", "Off",
                                   "Only Off: the client's Host is used as it came."),
    conf::rule<accept_only<false>>("UseCanonicalPhysicalPort", of_all_routes, {1, 1}, "Off", "Off",
                                   "Only Off: a connection's own port names nothing."),
    conf::rule<accept_only<false>>("ServerSignature", of_all_routes, {1, 1}, "Off", "Off",
                                   "Only Off: answers do not sign themselves."),
    conf::rule<accept_only<false>>("ProxyStatus", of_all_servers, {1, 1}, "Off", "Off",
                                   "Only Off: server-status shows no balancers."),
    conf::rule<accept_only<false>>("ProxyErrorOverride", of_all_routes, {1, 1}, "Off", "Off",
                                   "Only Off: the upstream's error pages reach the client."),
    conf::rule<accept_only<false>>("ProxyPassInterpolateEnv", of_all_routes, {1, 1}, "Off", "Off",
                                   "Only Off: ${NAME} is replaced while the file is read, not "
                                   "for each request."),
    conf::rule<accept_only<true>>("ProxyPassInherit", of_all_servers, {1, 1}, "On", "On",
                                  "Only On: virtual hosts have the server's ProxyPass rules too."),
    conf::rule<add_protocols>(
        "Protocols", of_connection, {1, any_number}, "protocol ...", "http/1.1",
        "Protocols of client connections: http/1.1 (and http/1.0 by ALPN). In a virtual host with "
        "TunnelTo those that a "
        "TLS handshake may agree on, by any name (ALPN): a client that asks for others only is "
        "refused, and a tls:// upstream is asked for the one agreed on, or for all of them where "
        "clients speak no TLS. Not written there: none is agreed on, whatever clients ask for."),
    conf::row<&ServerSettings::own_protocol_order, conf::on_off>(
        "ProtocolsHonorOrder", of_connection, "On|Off", "On",
        "Whether our order of Protocols decides, or the client's."),
    conf::rule<check_protocol_options>("HttpProtocolOptions", of_all_servers, {1, 3},
                                       "Strict [LenientMethods]", "Strict LenientMethods",
                                       "How strictly requests are read: always strictly."),

    // ---- routes
    conf::row<&RouteSettings::handler, handler_name>(
        "SetHandler", of_route, "server-status|none", "none",
        "Who answers here instead of an upstream: server-status shows what Headgate is doing."),
    conf::row<&RouteSettings::limit_request_body, conf::size_bytes>(
        "LimitRequestBody", of_content, "bytes", "1073741824",
        "Largest request content; 0: no limit; 413 beyond."),
    conf::rule<add_error_document>("ErrorDocument", of_content, {2, 2}, "status \"text\"", "",
                                   "The content of our own answers with that status."),
    conf::rule<add_proxy_pass>(
        "ProxyPass", of_route,
        {1, any_number}, "[/path] !|http://host[:port][/path] [name=value ...]", "",
        "Sends requests below a path to an upstream (http, https, ws, wss, or "
        "unix:/path|http://name); \"!\" to none. The first that matches "
        "wins. Parameters: connectiontimeout, timeout (of silence), ttl (of idle "
        "connections), enablereuse, disablereuse, keepalive (TCP's), "
        "responsefieldsize, upgrade (a protocol, ANY or NONE), proxyprotocol "
        "(v1, or v2 with facts); nocanon passes the path on as it came."),
    conf::rule<set_proxy_parameters>(
        "ProxySet", conf::in_proxy, {1, any_number}, "name=value ...", "",
        "Parameters of ProxyPass for every rule whose target the URL of this <Proxy> covers; what "
        "a rule says itself goes over it, and the longest such URL over the others."),
    conf::rule<set_tunnel_to>(
        "TunnelTo", conf::in_virtual_host | conf::on_tunnels, {1, any_number},
        "tcp://host:port|tls://host:port|unix:/path [name=value ...]", "",
        "Passes the connections of this virtual host on as they are, whatever they speak. With "
        "SSLEngine On what comes out of TLS is passed on; tls:// speaks TLS to the other end, by "
        "SSLProxyEngine and its neighbours. Without SSLEngine, beside virtual hosts that have it "
        "on the same address, connections that ask for this one's names pass unread, still in "
        "their TLS. Parameters: connectiontimeout, timeout (of silence), keepalive, "
        "proxyprotocol."),
    conf::rule<add_proxy_pass_match>("ProxyPassMatch", of_route, {1, any_number},
                                     "[pattern] !|http://host[:port][/path] [name=value ...]", "",
                                     "ProxyPass for paths that match a pattern; $1 to $9 stand for "
                                     "its groups in the target's path."),
    conf::rule<add_proxy_pass_reverse>(
        "ProxyPassReverse", of_route, {1, 3}, "[/path] URL", "",
        "Rewrites the upstream's URL in fields of its responses (Location, Content-Location, URI) "
        "to our path."),
    conf::row<&RouteSettings::enable_splice, conf::on_off>(
        "EnableSplice", of_content | conf::on_tunnels, "On|Off", "On",
        "Whether large content between plain connections is moved inside the kernel, by splice(2), "
        "or copied; tunnels too."),
    conf::row<&RouteSettings::proxy_preserve_host, conf::on_off>(
        "ProxyPreserveHost", of_content, "On|Off", "Off",
        "Whether the upstream sees the client's Host, or its own."),
    conf::row<&RouteSettings::proxy_timeout, positive_duration>(
        "ProxyTimeout", of_passing_on, "seconds", "Timeout", "How long an upstream may be silent."),
    conf::rule<set_accepted>(
        "ProxyAccept", of_content, {1, any_number},
        "None|bare-lf|bare-lf-chunks|space-before-colon|identity-coding|http10-keep-alive ...",
        "None",
        "What is forgiven of an old upstream's HTTP: lines, or those of chunks, that end without "
        "CR; blanks before a field's colon; Transfer-Encoding: identity; persistent connections of "
        "HTTP/1.0. Each use is counted in the status."),
    conf::row<&RouteSettings::proxy_100_continue, conf::on_off>(
        "Proxy100Continue", of_content, "On|Off", "On",
        "On: Expect: 100-continue is the upstream's to answer; Off: we answer it at once."),
    conf::row<&RouteSettings::tunnel_timeout, positive_duration>(
        "ProxyAsyncIdleTimeout", of_passing_on, "seconds", "ProxyTimeout",
        "How long a tunnel (WebSocket and other upgrades) may be silent both ways."),
    conf::row<&RouteSettings::tunnel_timeout, positive_duration>(
        "ProxyWebsocketIdleTimeout", of_passing_on, "seconds", "ProxyTimeout",
        "ProxyAsyncIdleTimeout by its name in mod_proxy_wstunnel."),
    conf::row<&RouteSettings::tunnel_drain_timeout, conf::duration_seconds>(
        "ProxyTunnelDrainTimeout", of_passing_on, "seconds", "300",
        "How long a tunnel may go on after a reload or an order to end; 0: no limit."),
    conf::row<&RouteSettings::proxy_add_headers, conf::on_off>(
        "ProxyAddHeaders", of_content, "On|Off", "On",
        "Whether the upstream is told about the client, in the fields of ProxyForwardedFields."),
    conf::rule<set_forwarded_fields>(
        "ProxyForwardedFields", of_content, {1, 7}, "field ...",
        "X-Forwarded-For X-Forwarded-Host X-Forwarded-Server X-Forwarded-Proto",
        "Which fields tell the upstream about the client; X-Forwarded-Port, X-Real-IP and "
        "Forwarded "
        "(RFC 7239) are there too."),
    conf::row<&RouteSettings::proxy_via, via_choice>(
        "ProxyVia", of_route, "Off|On|Full|Block", "Off",
        "What happens to the Via field: Off leaves it, On adds us to it, Full with our "
        "version, Block removes it."),
    conf::rule<add_request_header>(
        "RequestHeader", of_content, {1, any_number},
        "set|add|append|merge|setifempty|unset name [value]", "",
        "Edits a field of the request before it goes upstream; Host can only be set."),
    conf::rule<add_header>("Header", of_content, {1, any_number},
                           "[always] set|add|append|merge|setifempty|unset name [value]", "",
                           "Edits a field of the response before it goes to the client."),
};

}  // namespace

std::span<const conf::Row> setting_rows() {
    return rows;
}

}  // namespace headgate::proxy
