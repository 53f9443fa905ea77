// See tls_bio.h. Where the kernel does TLS, OpenSSL's own BIO of the socket is chained behind ours:
// it knows how a socket is handed over, and what its records look like afterwards. It is used for a
// direction once that is done, and for nothing before.
#include "proxy/net/tls_bio.h"

#include <linux/tls.h>
#include <sys/socket.h>

#include <cerrno>

#include "proxy/net/tls_kernel.h"

namespace headgate::net {
namespace {

bool kernel_sends(BIO* bio) {
    return BIO_next(bio) != nullptr && BIO_get_ktls_send(BIO_next(bio));
}
bool kernel_receives(BIO* bio) {
    return BIO_next(bio) != nullptr && BIO_get_ktls_recv(BIO_next(bio));
}

PlainTransport& under(BIO* bio) {
    return *static_cast<PlainTransport*>(BIO_get_data(bio));
}

/// A record that cannot be decrypted leaves its error on the socket, and nothing could be written
/// any more: not even the alert that says so (RFC 5246 section 7.2.2). OpenSSL still looks at
/// errno.
void take_error_off(BIO* bio) {
    const int said = errno;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(under(bio).descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    errno = said;
}

/// The flags of the edge-triggered set are kept as the transport itself would.
int read_from_kernel(BIO* bio, char* into, int size) {
    bool& is_readable = under(bio).readiness().readable;
    if (!is_readable) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const int count = BIO_read(BIO_next(bio), into, size);
    if (count > 0) return count;
    if (BIO_should_retry(BIO_next(bio))) {
        is_readable = false;
        BIO_set_retry_read(bio);
    } else if (count == 0) {
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    } else {
        take_error_off(bio);
    }
    return count;
}

int write_to_kernel(BIO* bio, const char* octets, int size) {
    bool& is_writable = under(bio).readiness().writable;
    if (!is_writable) {
        BIO_set_retry_write(bio);
        return -1;
    }
    const int count = BIO_write(BIO_next(bio), octets, size);
    if (count <= 0 && BIO_should_retry(BIO_next(bio))) {
        is_writable = false;
        BIO_set_retry_write(bio);
    }
    return count;
}

/// A flag of ours, beside those of OpenSSL's own BIOs (openssl/bio.h: up to 0x1000).
constexpr int has_stopped = 0x10000;

int bio_read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
    if (BIO_test_flags(bio, has_stopped) != 0) {
        errno = EPROTO;
        return -1;
    }
    if (kernel_receives(bio)) return read_from_kernel(bio, into, size);
    const Tried tried = under(bio).try_read({into, static_cast<std::size_t>(size)});
    switch (tried.state) {
        case Tried::State::done:
            return static_cast<int>(tried.bytes);
        case Tried::State::want_read:
        case Tried::State::want_write:
            BIO_set_retry_read(bio);
            return -1;
        case Tried::State::end:
            BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
            return 0;
        case Tried::State::error:
            errno = tried.error;
            return -1;
    }
    return -1;
}

int bio_write(BIO* bio, const char* octets, int size) {
    BIO_clear_retry_flags(bio);
    if (kernel_sends(bio)) return write_to_kernel(bio, octets, size);
    const iovec piece{const_cast<char*>(octets), static_cast<std::size_t>(size)};
    const Tried tried = under(bio).try_write({&piece, 1});
    if (tried.is_done()) return static_cast<int>(tried.bytes);
    if (tried.would_block()) {
        BIO_set_retry_write(bio);
    } else {
        errno = tried.error;
    }
    return -1;
}

// Without names in OpenSSL's headers; the numbers stand in a comment of openssl/bio.h.
constexpr int hand_over = 72, as_control = 74, as_data = 75;

/// What OpenSSL asks of a socket that the kernel may take over; that BIO knows the answers.
bool is_about_kernel(int command) {
    return command == hand_over || command == as_control || command == as_data ||
           command == BIO_CTRL_GET_KTLS_SEND || command == BIO_CTRL_GET_KTLS_RECV;
}

/// Octets that the kernel has given away already it cannot decrypt. And under TLS 1.3 a peer may
/// ask for new keys at any time (RFC 8446 section 4.6.3), of which OpenSSL 3.0 does not tell the
/// kernel.
bool may_hand_over(BIO* bio, bool is_reading, const void* keys) {
    const bool is_1_2 = static_cast<const tls_crypto_info*>(keys)->version == TLS_1_2_VERSION;
    return is_1_2 && !(is_reading && under(bio).has_unread());
}

long bio_control(BIO* bio, int command, long number, void* pointer) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    if (!is_about_kernel(command) || BIO_next(bio) == nullptr) return 0;
    if (command == hand_over && !may_hand_over(bio, number == 0, pointer)) return 0;
    return BIO_ctrl(BIO_next(bio), command, number, pointer);
}

BIO_METHOD* make_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

}  // namespace

BIO* make_tls_bio(PlainTransport& under) {
    static BIO_METHOD* const method = make_method();
    BIO* bio = BIO_new(method);
    BIO_set_data(bio, &under);
    BIO_set_init(bio, 1);
    if (kernel_offers_tls()) BIO_push(bio, BIO_new_socket(under.descriptor(), BIO_NOCLOSE));
    return bio;
}

void stop_reading(BIO* bio) {
    BIO_set_flags(bio, has_stopped);
}

}  // namespace headgate::net
