// See tls_context.h. What is done with peers' certificates is in tls_verify.cpp.
#include "proxy/net/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <atomic>
#include <memory>
#include <string_view>

#include "mpm/loop/want.h"
#include "proxy/net/tls_algorithms.h"
#include "proxy/net/tls_choices.h"
#include "proxy/net/tls_kernel.h"
#include "proxy/net/tls_owned.h"
#include "proxy/net/tls_pem.h"
#include "proxy/net/tls_staples.h"
#include "proxy/net/tls_transport.h"

namespace headgate::net {
namespace {

int give_passphrase(char* into, int size, int, void* passphrase) {
    const auto& text = *static_cast<const std::string*>(passphrase);
    if (text.size() > static_cast<std::size_t>(size)) return -1;
    text.copy(into, text.size());
    return static_cast<int>(text.size());
}

Owned<EVP_PKEY> key_of(const std::string& text, const std::string& passphrase) {
    const Owned<BIO> pem = bio_of(text);
    auto* given = const_cast<std::string*>(&passphrase);
    return Owned<EVP_PKEY>(PEM_read_bio_PrivateKey(pem.get(), nullptr, give_passphrase, given));
}

/// After key_of() found none.
std::string why_no_key(const TlsCredential& credential) {
    const std::string reason = last_reason("not PEM");
    if (TlsChoices::keys_in(credential.key) == 0) return "no private key in it";
    const bool is_encrypted = credential.key.find("ENCRYPTED") != std::string::npos;
    if (!is_encrypted) return "no private key in it: " + reason;
    return credential.passphrase.empty() ? "it is encrypted, and there is no passphrase for it"
                                         : "it is encrypted, and the passphrase does not open it";
}

/// A session that the server gave us: the transport knows where it is kept.
int keep_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<TlsTransport*>(SSL_get_app_data(ssl))->keep_session(session);
    return 1;
}

/// RFC 7301 section 3.2: "If the server supports no protocols that the client advertises", it says
/// so and ends.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void* of) {
    const auto& context = *static_cast<const TlsContext*>(of);
    const auto* ours = reinterpret_cast<const unsigned char*>(context.protocols().data());
    const auto our_size = static_cast<unsigned>(context.protocols().size());
    unsigned char* selected = nullptr;
    // It takes the first of the former list that the latter has.
    const int result =
        context.has_own_protocol_order()
            ? SSL_select_next_proto(&selected, size, ours, our_size, offered, offered_size)
            : SSL_select_next_proto(&selected, size, offered, offered_size, ours, our_size);
    *chosen = selected;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

/// The name was looked at before the connection came here; it is only acknowledged.
int acknowledge_name(SSL*, int*, void*) {
    return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsContext::TlsContext(Role role)
    : role_(role),
      number_(next_number()),
      native_(SSL_CTX_new(role == Role::server ? TLS_server_method() : TLS_client_method())) {
    if (native_ == nullptr) loop::end_for_want_of("memory for TLS");
    SSL_CTX_set_app_data(native_, this);
    SSL_CTX_set_min_proto_version(native_, TLS1_2_VERSION);
    SSL_CTX_set_options(native_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(native_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(native_, 1);
    if (role == Role::server) {
        SSL_CTX_set_dh_auto(native_, 1);
        SSL_CTX_set_session_cache_mode(native_, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_tlsext_servername_callback(native_, acknowledge_name);
        SSL_CTX_set_num_tickets(native_, 1);
    } else {
        SSL_CTX_set_session_cache_mode(native_,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(native_, keep_session);
    }
    SSL_CTX_set_verify(native_, SSL_VERIFY_NONE, nullptr);
    use_kernel_tls(native_);
}

TlsContext::~TlsContext() {
    SSL_CTX_free(native_);
}

const TlsContext& context_of(const SSL_CTX* native) {
    return *static_cast<const TlsContext*>(SSL_CTX_get_app_data(native));
}

const TlsContext& context_of(const SSL* connection) {
    return context_of(SSL_get_SSL_CTX(connection));
}

void TlsContext::set_protocols(unsigned protocols) {
    SSL_CTX_set_min_proto_version(native_,
                                  (protocols & tls_1_2) != 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(native_, (protocols & tls_1_3) != 0 ? 0 : TLS1_2_VERSION);
}

std::string TlsContext::set_ciphers(const std::string& list) {
    ERR_clear_error();
    return SSL_CTX_set_cipher_list(native_, list.c_str()) == 1 ? "" : last_reason("no ciphers");
}

std::string TlsContext::set_ciphers_of_1_3(const std::string& list) {
    ERR_clear_error();
    return SSL_CTX_set_ciphersuites(native_, list.c_str()) == 1 ? "" : last_reason("no ciphers");
}

void TlsContext::prefer_own_ciphers() {
    SSL_CTX_set_options(native_, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
}

bool opens_key(const std::string& key, const std::string& passphrase) {
    const bool opens = key_of(key, passphrase) != nullptr;
    ERR_clear_error();
    return opens;
}

TlsCredentialProblem TlsContext::add_credential(const TlsCredential& credential) {
    using Where = TlsCredentialProblem::Where;
    ERR_clear_error();
    const Owned<BIO> text = bio_of(credential.certificates);
    const Owned<X509> own(PEM_read_bio_X509_AUX(text.get(), nullptr, nullptr, nullptr));
    if (!own) return {Where::certificate, "no certificate in it: " + last_reason("not PEM")};
    std::string fault = fault_of_pem(credential.certificates, PemKind::certificates);
    if (!fault.empty()) return {Where::certificate, std::move(fault)};
    Owned<STACK_OF(X509)> chain(sk_X509_new_null());
    while (X509* next = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr))
        sk_X509_push(chain.get(), next);
    ERR_clear_error();
    const Owned<EVP_PKEY> key = key_of(credential.key, credential.passphrase);
    if (!key) return {Where::key, why_no_key(credential)};
    if (X509_check_private_key(own.get(), key.get()) != 1) {
        ERR_clear_error();
        return {Where::key, "the key does not belong to the certificate"};
    }
    if (sk_X509_num(chain.get()) == 0) chain.reset();  // every connection would have a copy of it
    if (SSL_CTX_use_cert_and_key(native_, own.get(), key.get(), chain.get(), 1) != 1) {
        return {Where::certificate, last_reason("refused by OpenSSL")};
    }
    shown_.push_back(brief_of(own.get()));
    return {};
}

TlsCredentialProblem TlsContext::add_choices(const TlsCredential& mixed) {
    auto choices = std::make_unique<TlsChoices>();
    TlsCredentialProblem problem = choices->add(mixed);
    if (!problem.is_none()) {
        if (TlsChoices::keys_in(mixed.key) > 1) return problem;
        // What a lone pair lacks is told as of a server's.
        TlsCredentialProblem of_lone = TlsContext(Role::client).add_credential(mixed);
        return of_lone.is_none() ? problem : of_lone;
    }
    choices_ = std::move(choices);
    shown_ = choices_->briefs();
    choices_->serve(native_);
    return {};
}

std::string TlsContext::command(const std::string& name, std::string value,
                                const std::string& folder) {
    ERR_clear_error();
    const Owned<SSL_CONF_CTX> conf(SSL_CONF_CTX_new());
    SSL_CONF_CTX_set_ssl_ctx(conf.get(), native_);
    SSL_CONF_CTX_set_flags(conf.get(),
                           SSL_CONF_FLAG_FILE | SSL_CONF_FLAG_CERTIFICATE |
                               (is_server() ? SSL_CONF_FLAG_SERVER : SSL_CONF_FLAG_CLIENT));
    const int type = SSL_CONF_cmd_value_type(conf.get(), name.c_str());
    const bool is_name = type == SSL_CONF_TYPE_FILE || type == SSL_CONF_TYPE_DIR;
    if (is_name && !value.starts_with('/')) value = folder + "/" + value;
    const int result = SSL_CONF_cmd(conf.get(), name.c_str(), value.c_str());
    SSL_CONF_CTX_finish(conf.get());
    if (result == -2) return "unknown command of OpenSSL";
    return result > 0 ? "" : last_reason("refused by OpenSSL");
}

void TlsContext::set_identity(const std::string& identity) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_Digest(identity.data(), identity.size(), digest, &size, fetched_sha256(), nullptr);
    SSL_CTX_set_session_id_context(native_, digest, SSL_MAX_SID_CTX_LENGTH);
}

void TlsContext::offer_protocols(std::string names, bool own_order) {
    if (names.empty()) return;
    protocols_ = std::move(names);
    own_protocol_order_ = own_order;
    SSL_CTX_set_alpn_select_cb(native_, select_protocol, this);
}

std::string tls_library_version() {
    const std::string_view text = OpenSSL_version(OPENSSL_VERSION);
    const std::size_t end = text.find(' ', text.find(' ') + 1);
    return std::string(text.substr(0, end));
}

}  // namespace headgate::net
