// See tls_kernel.h. How the records get there is in tls_bio.cpp.
#include "proxy/net/tls_kernel.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

#include "mpm/loop/socket.h"

namespace headgate::net {
namespace {

/// A socket that is not connected cannot have it; but a kernel that does not know it says so first.
bool ask_kernel() {
    const loop::Socket probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    static constexpr char name[] = "tls";
    return ::setsockopt(probe.descriptor(), IPPROTO_TCP, TCP_ULP, name, sizeof name) == 0 ||
           errno == ENOTCONN;
}

}  // namespace

bool kernel_offers_tls() {
#ifdef OPENSSL_NO_KTLS
    return false;
#else
    static const bool is_offered = ask_kernel();
    return is_offered;
#endif
}

std::string kernel_tls_text() {
#ifdef OPENSSL_NO_KTLS
    return "not in this build of OpenSSL";
#else
    return kernel_offers_tls() ? "used under TLS 1.2, where a cipher allows it"
                               : "not in this kernel";
#endif
}

void use_kernel_tls(SSL_CTX* context) {
    if (kernel_offers_tls()) SSL_CTX_set_options(context, SSL_OP_ENABLE_KTLS);
}

KernelTls kernel_tls_of(const TlsTransport& transport) {
    if (!kernel_offers_tls()) return {};
    return {BIO_get_ktls_send(SSL_get_wbio(transport.ssl())),
            BIO_get_ktls_recv(SSL_get_rbio(transport.ssl()))};
}

// What send(2) has taken may wait as a record that TCP has not taken: for room, or because
// TCP_NOTSENT_LOWAT is reached. The end of the connection drops it (Linux 6.1: tcp_shutdown knows
// nothing of such records, and tls_sw_release_resources_tx frees them after one try). The next
// record takes along those before it, so there must be room for all of them: they are few.
void let_kernel_send_all(int descriptor) {
    constexpr int room = 256 * 1024, no_limit = 0;
    int size = 0;
    socklen_t length = sizeof size;
    ::getsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, &length);
    if (size < room) ::setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &no_limit, sizeof no_limit);
}

}  // namespace headgate::net
