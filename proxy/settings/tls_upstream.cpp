// The rows of TLS's directives towards upstreams (SSLProxy...), and their setters. See tls.h.
#include "proxy/settings/tls_rules.h"

namespace headgate::proxy::tls_rules {
namespace {

constexpr unsigned of_upstream = of_server | conf::in_proxy;
using Upstream = TlsUpstreamSettings;

/// A row whose member is of one side though both have it.
template <auto member, auto parser>
constexpr conf::Row side(std::string_view name, std::string_view syntax, std::string_view otherwise,
                         std::string_view help) {
    return conf::rule<set<Upstream, member, parser>>(name, of_upstream, {1, 1}, syntax, otherwise,
                                                     help);
}

constexpr conf::Row rows[] = {
    side<&Upstream::engine, conf::on_off>(
        "SSLProxyEngine", "On|Off", "Off",
        "Whether upstreams may be spoken to by TLS: https://, wss://, and tls:// of TunnelTo."),
    conf::rule<set_protocols_of<Upstream>>(
        "SSLProxyProtocol", of_upstream, {1, 8}, "[+|-]protocol ...", "all",
        "Versions to speak with upstreams: TLSv1.2 and TLSv1.3, or one of them."),
    conf::rule<set_ciphers_of<Upstream>>(
        "SSLProxyCipherSuite", of_upstream, {1, 2}, "[SSL|TLSv1.3] list",
        "ECDHE+AESGCM:ECDHE+CHACHA20",
        "Ciphers of TLSv1.2 in OpenSSL's words, or of TLSv1.3; may be written for both."),
    side<&Upstream::verify, verify_choice>(
        "SSLProxyVerify", "none|optional|require|optional_no_ca", "none",
        "Whether an upstream's certificate must come from a known authority. Write require: "
        "anything less may be anybody."),
    side<&Upstream::verify_depth, conf::integer<0, 100>>(
        "SSLProxyVerifyDepth", "number", "1", "Longest chain of an upstream's certificate."),
    side<&Upstream::check_name, conf::on_off>(
        "SSLProxyCheckPeerName", "On|Off", "On",
        "Whether an upstream's certificate must be for the name it is asked by."),
    side<&Upstream::check_common_name, conf::on_off>(
        "SSLProxyCheckPeerCN", "On|Off", "On",
        "Where SSLProxyCheckPeerName is Off: On, if written, compares the common name. Where it is "
        "not written: Off leaves names unchecked."),
    side<&Upstream::check_expiry, conf::on_off>(
        "SSLProxyCheckPeerExpire", "On|Off", "On",
        "Whether an upstream's certificate must be valid now."),
    side<&Upstream::ca_file, conf::text_value>("SSLProxyCACertificateFile", "file", "",
                                               "Authorities of upstreams, PEM."),
    side<&Upstream::ca_path, conf::text_value>("SSLProxyCACertificatePath", "folder", "",
                                               "A folder of files for SSLProxyCACertificateFile."),
    side<&Upstream::crl_file, conf::text_value>("SSLProxyCARevocationFile", "file", "",
                                                "Revocation lists of the authorities of upstreams, "
                                                "PEM; SSLProxyCARevocationCheck says what of."),
    side<&Upstream::crl_path, conf::text_value>("SSLProxyCARevocationPath", "folder", "",
                                                "A folder of files for SSLProxyCARevocationFile."),
    conf::rule<set_crl_check_of<Upstream>>("SSLProxyCARevocationCheck", of_upstream, {1, 2},
                                           "none|leaf|chain [no_crl_for_cert_ok]", "none",
                                           "Which certificates of an upstream may not be revoked."),
    side<&Upstream::machine_certificate, conf::text_value>(
        "SSLProxyMachineCertificateFile", "file", "",
        "The certificates with their keys that upstreams may be shown: the one of an authority "
        "that the upstream names, the first where it names none."),
    side<&Upstream::machine_path, conf::text_value>(
        "SSLProxyMachineCertificatePath", "folder",
        "", "A folder of files for SSLProxyMachineCertificateFile, in the order of their names."),
    side<&Upstream::machine_chain, conf::text_value>(
        "SSLProxyMachineCertificateChainFile", "file", "",
        "The chain of SSLProxyMachineCertificateFile, where that does not hold it."),
};

}  // namespace

}  // namespace headgate::proxy::tls_rules

namespace headgate::proxy {

std::span<const conf::Row> tls_upstream_rows() {
    return tls_rules::rows;
}

}  // namespace headgate::proxy
