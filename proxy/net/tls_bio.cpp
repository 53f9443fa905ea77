// See tls_bio.h.
#include "proxy/net/tls_bio.h"

#include <cerrno>

namespace headgate::net {
namespace {

Transport& under(BIO* bio) {
    return *static_cast<Transport*>(BIO_get_data(bio));
}

int bio_read(BIO* bio, char* into, int size) {
    BIO_clear_retry_flags(bio);
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

long bio_control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return 0;
}

BIO_METHOD* make_method() {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
    BIO_meth_set_read(method, bio_read);
    BIO_meth_set_write(method, bio_write);
    BIO_meth_set_ctrl(method, bio_control);
    return method;
}

}  // namespace

BIO* make_tls_bio(Transport& under) {
    static BIO_METHOD* const method = make_method();
    BIO* bio = BIO_new(method);
    BIO_set_data(bio, &under);
    BIO_set_init(bio, 1);
    return bio;
}

}  // namespace headgate::net
