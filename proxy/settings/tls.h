// The settings of TLS towards clients and towards upstreams, and their directives (mod_ssl's
// names).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "conf/directive.h"
#include "conf/settings.h"
#include "proxy/net/tls_context.h"

namespace headgate::proxy {

/// What both sides have: SSLProtocol and SSLProxyProtocol, and so on.
struct TlsTerms {
    using Context = net::TlsContext;

    conf::Set<unsigned> protocols{Context::tls_1_2 | Context::tls_1_3};
    conf::Set<std::string> ciphers;      ///< of 1.2; not written: ours
    conf::Set<std::string> ciphers_1_3;  ///< not written: OpenSSL's
    conf::Set<Context::Verify> verify{Context::Verify::none};
    conf::Set<int> verify_depth{1};
    conf::Set<std::string> ca_file{std::string()};  ///< paths from server_root, as all here
    conf::Set<std::string> ca_path{std::string()};
    conf::Set<std::string> crl_file{std::string()};
    conf::Set<std::string> crl_path{std::string()};
    conf::Set<Context::Revocation> crl_check{Context::Revocation::none};
    conf::Set<bool> crl_may_miss{false};  ///< no_crl_for_cert_ok

    void merge_from(const TlsTerms& over);
};

/// Server and virtual host context.
struct TlsServerSettings : TlsTerms {
    conf::Set<bool> engine{false};
    conf::Set<bool> honor_order{true};
    conf::Set<bool> tickets{true};
    conf::Set<int> session_seconds{300};
    conf::Set<std::uint64_t> session_cache{0};  ///< octets shared by all processes; 0: none
    std::vector<conf::Word> certificates;       ///< in order; keys belong to them by position
    std::vector<conf::Word> keys;               ///< none: in the certificates' files
    conf::Set<bool> stapling{false};            ///< SSLUseStapling
    std::vector<conf::Word> staple_files;       ///< belong to certificates by position
    conf::Set<std::string> chain{std::string()};
    conf::Set<std::string> announced_file{std::string()};  ///< SSLCADNRequestFile
    conf::Set<std::string> announced_path{std::string()};  ///< SSLCADNRequestPath
    conf::Set<std::string> ticket_key{std::string()};      ///< SSLSessionTicketKeyFile
    conf::Set<bool> strict_sni{false};
    enum class SniPolicy { strict, secure, authonly, insecure };
    conf::Set<SniPolicy> sni_policy{SniPolicy::secure};
    conf::Set<std::string> passphrase_program{std::string()};  ///< empty: keys have none
    std::vector<std::pair<conf::Word, conf::Word>> commands;   ///< SSLOpenSSLConfCmd

    /// What ALPN may agree on, as on the wire; empty: nothing is said of it. Not a directive's: the
    /// virtual host's Protocols.
    std::string protocols_offered;
    bool own_protocol_order = true;
    /// "name:port", for the program of SSLPassPhraseDialog; not a directive's either.
    std::string owner_of_keys;

    void merge_from(const TlsServerSettings& over);
};

/// Server, virtual host and proxy context.
struct TlsUpstreamSettings : TlsTerms {
    conf::Set<bool> engine{false};
    conf::Set<bool> check_name{true};
    conf::Set<bool> check_common_name{true};
    conf::Set<bool> check_expiry{true};
    conf::Set<std::string> machine_certificate{std::string()};  ///< with keys, one or several
    conf::Set<std::string> machine_path{std::string()};         ///< a folder of the same
    conf::Set<std::string> machine_chain{std::string()};

    bool shows_certificate() const {
        return !machine_certificate->empty() || !machine_path->empty();
    }

    void merge_from(const TlsUpstreamSettings& over);
};

/// The rows of all directives above.
std::span<const conf::Row> tls_setting_rows();
/// Of one side; others than those of tls_setting_rows(), by the same names.
std::span<const conf::Row> tls_server_rows();
std::span<const conf::Row> tls_upstream_rows();

}  // namespace headgate::proxy
