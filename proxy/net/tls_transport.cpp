// See tls_transport.h.
#include "proxy/net/tls_transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mpm/loop/want.h"
#include "proxy/net/tls_bio.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_kernel.h"
#include "proxy/net/tls_sessions.h"

namespace headgate::net {
namespace {

constexpr std::size_t record_size = 16 * 1024;
constexpr std::uint16_t octets_for_a_message = 16;
constexpr std::uint16_t most_idle_talk = 32 * octets_for_a_message;

/// What a call has to say is read from the thread's queue of errors, so nothing old may lie there.
/// Looking costs less than emptying what is empty.
void clear_errors() {
    if (ERR_peek_error() != 0) ERR_clear_error();
}

/// The first octets of the pieces behind `skip`, in one run of at most a record: where they lie, or
/// gathered. For one total the size is always the same, as OpenSSL wants it of a repeated write.
std::span<const char> next_record(std::span<const iovec> from, std::size_t skip) {
    thread_local char gathered[record_size];
    std::size_t size = 0;
    for (const iovec& piece : from) {
        const std::size_t gone = std::min(skip, piece.iov_len);
        skip -= gone;
        const char* octets = static_cast<const char*>(piece.iov_base) + gone;
        const std::size_t count = std::min(piece.iov_len - gone, record_size - size);
        if (size == 0 && (count == record_size || &piece == &from.back())) return {octets, count};
        std::memcpy(gathered + size, octets, count);
        size += count;
        if (size == record_size) break;
    }
    return {gathered, size};
}

}  // namespace

TlsTransport::TlsTransport(std::unique_ptr<PlainTransport> under,
                           std::shared_ptr<const TlsContext> context)
    : under_(std::move(under)), context_(std::move(context)), ssl_(SSL_new(context_->native())) {
    if (ssl_ == nullptr) loop::end_for_want_of("memory for TLS");
    BIO* bio = make_tls_bio(*under_);
    SSL_set_bio(ssl_, bio, bio);
    SSL_set_msg_callback(ssl_, hear);
    SSL_set_msg_callback_arg(ssl_, this);
    if (context_->is_server()) {
        SSL_set_accept_state(ssl_);
    } else {
        // For sessions; on the other side it would be memory for nothing.
        SSL_set_app_data(ssl_, this);
        SSL_set_connect_state(ssl_);
    }
}

TlsTransport::~TlsTransport() {
    say_goodbye();
    // Else the session would not be resumed: an end like this is not its fault.
    SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(ssl_);
}

// ---- handshake

Tried TlsTransport::try_handshake() {
    if (has_ended()) return end();
    clear_errors();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) {
        is_open_ = true;
        kernel_sends_ = kernel_tls_of(*this).sends;
        may_have_more_ = SSL_has_pending(ssl_) == 1;
        return {};
    }
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ) return {Tried::State::want_read, 0, 0};
    if (error == SSL_ERROR_WANT_WRITE) return {Tried::State::want_write, 0, 0};
    return ended(result, Want::read);
}

void TlsTransport::ask_for(const std::string& server_name) {
    SSL_set_tlsext_host_name(ssl_, server_name.c_str());
}

void TlsTransport::ask_for_protocols(const std::string& names) {
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(names.data()),
                        static_cast<unsigned>(names.size()));
}

void TlsTransport::resume_from(TlsSessions& sessions, std::string key) {
    if (SSL_SESSION* session = sessions.find(key)) SSL_set_session(ssl_, session);
    store_ = std::make_unique<Store>(Store{sessions, std::move(key)});
}

void TlsTransport::keep_session(SSL_SESSION* session) {
    if (store_ != nullptr) {
        store_->sessions.keep(store_->key, session);
    } else {
        SSL_SESSION_free(session);
    }
}

loop::Task<Result<void>> handshake(TlsTransport& transport, Side side, loop::Deadline deadline) {
    const loop::Phase phase = side == Side::upstream ? phase::upstream_tls : phase::tls;
    while (true) {
        const Tried tried = transport.try_handshake();
        if (tried.is_done()) co_return Result<void>();
        if (!tried.would_block()) {
            Failure failure = lost(side, phase, transport, tried.error);
            failure.kind = FailureKind::tls_failed;
            co_return failure;
        }
        const loop::Wake wake = co_await wait(transport, tried.want(), phase, deadline);
        if (wake != loop::Wake::ready) co_return failed_wait(side, phase, wake);
    }
}

// ---- reading and writing

Tried TlsTransport::try_read(std::span<char> into) {
    if (!unread_.is_empty()) return {Tried::State::done, unread_.take(into), 0};
    if (has_ended()) return end();
    Tried tried;
    bool is_plenty = false;  // behind a full record comes another, and each is read by itself
    do {
        is_plenty = false;
        clear_errors();
        errno = 0;
        std::size_t count = 0;
        const int result =
            SSL_read_ex(ssl_, into.data() + tried.bytes, into.size() - tried.bytes, &count);
        read_needs_ = Want::read;
        if (result == 1 && !is_flooded_) {
            tried.bytes += count;
            count_content(count);
            may_have_more_ = SSL_has_pending(ssl_) == 1;
            is_plenty = count == record_size && under_->is_ready(Want::read);
            continue;
        }
        const int error = SSL_get_error(ssl_, result);
        // After our close_notify OpenSSL drops what is no content (a late session ticket), and says
        // so in this odd way; content may follow.
        const bool has_dropped = error == SSL_ERROR_SYSCALL && errno == 0 &&
                                 ERR_peek_error() == 0 &&
                                 SSL_get_shutdown(ssl_) == SSL_SENT_SHUTDOWN;
        may_have_more_ = has_dropped;
        if (has_dropped) continue;
        if (error == SSL_ERROR_WANT_WRITE) read_needs_ = Want::write;
        const bool blocks = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
        const Tried end = blocks ? Tried{Tried::State::want_read, 0, 0} : ended(result, Want::read);
        return tried.bytes > 0 ? tried : end;
    } while ((may_have_more_ || is_plenty) && tried.bytes < into.size());
    return tried;
}

Tried TlsTransport::try_write(std::span<const iovec> from) {
    if (end_ == Tried::State::error) return end();
    if (kernel_sends_) return give_to_kernel(from);
    std::size_t total = 0;
    for (const iovec& piece : from)
        total += piece.iov_len;
    Tried tried;
    while (tried.bytes < total) {
        const std::span<const char> record = next_record(from, tried.bytes);
        clear_errors();
        std::size_t count = 0;
        under_->say_more_follows(tried.bytes + record.size() < total);
        const int result = SSL_write_ex(ssl_, record.data(), record.size(), &count);
        under_->say_more_follows(false);
        write_needs_ = Want::write;
        has_pending_record_ = false;
        if (result == 1) {
            tried.bytes += count;
            continue;
        }
        const int error = SSL_get_error(ssl_, result);
        has_pending_record_ = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
        if (error == SSL_ERROR_WANT_READ) write_needs_ = Want::read;
        const Tried end = has_pending_record_ ? Tried{Tried::State::want_write, 0, 0}
                                              : ended(result, Want::write);
        return tried.bytes > 0 ? tried : end;
    }
    return tried;
}

/// The kernel makes records of what it is given, as of a plain connection. Not by SSL_write: of
/// what the kernel does not take at once OpenSSL keeps the address, whatever is said of moving
/// buffers, and ours do move (it sends what lies there later).
Tried TlsTransport::give_to_kernel(std::span<const iovec> from) {
    const Tried tried = under_->try_write(from);
    write_needs_ = Want::write;
    if (tried.state != Tried::State::error) return tried;
    is_open_ = false;
    fault_ = "connection lost";
    end_ = Tried::State::error;
    end_error_ = tried.error;
    return end();
}

/// What ended the connection, kept: from now on it is what every try gives. Once the peer has sent
/// close_notify, OpenSSL calls everything that fails an end; of writing it is none.
Tried TlsTransport::ended(int result, Want tried) {
    const int error = SSL_get_error(ssl_, result);
    const int said = errno;
    const unsigned long code = ERR_peek_last_error();
    const char* text = ERR_reason_error_string(code);
    fault_ = text != nullptr ? text : "connection lost";
    if (error == SSL_ERROR_ZERO_RETURN && tried == Want::read && !is_flooded_) {
        end_ = Tried::State::end;
        return end();
    }
    is_open_ = false;
    end_ = Tried::State::error;
    end_error_ = broken_tls;
    if (is_flooded_) {
        fault_ = "too many messages of TLS without content";
    } else if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN) {
        end_error_ = said != 0 ? said : ended_without_notice;
    } else if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        end_error_ = ended_without_notice;
        fault_ = "the peer ended the connection without close_notify";
    } else if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        fault_ = X509_verify_cert_error_string(SSL_get_verify_result(ssl_));
    }
    clear_errors();
    return end();
}

/// What the peer says once the handshake is done that is no content: new keys, renegotiation,
/// tickets. SSL_read() goes on as long as such messages come, and would keep the thread. So there
/// may be 32 of them, and one more for every 16 octets of content; then nothing more is read.
void TlsTransport::hear(int is_sent, int, int type, const void*, std::size_t, ssl_st* ssl,
                        void* self) {
    TlsTransport& to = *static_cast<TlsTransport*>(self);
    if (is_sent != 0 || type != SSL3_RT_HANDSHAKE || !to.is_open_) return;
    if (to.idle_talk_ < most_idle_talk) {
        to.idle_talk_ += octets_for_a_message;
        return;
    }
    to.is_flooded_ = true;
    stop_reading(SSL_get_rbio(ssl));
}

void TlsTransport::count_content(std::size_t octets) {
    idle_talk_ -= static_cast<std::uint16_t>(std::min<std::size_t>(idle_talk_, octets));
}

void TlsTransport::unread(std::string_view octets) {
    unread_.put(octets);
}

bool TlsTransport::is_ready(Want want) const {
    if (want == Want::read && (has_unread() || may_have_more_)) return true;
    return under_->is_ready(needs(want));
}

// ---- the end

void TlsTransport::say_goodbye() {
    if (!is_open_ || has_pending_record_ || resets_) return;
    is_open_ = false;
    if (kernel_sends_) let_kernel_send_all(under_->descriptor());
    clear_errors();
    SSL_shutdown(ssl_);
}

void TlsTransport::finish_writing() {
    say_goodbye();
    under_->finish_writing();
}

void TlsTransport::reset_on_close() {
    resets_ = true;
    under_->reset_on_close();
}

/// Octets on the socket need not be news: session tickets come when the server likes.
bool TlsTransport::has_news(bool ask_kernel) {
    if (has_unread() || has_ended()) return true;
    if (!may_have_more_ && !under_->has_news(ask_kernel)) return false;
    char octet;
    std::size_t count = 0;
    clear_errors();
    const int result = SSL_peek_ex(ssl_, &octet, 1, &count);
    if (result == 1) return true;
    may_have_more_ = false;
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ) return false;
    ended(result, Want::read);
    return true;
}

}  // namespace headgate::net
