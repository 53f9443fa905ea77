// What the directives of TLS towards clients (tls_server.cpp) and towards upstreams
// (tls_upstream.cpp) have in common: setters of members that both sides have, and tables' rows. For
// these files and tls.cpp only.
#pragma once

#include "conf/directive.h"
#include "proxy/settings/tls.h"

namespace headgate::proxy::tls_rules {

/// Beside TunnelTo too, where the side that a row is about speaks TLS.
inline constexpr unsigned of_server = conf::in_server | conf::in_virtual_host | conf::on_tunnels;

/// all, TLSv1.2, +TLSv1.3, -TLSv1: from left to right. Older versions can only be taken away.
void set_protocols(conf::Set<unsigned>& protocols, const conf::Call& call);
/// [SSL|TLSv1.3] list: tried on the spot, so that a mistake is shown where it is.
void set_ciphers(TlsTerms& terms, const conf::Call& call);
/// none|leaf|chain [no_crl_for_cert_ok]
void set_crl_check(TlsTerms& terms, const conf::Call& call);

conf::Parsed<net::TlsContext::Verify> verify_choice(std::string_view text);

/// These setters for one side.
template <class Owner>
void set_protocols_of(Owner& settings, const conf::Call& call) {
    set_protocols(settings.protocols, call);
}
template <class Owner>
void set_ciphers_of(Owner& settings, const conf::Call& call) {
    set_ciphers(settings, call);
}
template <class Owner>
void set_crl_check_of(Owner& settings, const conf::Call& call) {
    set_crl_check(settings, call);
}

/// Writes a member that both sides have, of one of them.
template <class Owner, auto member, auto parser>
void set(Owner& settings, const conf::Call& call) {
    const conf::Word& word = call.argument(0);
    auto parsed = parser(word.text);
    if (!parsed.value) {
        call.wrong_value(word, parsed.expected);
        return;
    }
    (settings.*member).write(std::move(*parsed.value), word.span);
}

}  // namespace headgate::proxy::tls_rules
