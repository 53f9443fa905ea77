// A TLS client for tls.sh and tls_threads.sh: makes a counted number of handshakes, or holds a
// number of idle connections; and says what was negotiated, for figures of two servers compare only
// where that is the same. Offers one cipher for each protocol and one group, so that it is.
//
//     headgate-tls-client PORT full|resumed 1.2|1.3 COUNT [THREADS]     on 127.0.0.1
//     headgate-tls-client PORT hold 1.2|1.3 COUNT     one request on each; until its input ends
//
// Prints one line of NAME=VALUE words. Exit status 1 when something could not be done.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Plan {
    std::uint16_t port = 0;
    std::string what;
    bool is_1_3 = false;
    int count = 0;
    int threads = 1;
};

struct Facts {
    std::string protocol, cipher, group, key;
    std::atomic<int> done{0}, resumed{0}, tickets{0};
};

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

int connect_to(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    const timeval patience{5, 0};
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        fail("connect");
    }
    return descriptor;
}

int count_ticket(SSL* ssl, SSL_SESSION*) {
    static_cast<Facts*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->tickets++;
    return 0;
}

SSL_CTX* make_context(const Plan& plan, Facts& facts) {
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    const int version = plan.is_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    SSL_CTX_set_cipher_list(context, "ECDHE+AES128+AESGCM");
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set1_groups_list(context, "X25519:P-256");  // P-256 for the certificate
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, count_ticket);
    SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);  // a ticket alone ends a read
    SSL_CTX_set_app_data(context, &facts);
    return context;
}

SSL* open_connection(SSL_CTX* context, std::uint16_t port, SSL_SESSION* session) {
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, connect_to(port));
    SSL_set_tlsext_host_name(ssl, "bench.test");
    if (session != nullptr) {
        // A copy, for under 1.3 a new ticket is the end of the old session.
        SSL_SESSION* own = SSL_SESSION_dup(session);
        SSL_set_session(ssl, own);
        SSL_SESSION_free(own);
    }
    if (SSL_connect(ssl) != 1) fail("handshake");
    return ssl;
}

/// Under 1.3 they come behind the handshake. All are read: closing before would be a reset, and
/// servers that have been reset have less to do.
void await_tickets(SSL* ssl, int count) {
    char octet;
    for (int i = 0; i < count && SSL_version(ssl) == TLS1_3_VERSION; i++)
        SSL_read(ssl, &octet, 1);
}

/// With close_notify, as a browser ends.
void close_connection(SSL* ssl) {
    SSL_shutdown(ssl);
    ::close(SSL_get_fd(ssl));
    SSL_free(ssl);
}

void note_facts(SSL* ssl, Facts& facts) {
    facts.protocol = SSL_get_version(ssl);
    facts.cipher = SSL_get_cipher_name(ssl);
    EVP_PKEY* share = nullptr;
    if (SSL_get_peer_tmp_key(ssl, &share) == 1) facts.group = OBJ_nid2sn(EVP_PKEY_get_id(share));
    EVP_PKEY_free(share);
    X509* certificate = SSL_get1_peer_certificate(ssl);
    if (certificate == nullptr) return;
    facts.key = OBJ_nid2sn(EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)));
    X509_free(certificate);
}

bool exchange(SSL* ssl) {
    static constexpr char request[] = "GET /hello HTTP/1.1\r\nHost: bench.test\r\n\r\n";
    char answer[16 * 1024];
    if (SSL_write(ssl, request, sizeof request - 1) <= 0) return false;
    while (true) {
        const int size = SSL_read(ssl, answer, sizeof answer - 1);
        if (size > 0) return std::strncmp(answer, "HTTP/1.1 200", 12) == 0;
        if (SSL_get_error(ssl, size) != SSL_ERROR_WANT_READ) return false;
    }
}

void make_handshakes(SSL_CTX* context, const Plan& plan, SSL_SESSION* session, int tickets,
                     Facts& facts) {
    while (facts.done.fetch_add(1) < plan.count) {
        SSL* ssl = open_connection(context, plan.port, session);
        facts.resumed += SSL_session_reused(ssl);
        await_tickets(ssl, tickets);
        close_connection(ssl);
    }
}

void shake(SSL_CTX* context, const Plan& plan, Facts& facts) {
    SSL* first = open_connection(context, plan.port, nullptr);
    note_facts(first, facts);
    if (!exchange(first)) fail("exchange");  // by now the tickets have come
    SSL_SESSION* session = plan.what == "resumed" ? SSL_get1_session(first) : nullptr;
    close_connection(first);
    const int first_tickets = facts.tickets.exchange(0);
    const int tickets = session != nullptr ? 1 : first_tickets;
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    for (int i = 0; i < plan.threads; i++)
        threads.emplace_back([&] { make_handshakes(context, plan, session, tickets, facts); });
    for (std::thread& thread : threads)
        thread.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("count=%d resumed=%d first_tickets=%d tickets=%d seconds=%.3f ", plan.count,
                facts.resumed.load(), first_tickets, facts.tickets.load(), took.count());
}

void hold(SSL_CTX* context, const Plan& plan, Facts& facts) {
    for (int i = 0; i < plan.count; i++) {
        SSL* ssl = open_connection(context, plan.port, nullptr);
        if (i == 0) note_facts(ssl, facts);
        if (!exchange(ssl)) fail("exchange");
    }
    std::printf("held=%d ", plan.count);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s PORT full|resumed|hold 1.2|1.3 COUNT [THREADS]\n", argv[0]);
        return 1;
    }
    Plan plan;
    plan.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    plan.what = argv[2];
    plan.is_1_3 = std::string(argv[3]) == "1.3";
    plan.count = std::atoi(argv[4]);
    if (argc > 5) plan.threads = std::atoi(argv[5]);
    Facts facts;
    SSL_CTX* context = make_context(plan, facts);
    if (plan.what == "hold") {
        hold(context, plan, facts);
    } else {
        shake(context, plan, facts);
    }
    std::printf("protocol=%s cipher=%s group=%s key=%s\n", facts.protocol.c_str(),
                facts.cipher.c_str(), facts.group.c_str(), facts.key.c_str());
    std::fflush(stdout);
    char octet;
    while (plan.what == "hold" && ::read(0, &octet, 1) > 0) {
    }
    std::_Exit(0);  // thousands of connections need no farewell
}
