// TlsContext: what all connections of one virtual host (or to one upstream) have in common:
// certificates, authorities, protocols, ciphers, tickets. Built once, step by step, then shared and
// unchanged. Texts come in as PEM: who reads the files, and as which user, is not known here.
//
// Every step that can fail returns what is wrong in words, empty on success.
#pragma once

#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "proxy/net/tls_tickets.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_st;

namespace headgate::net {

class TlsChoices;
class TlsSessionCache;
class TlsStaples;

/// A certificate with its chain, and its key.
struct TlsCredential {
    std::string certificates;  ///< PEM, the server's own first
    std::string key;           ///< PEM
    std::string passphrase;    ///< for an encrypted key
};

/// What is wrong with a credential, and in which of its two texts.
struct TlsCredentialProblem {
    enum class Where { none, certificate, key } where = Where::none;
    std::string text;
    bool is_none() const { return where == Where::none; }
};

/// A certificate that is shown, in short.
struct TlsCertificateBrief {
    std::string name;  ///< the subject's common name, else its first DNS name
    std::string kind;  ///< of its key: "EC", "RSA", ...
    std::time_t expiry = 0;
};

/// Whether a passphrase opens an encrypted key (PEM).
bool opens_key(const std::string& key, const std::string& passphrase);

class TlsContext {
public:
    enum class Role { server, client };
    enum Protocol : unsigned { tls_1_2 = 1, tls_1_3 = 2 };
    /// SSLVerifyClient, SSLProxyVerify.
    enum class Verify : std::uint8_t { none, optional, require, optional_no_ca };
    /// SSLCARevocationCheck.
    enum class Revocation : std::uint8_t { none, leaf, chain };

    explicit TlsContext(Role role);
    ~TlsContext();
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;

    /// Never that of another context of this process.
    std::uint64_t number() const { return number_; }
    bool is_server() const { return role_ == Role::server; }

    void set_protocols(unsigned protocols);
    std::string set_ciphers(const std::string& list);
    std::string set_ciphers_of_1_3(const std::string& list);
    void prefer_own_ciphers();
    /// One for each type of key at most: a later one of the same type takes its place.
    TlsCredentialProblem add_credential(const TlsCredential& credential);
    /// Client side: certificates and keys in one text, in any order. A certificate that one of the
    /// keys belongs to is shown where the server names its authority, or none (tls_choices.h); the
    /// other certificates are their chains.
    TlsCredentialProblem add_choices(const TlsCredential& mixed);
    /// Certificates that others' are verified with.
    std::string add_authorities(const std::string& pem);
    /// Names of authorities that clients are told instead of those they are verified with.
    std::string announce_authorities(const std::string& pem);
    std::string add_revocations(const std::string& pem);
    void verify_peer(Verify mode, int depth);
    void check_revocation(Revocation mode, bool missing_is_right);
    /// An OpenSSL configuration command (SSL_CONF_cmd), as of SSLOpenSSLConfCmd. Where its value is
    /// the name of a file or a folder, that starts from `folder`.
    std::string command(const std::string& name, std::string value, const std::string& folder);
    /// Sessions are resumed only where this is the same: by virtual host and what it demands.
    void set_identity(const std::string& identity);
    /// Stateless resumption; null: none. `tickets` outlives this. The first key of `own` seals
    /// instead of theirs, the others open what they have sealed.
    void use_tickets(TlsTickets* tickets, int lifetime_seconds, std::vector<TlsTicketKey> own);
    /// Resumption by id too. After use_tickets().
    void use_session_cache(std::shared_ptr<TlsSessionCache> cache);
    /// OCSP responses for clients that ask.
    void use_staples(std::unique_ptr<TlsStaples> staples);
    /// Answers ALPN with the first of these (names with their sizes in front) that the client asks
    /// for, or in the client's order; refuses one that asks for none of them. Empty: does not
    /// answer.
    void offer_protocols(std::string names, bool own_order);

    const std::vector<TlsCertificateBrief>& shown() const { return shown_; }
    Verify verify_mode() const { return verify_; }
    /// For tls_*.cpp.
    ssl_ctx_st* native() const { return native_; }
    int verify_depth() const { return depth_; }
    bool misses_revocations() const { return missing_is_right_; }
    TlsTickets* tickets() const { return tickets_; }
    const std::vector<TlsTicketKey>& own_ticket_keys() const { return own_ticket_keys_; }
    const TlsStaples* staples() const { return staples_.get(); }
    const std::string& protocols() const { return protocols_; }
    bool has_own_protocol_order() const { return own_protocol_order_; }
    TlsSessionCache* session_cache() const { return session_cache_.get(); }

private:
    Role role_;
    std::uint64_t number_;
    ssl_ctx_st* native_;
    Verify verify_ = Verify::none;
    int depth_ = 1;
    bool missing_is_right_ = false;
    bool own_protocol_order_ = true;
    std::string protocols_;
    TlsTickets* tickets_ = nullptr;
    std::vector<TlsTicketKey> own_ticket_keys_;
    std::unique_ptr<TlsStaples> staples_;
    std::unique_ptr<TlsChoices> choices_;
    std::vector<TlsCertificateBrief> shown_;
    // Shared (rule zero): a reload may give the next generation another size.
    std::shared_ptr<TlsSessionCache> session_cache_;
};

/// For tls_*.cpp.
TlsCertificateBrief brief_of(x509_st* certificate);
/// The one that OpenSSL's object was made by, or of. For tls_*.cpp.
const TlsContext& context_of(const ssl_ctx_st* native);
const TlsContext& context_of(const ssl_st* connection);

/// "OpenSSL 3.0.22": the library at run time.
std::string tls_library_version();

}  // namespace headgate::net
