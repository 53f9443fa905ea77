// What both sides of TLS's directives have in common. See tls.h and tls_rules.h.
#include "proxy/settings/tls.h"

#include "proxy/settings/tls_rules.h"

namespace headgate::proxy {
namespace tls_rules {

using conf::Call;
using conf::Parsed;
using conf::Word;
using Context = net::TlsContext;

namespace {

/// 0: none that works.
unsigned protocols_of(std::string_view name) {
    if (conf::is_equal_name(name, "all")) return Context::tls_1_2 | Context::tls_1_3;
    if (conf::is_equal_name(name, "TLSv1.2")) return Context::tls_1_2;
    if (conf::is_equal_name(name, "TLSv1.3")) return Context::tls_1_3;
    return 0;
}

bool is_broken_protocol(std::string_view name) {
    for (const std::string_view broken : {"TLSv1", "TLSv1.1", "SSLv3", "SSLv2"}) {
        if (conf::is_equal_name(name, broken)) return true;
    }
    return false;
}

}  // namespace

void set_protocols(conf::Set<unsigned>& protocols, const Call& call) {
    unsigned chosen = 0;
    bool is_first = true;
    for (const Word& word : call.arguments()) {
        std::string_view name = word.text;
        const char sign = name.empty() ? ' ' : name.front();
        const bool has_sign = sign == '+' || sign == '-';
        if (has_sign) name.remove_prefix(1);
        if (is_first && sign == '-') chosen = Context::tls_1_2 | Context::tls_1_3;
        const unsigned meant = protocols_of(name);
        if (meant == 0 && !is_broken_protocol(name)) {
            call.wrong_value(word, "all, TLSv1.2 or TLSv1.3, with + or - in front");
            return;
        }
        if (meant == 0 && sign != '-') {
            call.error(word, std::string(name) + " is refused: it is broken (RFC 8996)",
                       "TLSv1.2 and TLSv1.3 work");
            return;
        }
        if (!has_sign && chosen != 0) {
            call.diagnostics.warning(word.span, "this takes the place of what stands before it",
                                     "write +" + std::string(name) + " to add it");
        }
        chosen = sign == '-' ? chosen & ~meant : has_sign ? chosen | meant : meant;
        is_first = false;
    }
    if (chosen == 0) {
        call.error(call.argument(0), "no protocol is left", "TLSv1.2 and TLSv1.3 work");
        return;
    }
    protocols.write(chosen, call.argument(0).span);
}

void set_ciphers(TlsTerms& terms, const Call& call) {
    const Word& list = call.argument(call.arguments().size() - 1);
    const bool is_1_3 =
        call.has_argument(1) && conf::is_equal_name(call.argument(0).text, "TLSv1.3");
    if (call.has_argument(1) && !is_1_3 && !conf::is_equal_name(call.argument(0).text, "SSL")) {
        call.wrong_value(call.argument(0), "SSL or TLSv1.3, or the list alone");
        return;
    }
    Context trial(Context::Role::client);
    const std::string problem =
        is_1_3 ? trial.set_ciphers_of_1_3(list.text) : trial.set_ciphers(list.text);
    if (!problem.empty()) {
        call.error(list, "\"" + list.text + "\" is no list of ciphers: " + problem,
                   "see openssl ciphers");
        return;
    }
    (is_1_3 ? terms.ciphers_1_3 : terms.ciphers).write(list.text, list.span);
}

void set_crl_check(TlsTerms& terms, const Call& call) {
    using Revocation = Context::Revocation;
    const Word& word = call.argument(0);
    if (conf::is_equal_name(word.text, "none")) {
        terms.crl_check.write(Revocation::none, word.span);
    } else if (conf::is_equal_name(word.text, "leaf")) {
        terms.crl_check.write(Revocation::leaf, word.span);
    } else if (conf::is_equal_name(word.text, "chain")) {
        terms.crl_check.write(Revocation::chain, word.span);
    } else {
        call.wrong_value(word, "none, leaf or chain");
    }
    if (!call.has_argument(1)) return;
    if (conf::is_equal_name(call.argument(1).text, "no_crl_for_cert_ok")) {
        terms.crl_may_miss.write(true, call.argument(1).span);
    } else {
        call.wrong_value(call.argument(1), "no_crl_for_cert_ok, or nothing");
    }
}

Parsed<Context::Verify> verify_choice(std::string_view text) {
    using Verify = Context::Verify;
    constexpr std::pair<std::string_view, Verify> choices[] = {
        {"none", Verify::none},
        {"optional", Verify::optional},
        {"require", Verify::require},
        {"optional_no_ca", Verify::optional_no_ca}};
    for (const auto& [name, verify] : choices) {
        if (conf::is_equal_name(text, name)) return {verify, {}};
    }
    return {std::nullopt, "none, optional, require or optional_no_ca"};
}

}  // namespace tls_rules

std::span<const conf::Row> tls_setting_rows() {
    static const std::vector<conf::Row> all = [] {
        const auto server = tls_server_rows();
        const auto upstream = tls_upstream_rows();
        std::vector<conf::Row> rows(server.begin(), server.end());
        rows.insert(rows.end(), upstream.begin(), upstream.end());
        return rows;
    }();
    return all;
}

}  // namespace headgate::proxy
