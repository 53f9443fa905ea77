// TlsStaples: OCSP responses (RFC 6960) that a server's certificates are shown with (RFC 6066
// section 8, RFC 8446 section 4.4.2.1), for clients that ask. Somebody else fetches them; here they
// are judged: a response that is not good, not for the certificate, not by its issuer, or no longer
// valid is not sent.
#pragma once

#include <ctime>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct x509_st;

namespace headgate::net {

class TlsStaples {
public:
    TlsStaples() = default;
    ~TlsStaples();
    TlsStaples(const TlsStaples&) = delete;
    TlsStaples& operator=(const TlsStaples&) = delete;

    /// `certificates`: PEM, the server's own, then its issuer's; `response`: DER. What is wrong
    /// with it, in words; empty when it will be sent.
    std::string add(const std::string& certificates, const std::string& response);
    bool is_empty() const { return staples_.empty(); }
    /// When the first of them ends to be valid; never is the largest time.
    std::time_t first_end() const;

    /// For tls_*.cpp: what to send with a certificate, null when nothing.
    const std::string* find(const x509_st* certificate, std::time_t now) const;
    static void serve(ssl_ctx_st* context);

private:
    struct Staple {
        x509_st* certificate;
        std::string response;
        std::time_t end;
    };
    std::vector<Staple> staples_;
};

/// Whether the first certificate of a PEM text says where its status can be asked for (RFC 5280
/// section 4.2.2.1, id-ad-ocsp).
bool names_responder(const std::string& certificates);

}  // namespace headgate::net
