// The client's end of TLS in the hands of a test: OpenSSL on a non-blocking socket, used like the
// socket itself. Nothing of the proxy's own code.
#pragma once

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>

#include "tests/support/certificates.h"

namespace headgate::support {

/// How a test's client speaks TLS.
struct TlsTerms {
    std::string name = "proxy.test";  // asked for; empty: none
    std::string authority;            // PEM; empty: the server is not verified
    Issued shown;                     // a client certificate; empty: none
    int version = 0;                  // TLS1_2_VERSION, TLS1_3_VERSION; 0: as they agree
    std::string protocols;            // ALPN as on the wire; empty: none
    SSL_SESSION* session = nullptr;   // to resume
    std::string ciphers;              // of TLSv1.2; empty: OpenSSL's
    bool asks_status = false;         // for an OCSP response
    bool is_server = false;           // then `shown` is its certificate, and `name` is nobody's
};

class TlsEnd {
public:
    TlsEnd(int socket, const TlsTerms& terms) : context_(context_of(terms)) {
        ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
        ssl_.reset(SSL_new(context_.get()));
        SSL_set_app_data(ssl_.get(), this);
        SSL_set_fd(ssl_.get(), socket);
        if (terms.is_server) {
            SSL_set_accept_state(ssl_.get());
            return;
        }
        if (!terms.name.empty()) SSL_set_tlsext_host_name(ssl_.get(), terms.name.c_str());
        if (!terms.protocols.empty()) {
            SSL_set_alpn_protos(ssl_.get(),
                                reinterpret_cast<const unsigned char*>(terms.protocols.data()),
                                static_cast<unsigned>(terms.protocols.size()));
        }
        if (terms.session != nullptr) SSL_set_session(ssl_.get(), terms.session);
        if (terms.asks_status) SSL_set_tlsext_status_type(ssl_.get(), TLSEXT_STATUSTYPE_ocsp);
        SSL_set_connect_state(ssl_.get());
        settle(SSL_do_handshake(ssl_.get()));
    }
    ~TlsEnd() {
        // Else OpenSSL would forget its session.
        SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_SESSION_free(session_);
    }
    TlsEnd(const TlsEnd&) = delete;
    TlsEnd& operator=(const TlsEnd&) = delete;

    /// As send(2) and recv(2): -1 with EAGAIN when wants() must come first; recv is 0 at a
    /// close_notify, and -1 with ECONNRESET at any other end.
    ssize_t send(const char* octets, std::size_t size) {
        return settle(SSL_write(ssl_.get(), octets, static_cast<int>(size)));
    }
    ssize_t recv(char* into, std::size_t size) {
        return settle(SSL_read(ssl_.get(), into, static_cast<int>(size)));
    }
    /// 1 when the handshake is done; else as send().
    ssize_t shake() { return settle(SSL_do_handshake(ssl_.get())); }
    /// Whether recv() would give something.
    bool has_news() {
        char octet;
        return settle(SSL_peek(ssl_.get(), &octet, 1)) != -1 || errno != EAGAIN;
    }
    /// Once: a second SSL_shutdown() would wait for the peer's, and choke on what comes before it.
    void say_goodbye() {
        const bool has_said = (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0;
        if (is_shaken() && !has_said) SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
    bool is_shaken() const { return SSL_is_init_finished(ssl_.get()) == 1; }
    short wants() const { return wants_; }
    SSL* ssl() const { return ssl_.get(); }
    /// The last session that the server gave; owned by this.
    SSL_SESSION* session() const { return session_; }
    /// The OCSP response that came with the certificate; empty when none did.
    std::string staple() const {
        const unsigned char* octets = nullptr;
        const long size = SSL_get_tlsext_status_ocsp_resp(ssl_.get(), &octets);
        if (size <= 0) return "";
        return {reinterpret_cast<const char*>(octets), static_cast<std::size_t>(size)};
    }
    /// What went wrong last, in OpenSSL's words.
    const std::string& fault() const { return fault_; }

private:
    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };

    using Context = std::shared_ptr<SSL_CTX>;

    /// Of those that are alike there are thousands, and a context takes a millisecond.
    static Context context_of(const TlsTerms& terms) {
        const bool is_usual = terms.authority.empty() && terms.shown.key.empty() &&
                              terms.version == 0 && terms.ciphers.empty();
        if (!is_usual) return make_context(terms);
        static const Context usual = make_context(terms);
        return usual;
    }
    static Context make_context(const TlsTerms& terms) {
        const Context made(SSL_CTX_new(terms.is_server ? TLS_server_method() : TLS_client_method()),
                           SSL_CTX_free);
        SSL_CTX* const context = made.get();
        SSL_CTX_set_mode(context,
                         SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_min_proto_version(context, terms.version);
        SSL_CTX_set_max_proto_version(context, terms.version);
        SSL_CTX_set_session_cache_mode(context,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
        SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
            auto* self = static_cast<TlsEnd*>(SSL_get_app_data(ssl));
            SSL_SESSION_free(self->session_);
            self->session_ = session;
            return 1;
        });
        if (!terms.ciphers.empty()) SSL_CTX_set_cipher_list(context, terms.ciphers.c_str());
        if (!terms.authority.empty()) trust(context, terms.authority);
        if (!terms.shown.key.empty()) show(context, terms.shown);
        return made;
    }

    static void trust(SSL_CTX* context, const std::string& pem) {
        BIO* text = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
        X509* certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        X509_free(certificate);
        BIO_free(text);
    }
    static void show(SSL_CTX* context, const Issued& shown) {
        BIO* text = BIO_new_mem_buf(shown.certificate.data(), -1);
        X509* certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
        BIO_free(text);
        text = BIO_new_mem_buf(shown.key.data(), -1);
        EVP_PKEY* key = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
        BIO_free(text);
        SSL_CTX_use_cert_and_key(context, certificate, key, nullptr, 1);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    int settle(int result) {
        if (result > 0) return result;
        const int error = SSL_get_error(ssl_.get(), result);
        errno = EAGAIN;
        wants_ = error == SSL_ERROR_WANT_WRITE ? POLLOUT : POLLIN;
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return -1;
        // After a close_notify OpenSSL drops what is no content, and says so in this odd way.
        const bool has_dropped = error == SSL_ERROR_SYSCALL && result == 0 &&
                                 ERR_peek_last_error() == 0 &&
                                 SSL_get_shutdown(ssl_.get()) == SSL_SENT_SHUTDOWN;
        if (has_dropped) return -1;
        const char* reason = ERR_reason_error_string(ERR_peek_last_error());
        // The first one tells; later tries only find that it is over.
        if (fault_.empty()) fault_ = reason != nullptr ? reason : "connection lost";
        ERR_clear_error();
        errno = ECONNRESET;
        return error == SSL_ERROR_ZERO_RETURN ? 0 : -1;
    }

    Context context_;
    std::unique_ptr<SSL, Free> ssl_;
    SSL_SESSION* session_ = nullptr;
    short wants_ = POLLIN;
    std::string fault_;
};

/// Whether every origin of the behaviour tests speaks TLS (HEADGATE_TEST_TLS_ORIGIN=1), and so what
/// their configurations say of origins is read as https:// and tls://.
inline bool tests_tls_origins() {
    static const bool is_set = std::getenv("HEADGATE_TEST_TLS_ORIGIN") != nullptr;
    return is_set;
}

/// Whether every client of the behaviour tests speaks TLS (HEADGATE_TEST_TLS=1), and so every
/// proxy.
inline bool tests_tls() {
    static const bool is_set = std::getenv("HEADGATE_TEST_TLS") != nullptr;
    return is_set;
}

}  // namespace headgate::support
