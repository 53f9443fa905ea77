// See tunnel_check.h.
#include "proxy/site/tunnel_check.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

/// Why a directive has no effect in a tunnel, and what to do.
struct Reason {
    const char* why = nullptr;  // null: it has one
    const char* hint = "";
};

bool is_of(std::span<const conf::Row> table, const conf::Row& row) {
    return conf::find_row({table}, row.name) != nullptr;
}

/// The one rule: its row says that it is about connections too, and the side that it is about
/// speaks TLS. Whether a side does is what the engines say, so that Off is no contradiction.
Reason reason_against(const Site& site, const conf::Row& row) {
    if ((row.contexts & conf::on_tunnels) == 0) {
        return {"beside TunnelTo", "requests are not looked at"};
    }
    const bool connects_tls = site.settings.tunnel->is_tls;
    if (row.name == "SSLEngine") return {};
    if (row.name == "SSLProxyEngine" && !*site.tls->upstreams.front()->settings.engine) return {};
    if (is_of(tls_server_rows(), row) && !site.serves_tls()) {
        return {"without SSLEngine On", "connections are passed on without TLS of our own"};
    }
    if (is_of(tls_upstream_rows(), row) && !connects_tls) {
        return {"without a tls:// target", "TunnelTo tls:// speaks TLS to the other end"};
    }
    if (row.name.starts_with("Protocols") && !connects_tls && !site.serves_tls()) {
        return {"without TLS on either side", "protocols are agreed on in its handshake (ALPN)"};
    }
    return {};
}

bool demands(const RouteSettings& settings) {
    return *settings.requires_tls || *settings.client_proof != RouteSettings::ClientProof::none;
}

}  // namespace

void check_tunnel(const Site& site, const conf::Scope& scope, conf::Diagnostics& diagnostics) {
    if (!site.settings.tunnel || site.tls == nullptr) return;
    for (const conf::Scope::Written& written : scope.written) {
        const Reason reason = reason_against(site, *written.row);
        if (reason.why == nullptr) continue;
        diagnostics.error(written.span,
                          std::string(written.row->name) + " has no effect " + reason.why,
                          reason.hint, "headgate -L TunnelTo");
    }
    for (const conf::Scope& section : scope.children) {
        diagnostics.error(section.span, "a section has no effect beside TunnelTo",
                          "requests are not looked at", "headgate -L TunnelTo");
    }
}

void check_limits_of_tunnel(const ServerSettings& own, const FirstReadings& first,
                            conf::Diagnostics& diagnostics) {
    const auto refuse = [&](const conf::Set<ReadLimit>& limit, const char* why, const char* hint) {
        if (!limit.is_written()) return;
        diagnostics.error(limit.span(), std::string("no effect ") + why, hint,
                          "headgate -L TunnelTo");
    };
    if (!first.hello && !first.proxy_header) {
        refuse(own.handshake_limit, "without a handshake in front of the tunnel",
               "it is about TLS (SSLEngine On, or a choice by name) and the PROXY protocol");
    }
    if (!first.proxy_header) {
        refuse(own.head_limit, "beside TunnelTo", "requests are not looked at");
    }
    refuse(own.content_limit, "beside TunnelTo", "requests are not looked at");
}

void check_demands_around_tunnels(const Sites& sites, const conf::Scope& root,
                                  conf::Diagnostics& diagnostics) {
    const auto& all = sites.all();
    const auto tunnel = std::find_if(
        all.begin(), all.end(), [](const auto& site) { return site->settings.tunnel.has_value(); });
    if (tunnel == all.end()) return;
    for (const conf::Scope& section : root.children) {
        if (!demands(section.settings.get<RouteSettings>())) continue;
        diagnostics.warning(section.span,
                            "what this section demands is not demanded where TunnelTo passes "
                            "connections on: no effect on virtual host " +
                                (*tunnel)->name,
                            "to say so, move it to the virtual hosts that have requests");
    }
}

}  // namespace headgate::proxy
