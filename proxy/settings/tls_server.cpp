// The rows of TLS's directives towards clients (SSL...), and their setters. See tls.h.
#include "proxy/settings/settings.h"
#include "proxy/settings/tls_fact_check.h"
#include "proxy/settings/tls_rules.h"

namespace headgate::proxy::tls_rules {
namespace {

using conf::Call;
using conf::Parsed;
using conf::Word;
using Context = net::TlsContext;

Parsed<TlsServerSettings::SniPolicy> sni_policy(std::string_view text) {
    using Policy = TlsServerSettings::SniPolicy;
    constexpr std::pair<std::string_view, Policy> choices[] = {{"strict", Policy::strict},
                                                               {"secure", Policy::secure},
                                                               {"authonly", Policy::authonly},
                                                               {"insecure", Policy::insecure}};
    for (const auto& [name, policy] : choices) {
        if (conf::is_equal_name(text, name)) return {policy, {}};
    }
    return {std::nullopt, "strict, secure, authonly or insecure"};
}

void set_engine(TlsServerSettings& settings, const Call& call) {
    const Word& word = call.argument(0);
    if (conf::is_equal_name(word.text, "optional")) {
        call.not_yet(word, "SSLEngine optional (RFC 2817)", "On or Off");
        return;
    }
    set<TlsServerSettings, &TlsServerSettings::engine, conf::on_off>(settings, call);
}

void add_certificate(TlsServerSettings& settings, const Call& call) {
    settings.certificates.push_back(call.argument(0));
}

void add_key(TlsServerSettings& settings, const Call& call) {
    settings.keys.push_back(call.argument(0));
}

void add_command(TlsServerSettings& settings, const Call& call) {
    settings.commands.emplace_back(call.argument(0), call.argument(1));
}

/// Directives that are Off for good.
void only_off(TlsServerSettings&, const Call& call) {
    const Word& word = call.argument(0);
    const Parsed<bool> parsed = conf::on_off(word.text);
    if (!parsed.value) {
        call.wrong_value(word, parsed.expected);
    } else if (*parsed.value) {
        call.error(word, std::string(call.row.name) + " On is refused", "Off works");
    }
}

/// none, or shmcb[:path][(octets)], within Apache's limits; no file is made at the path.
void set_session_cache(TlsServerSettings& settings, const Call& call) {
    constexpr std::int64_t least = 8192, most = 64 << 20, usual = 512 << 10;
    const Word& word = call.argument(0);
    const std::string_view text = word.text;
    const std::string_view kind = text.substr(0, text.find_first_of(":("));
    if (conf::is_equal_name(kind, "none") || conf::is_equal_name(kind, "nonenotnull")) {
        settings.session_cache.write(0, word.span);
        return;
    }
    for (const std::string_view other : {"dbm", "dc", "memcache", "redis"}) {
        if (!conf::is_equal_name(kind, other)) continue;
        call.not_yet(word, "SSLSessionCache " + std::string(kind), "shmcb:path(size) works");
        return;
    }
    const bool is_shared_memory = conf::is_equal_name(kind, "shmcb") ||
                                  conf::is_equal_name(kind, "shmht") ||
                                  conf::is_equal_name(kind, "shm");
    const std::size_t open = text.rfind('(');
    std::optional<std::int64_t> octets = usual;
    if (open != text.npos) {
        const bool is_closed = text.back() == ')';
        octets = conf::integer_within(
                     is_closed ? text.substr(open + 1, text.size() - open - 2) : "", least, most)
                     .value;
    }
    if (!is_shared_memory || !octets) {
        call.wrong_value(word, "none, or shmcb:path(size) with 8192 to 67108864 octets");
        return;
    }
    settings.session_cache.write(static_cast<std::uint64_t>(*octets), word.span);
}

void check_options(RouteSettings&, const Call& call) {
    for (const Word& word : call.arguments()) {
        std::string_view name = word.text;
        const bool is_minus = name.starts_with('-');
        if (is_minus || name.starts_with('+')) name.remove_prefix(1);
        bool is_known = false;
        // The facts are there for fields and logs anyway; StrictRequire is how it always is.
        for (const std::string_view known : {"StdEnvVars", "ExportCertData", "StrictRequire"})
            is_known = is_known || conf::is_equal_name(name, known);
        if (is_known && is_minus) {
            call.diagnostics.warning(word.span,
                                     "no effect: " + std::string(name) + " is always on");
        }
        if (is_known) continue;
        for (const std::string_view later :
             {"FakeBasicAuth", "OptRenegotiate", "LegacyDNStringFormat", "ExportBothCertData"})
            is_known = is_known || conf::is_equal_name(name, later);
        if (!is_known) {
            call.wrong_value(word, "StdEnvVars, ExportCertData or StrictRequire");
        } else if (!is_minus) {
            call.not_yet(word, "SSLOptions " + std::string(name));
        }
    }
}

void set_passphrase_program(TlsServerSettings& settings, const Call& call) {
    const Word& word = call.argument(0);
    if (conf::is_equal_name(word.text, "builtin")) return;
    if (word.text.starts_with("exec:/")) {
        settings.passphrase_program.write(word.text.substr(5), word.span);
    } else {
        call.wrong_value(word, "builtin, or exec:/path/of/program");
    }
}

void require_tls(RouteSettings& settings, const Call& call) {
    settings.requires_tls.write(true, call.directive.name.span);
}

/// %u in logs.
void set_user_name(RouteSettings& settings, const Call& call) {
    const Word& word = call.argument(0);
    if (const auto problem = problem_of_tls_fact(word.text)) {
        call.error(word, problem->text, problem->hint);
    } else {
        settings.user_variable.write(word.text, word.span);
    }
}

/// In a Location it is about requests: their connection was asked for a certificate when it began,
/// for nobody is asked again later.
void set_verify_client(TlsServerSettings& settings, const Call& call) {
    using Proof = RouteSettings::ClientProof;
    using Verify = Context::Verify;
    const Word& word = call.argument(0);
    const Parsed<Verify> parsed = verify_choice(word.text);
    const bool is_in_server = call.scope.kind == conf::Scope::Kind::server ||
                              call.scope.kind == conf::Scope::Kind::virtual_host;
    if (!parsed.value) {
        call.wrong_value(word, parsed.expected);
    } else if (is_in_server) {
        settings.verify.write(*parsed.value, word.span);
    } else if (*parsed.value == Verify::optional_no_ca) {
        call.error(word, "optional_no_ca is a matter of the handshake, not of a Location",
                   "write it for the virtual host");
    } else {
        call.scope.settings.edit<RouteSettings>().client_proof.write(
            *parsed.value == Verify::require    ? Proof::require
            : *parsed.value == Verify::optional ? Proof::optional
                                                : Proof::none,
            word.span);
    }
}

void add_staple_file(TlsServerSettings& settings, const Call& call) {
    settings.staple_files.push_back(call.argument(0));
}

constexpr unsigned of_route = of_server | conf::in_location;
constexpr unsigned of_requests = conf::in_server | conf::in_virtual_host;
using Server = TlsServerSettings;

/// A row whose member is of one side though both have it.
template <auto member, auto parser>
constexpr conf::Row side(std::string_view name, std::string_view syntax, std::string_view otherwise,
                         std::string_view help) {
    return conf::rule<set<Server, member, parser>>(name, of_server, {1, 1}, syntax, otherwise,
                                                   help);
}

constexpr conf::Row rows[] = {
    conf::rule<set_engine>("SSLEngine", of_server, {1, 1}, "On|Off", "Off",
                           "Whether connections to this virtual host speak TLS."),
    conf::rule<set_protocols_of<Server>>(
        "SSLProtocol", of_server, {1, 8}, "[+|-]protocol ...", "all",
        "Versions that clients may speak: TLSv1.2 and TLSv1.3, or one of them."),
    conf::rule<set_ciphers_of<Server>>(
        "SSLCipherSuite", of_server, {1, 2}, "[SSL|TLSv1.3] list", "ECDHE+AESGCM:ECDHE+CHACHA20",
        "Ciphers of TLSv1.2 in OpenSSL's words, or of TLSv1.3; may be written for both."),
    side<&Server::honor_order, conf::on_off>(
        "SSLHonorCipherOrder", "On|Off", "On",
        "Whether our order of ciphers decides, or the client's."),
    conf::rule<add_certificate>("SSLCertificateFile", of_server, {1, 1}, "file", "",
                                "The certificate with its chain, PEM; once for each type of key."),
    conf::rule<add_key>("SSLCertificateKeyFile", of_server, {1, 1}, "file", "",
                        "The key of the SSLCertificateFile at the same place among them."),
    side<&Server::chain, conf::text_value>(
        "SSLCertificateChainFile", "file", "",
        "More of the chain, for every SSLCertificateFile; that may hold it all."),
    side<&Server::tickets, conf::on_off>("SSLSessionTickets", "On|Off", "On",
                                         "Whether sessions can be resumed, by tickets."),
    side<&Server::ticket_key, conf::text_value>(
        "SSLSessionTicketKeyFile", "file", "",
        "48 octets (or 80: AES-256) that seal tickets, for several machines. The two that reloads "
        "have replaced last still open them."),
    conf::rule<set_session_cache>("SSLSessionCache", conf::in_server, {1, 1},
                                  "none|shmcb:path(size)", "none",
                                  "Memory shared by all processes for sessions of clients without "
                                  "tickets; no file is made."),
    side<&Server::session_seconds, conf::integer<1, 604800>>(
        "SSLSessionCacheTimeout", "seconds", "300", "How long a session may be resumed."),
    conf::rule<set_verify_client>(
        "SSLVerifyClient", of_route, {1, 1}, "none|optional|require|optional_no_ca", "none",
        "Whether clients must show a certificate. Of a Location: asked for by the virtual host at "
        "the handshake, refused (403) there without."),
    side<&Server::verify_depth, conf::integer<0, 100>>("SSLVerifyDepth", "number", "1",
                                                       "Longest chain of a client's certificate."),
    side<&Server::ca_file, conf::text_value>("SSLCACertificateFile", "file", "",
                                             "Authorities of clients, PEM."),
    side<&Server::ca_path, conf::text_value>("SSLCACertificatePath", "folder", "",
                                             "A folder of files for SSLCACertificateFile."),
    side<&Server::announced_file, conf::text_value>(
        "SSLCADNRequestFile", "file", "",
        "Authorities whose names clients are told instead of those of SSLCACertificateFile."),
    side<&Server::announced_path, conf::text_value>("SSLCADNRequestPath", "folder", "",
                                                    "A folder of files for SSLCADNRequestFile."),
    side<&Server::crl_file, conf::text_value>(
        "SSLCARevocationFile", "file", "",
        "Revocation lists of the authorities of clients, PEM; SSLCARevocationCheck says what of."),
    side<&Server::crl_path, conf::text_value>("SSLCARevocationPath", "folder", "",
                                              "A folder of files for SSLCARevocationFile."),
    conf::rule<set_crl_check_of<Server>>("SSLCARevocationCheck", of_server, {1, 2},
                                         "none|leaf|chain [no_crl_for_cert_ok]", "none",
                                         "Which certificates of a client may not be revoked."),
    side<&Server::strict_sni, conf::on_off>(
        "SSLStrictSNIVHostCheck", "On|Off",
        "Off", "Whether clients that name no server are refused (403)."),
    conf::rule<set<Server, &Server::sni_policy, sni_policy>>(
        "SSLVHostSNIPolicy", of_requests, {1, 1}, "strict|secure|authonly|insecure", "secure",
        "When a request may be for another virtual host than the handshake; 421 otherwise."),
    conf::rule<add_command>("SSLOpenSSLConfCmd", of_server, {2, 2}, "command value", "",
                            "A command of OpenSSL's configuration (SSL_CONF_cmd)."),
    conf::rule<set_passphrase_program>("SSLPassPhraseDialog", conf::in_server, {1, 1},
                                       "builtin|exec:/program", "builtin",
                                       "A program that prints the passphrase of a key."),
    conf::rule<check_options>("SSLOptions", of_route, {1, conf::Row::unlimited}, "[+|-]option ...",
                              "",
                              "StdEnvVars, ExportCertData and StrictRequire, which are always on, "
                              "do nothing; others are refused."),
    conf::rule<require_tls>("SSLRequireSSL", conf::in_location, {0, 0}, "", "",
                            "Refuses (403) what did not come by TLS."),
    conf::rule<only_off>("SSLCompression", of_server, {1, 1}, "Off", "Off",
                         "Only Off: compressed TLS gives secrets away (CRIME)."),
    conf::rule<only_off>("SSLInsecureRenegotiation", of_server, {1, 1}, "Off", "Off",
                         "Only Off: nothing is renegotiated."),
    conf::rule<only_off>("SSLFIPS", conf::in_server, {1, 1}, "Off", "Off",
                         "Only Off: OpenSSL's own configuration chooses its providers."),
    side<&Server::stapling, conf::on_off>(
        "SSLUseStapling", "On|Off", "Off",
        "Whether certificates are shown with their OCSP responses, from files (SSLStaplingFile)."),
    conf::rule<add_staple_file>("SSLStaplingFile", of_server, {1, 1}, "file", "",
                                "The OCSP response (DER) of the SSLCertificateFile at the same "
                                "place, kept by another tool; else that file's name with .ocsp."),
    conf::rule<set_user_name>("SSLUserName", of_requests | conf::in_location, {1, 1}, "variable",
                              "", "What %u is in logs, such as SSL_CLIENT_S_DN_CN."),
};

}  // namespace

}  // namespace headgate::proxy::tls_rules

namespace headgate::proxy {

std::span<const conf::Row> tls_server_rows() {
    return tls_rules::rows;
}

}  // namespace headgate::proxy
