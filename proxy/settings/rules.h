// Setters of the directives that are more than one value; the table in settings.cpp names them. For
// the files of this folder only.
#pragma once

#include "conf/directive.h"
#include "proxy/settings/settings.h"

namespace headgate::proxy {

// pass.cpp
void add_proxy_pass(RouteSettings& settings, const conf::Call& call);
void add_proxy_pass_match(RouteSettings& settings, const conf::Call& call);
void add_proxy_pass_reverse(RouteSettings& settings, const conf::Call& call);

/// key=value parameters of a rule, from parameters.cpp.
void read_pass_parameter(PassParameters& parameters, const conf::Word& word,
                         const conf::Call& call);

/// ProxySet: parameters for the rules that lead where its <Proxy> says. From parameters.cpp too.
void set_proxy_parameters(PassParameters& parameters, const conf::Call& call);

/// The target of a rule; nothing when it is wrong, which is then reported. From target.cpp.
std::optional<Target> read_target(const conf::Word& word, const conf::Call& call);

// fields.cpp
void add_header(RouteSettings& settings, const conf::Call& call);
void add_request_header(RouteSettings& settings, const conf::Call& call);

// logs.cpp
void set_log_level(ServerSettings& settings, const conf::Call& call);
void add_log_format(ServerSettings& settings, const conf::Call& call);
void add_custom_log(ServerSettings& settings, const conf::Call& call);
void add_transfer_log(ServerSettings& settings, const conf::Call& call);

// peers.cpp
void add_internal_proxies(ServerSettings& settings, const conf::Call& call);
void add_trusted_proxies(ServerSettings& settings, const conf::Call& call);
void add_internal_proxy_list(ServerSettings& settings, const conf::Call& call);
void add_trusted_proxy_list(ServerSettings& settings, const conf::Call& call);
void set_remote_ip_header(ServerSettings& settings, const conf::Call& call);
void set_remote_ip_proxies_header(ServerSettings& settings, const conf::Call& call);

// fixed.cpp
void refuse_forward_proxy(ServerSettings& settings, const conf::Call& call);
template <bool ours>
void accept_only(RouteSettings& settings, const conf::Call& call);
void check_protocol_options(ServerSettings& settings, const conf::Call& call);

// protocols.cpp
void add_protocols(ServerSettings& settings, const conf::Call& call);

// tunnel.cpp
void set_tunnel_to(ServerSettings& settings, const conf::Call& call);

// proxy_header.cpp
void set_proxy_header(ServerSettings& settings, const conf::Call& call);
void add_proxy_header_peers(ServerSettings& settings, const conf::Call& call);
void add_proxy_header_exceptions(ServerSettings& settings, const conf::Call& call);

void set_read_timeouts(ServerSettings& settings, const conf::Call& call);  // read_timeout.cpp
void set_forwarded_fields(RouteSettings& settings, const conf::Call& call);

}  // namespace headgate::proxy
