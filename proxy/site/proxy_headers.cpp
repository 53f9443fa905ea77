// See proxy_headers.h.
#include "proxy/site/proxy_headers.h"

namespace headgate::proxy {
namespace {

constexpr const char* one_answer = "a header comes before any name: they must say the same";

const ProxyHeaderSettings& of(const Site& site) {
    return site.settings.proxy_header;
}

/// Where `other` says something else than `first`, which is on; nowhere when it does not.
conf::Span difference(const ProxyHeaderSettings& first, const ProxyHeaderSettings& other,
                      const ProxyHeaderSettings& main) {
    if (!other.is_on()) {
        const bool is_inherited = other.engine.span() == main.engine.span();
        return other.engine.is_written() && !is_inherited ? other.engine.span() : conf::Span{};
    }
    if (other.peers != first.peers) return other.place();
    if (other.exceptions == first.exceptions) return {};
    return other.exceptions.empty() ? other.place() : other.exceptions_span;
}

void say_difference(const Site& first, const Site& other, conf::Span span,
                    conf::Diagnostics& diagnostics) {
    const std::string place = diagnostics.sources().place(of(first).place());
    diagnostics.error(span,
                      "virtual host " + other.name + " does not say the same of PROXY headers as " +
                          first.name + " of the same address, at " + place,
                      one_answer);
}

/// Whether a header comes shows when the client sends something, which it may not do before the
/// server has: that one would be waiting for the client.
void check_plain_tunnel(const Sites::Candidates& candidates, conf::Diagnostics& diagnostics) {
    const Site& first = *candidates.sites.front();
    const conf::Span optional = candidates.proxy_header->optional_span;
    if (!first.settings.tunnel || candidates.reads_hello || !optional.is_somewhere()) return;
    diagnostics.error(optional,
                      "optional has no way to work in front of TunnelTo without TLS, at " +
                          diagnostics.sources().place(first.settings.tunnel->span),
                      "expected required or refused: the server may be the first to speak");
}

}  // namespace

void check_proxy_headers(const Site& site, const ProxyHeaderSettings& own,
                         conf::Diagnostics& diagnostics) {
    const ProxyHeaderSettings& settings = of(site);
    if (own.engine.is_written() && settings.believes_everyone()) {
        diagnostics.warning(own.engine.span(),
                            "whoever can connect may say that he is another client",
                            "name the proxies in front with RemoteIPProxyProtocolPeers");
    }
    if (!own.peers.empty() && !settings.is_on()) {
        diagnostics.warning(own.peers_span, "no effect: RemoteIPProxyProtocol is Off");
    }
    if (!own.exceptions.empty() && !settings.is_on()) {
        diagnostics.warning(own.exceptions_span, "no effect: RemoteIPProxyProtocol is not On");
    }
}

void agree_on_proxy_headers(Sites::Candidates& candidates, const Site& main,
                            conf::Diagnostics& diagnostics) {
    const Site* first = nullptr;
    for (const Site* site : candidates.sites) {
        if (first == nullptr && of(*site).is_on()) first = site;
    }
    if (first == nullptr) return;
    candidates.proxy_header = &of(*first);
    for (const Site* site : candidates.sites) {
        const conf::Span span = difference(of(*first), of(*site), of(main));
        if (span.is_somewhere()) say_difference(*first, *site, span, diagnostics);
    }
    check_plain_tunnel(candidates, diagnostics);
}

}  // namespace headgate::proxy
