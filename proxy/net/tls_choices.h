// TlsChoices: the certificates of a client, one of which is shown: the first whose authority, or
// one of its chain, is named by the server (RFC 8446 section 4.2.4, RFC 5246 section 7.4.4). Where
// the server names none it is the first of all; where none fits nothing is shown, though there be
// but one, as in Apache (ssl_callback_proxy_cert of mod_ssl; tried with 2.4.71).
#pragma once

#include <string>
#include <vector>

#include "proxy/net/tls_context.h"

struct ssl_st;
struct x509_st;

namespace headgate::net {

class TlsChoices {
public:
    TlsChoices();
    ~TlsChoices();
    TlsChoices(const TlsChoices&) = delete;
    TlsChoices& operator=(const TlsChoices&) = delete;

    /// How many private keys a PEM text has, readable or not.
    static std::size_t keys_in(const std::string& pem);

    /// Once: pairs in the order of their certificates. Keys need not stand beside these.
    TlsCredentialProblem add(const TlsCredential& mixed);
    std::vector<TlsCertificateBrief> briefs() const;
    /// For handshakes of this context, which must not outlive this.
    void serve(ssl_ctx_st* context) const;

private:
    struct Choice;
    static int show(ssl_st* ssl, void* of);
    const Choice* choose(ssl_st* ssl) const;
    bool has(const x509_st* certificate) const;

    std::vector<Choice> choices_;
};

}  // namespace headgate::net
