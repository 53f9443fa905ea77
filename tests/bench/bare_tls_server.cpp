// What an idle TLS connection costs when nobody but OpenSSL keeps anything of it: a server for
// tls.sh that answers one request on each connection and then leaves it open. What a proxy's idle
// connection costs more than one of these is the proxy's own.
//
//     headgate-bare-tls-server PORT CERTIFICATE.pem     with its key; on 127.0.0.1
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

int listen_on(int port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool is_bound =
        ::bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    if (!is_bound || ::listen(descriptor, 1024) != 0) {
        std::perror("listen");
        std::exit(1);
    }
    return descriptor;
}

/// The settings that the proxies' own contexts have, as far as memory depends on them.
SSL_CTX* make_context(const char* certificate) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    const bool is_right = SSL_CTX_use_certificate_chain_file(context, certificate) == 1 &&
                          SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM) == 1;
    if (!is_right) {
        std::fprintf(stderr, "no certificate\n");
        std::exit(1);
    }
    return context;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 1;
    SSL_CTX* context = make_context(argv[2]);
    const int listener = listen_on(std::atoi(argv[1]));
    static constexpr char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    while (true) {
        const int descriptor = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (descriptor < 0) continue;
        SSL* ssl = SSL_new(context);  // kept for good: that is what is measured
        SSL_set_fd(ssl, descriptor);
        char request[4096];
        if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof request) > 0) {
            SSL_write(ssl, answer, sizeof answer - 1);
        }
    }
}
