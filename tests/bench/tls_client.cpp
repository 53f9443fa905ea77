// A TLS client for tls.sh, tls_threads.sh and tls_tunnels.sh: makes a counted number of handshakes,
// or holds a number of idle connections; and says what was negotiated, for figures of two servers
// compare only where that is the same. Offers one cipher for each protocol and one group, so that
// it is.
//
//     headgate-tls-client PORT full|resumed 1.2|1.3 COUNT [THREADS]     on 127.0.0.1
//     headgate-tls-client PORT asking 1.2|1.3|plain COUNT [THREADS]     and a request on each
//     headgate-tls-client PORT down|up 1.2|1.3|plain COUNT     MiB, of one response or request
//     headgate-tls-client PORT hold 1.2|1.3|plain COUNT     one request on each; until its input
//     ends
//
// Plain is no TLS at all: for what speaks TLS on its other side.
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
    bool is_plain = false;
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

/// A connection, by TLS or plain.
struct End {
    int descriptor = -1;
    SSL* ssl = nullptr;

    bool send(const char* octets, std::size_t size) const {
        while (size > 0) {
            const ssize_t count = ssl != nullptr ? SSL_write(ssl, octets, static_cast<int>(size))
                                                 : ::send(descriptor, octets, size, MSG_NOSIGNAL);
            if (count <= 0) return false;
            octets += count;
            size -= static_cast<std::size_t>(count);
        }
        return true;
    }
    /// 0 at the end, and when it fails.
    std::size_t receive(char* into, std::size_t size) const {
        while (ssl != nullptr) {
            const int count = SSL_read(ssl, into, static_cast<int>(size));
            if (count > 0) return static_cast<std::size_t>(count);
            if (SSL_get_error(ssl, count) != SSL_ERROR_WANT_READ) return 0;
        }
        const ssize_t count = ::recv(descriptor, into, size, 0);
        return count > 0 ? static_cast<std::size_t>(count) : 0;
    }
};

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

bool exchange(const End& end) {
    static constexpr char request[] = "GET /hello HTTP/1.1\r\nHost: bench.test\r\n\r\n";
    char answer[16 * 1024] = "";
    return end.send(request, sizeof request - 1) && end.receive(answer, sizeof answer - 1) > 0 &&
           std::strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

End open_end(SSL_CTX* context, const Plan& plan) {
    if (plan.is_plain) return {connect_to(plan.port), nullptr};
    SSL* ssl = open_connection(context, plan.port, nullptr);
    return {SSL_get_fd(ssl), ssl};
}

void close_end(const End& end) {
    if (end.ssl == nullptr) {
        ::close(end.descriptor);
    } else {
        close_connection(end.ssl);
    }
}

void ask_often(SSL_CTX* context, const Plan& plan, Facts& facts) {
    while (facts.done.fetch_add(1) < plan.count) {
        const End end = open_end(context, plan);
        if (!exchange(end)) fail("exchange");
        close_end(end);
    }
}

void ask(SSL_CTX* context, const Plan& plan, Facts& facts) {
    const End first = open_end(context, plan);
    if (first.ssl != nullptr) note_facts(first.ssl, facts);
    if (!exchange(first)) fail("exchange");
    close_end(first);
    std::vector<std::thread> threads;
    for (int i = 0; i < plan.threads; i++)
        threads.emplace_back([&] { ask_often(context, plan, facts); });
    for (std::thread& thread : threads)
        thread.join();
    std::printf("count=%d ", plan.count);
}

/// headgate-origin's /big and /upload.
void move_content(SSL_CTX* context, const Plan& plan, Facts& facts) {
    static char octets[1 << 20];
    const End end = open_end(context, plan);
    if (end.ssl != nullptr) note_facts(end.ssl, facts);
    const bool is_up = plan.what == "up";
    const std::size_t size = static_cast<std::size_t>(plan.count) << 20;
    const std::string number = std::to_string(size);
    const std::string head =
        is_up ? "POST /upload HTTP/1.1\r\nHost: bench.test\r\nContent-Length: " + number
              : "GET /big?bytes=" + number + " HTTP/1.1\r\nHost: bench.test";
    bool is_done = end.send((head + "\r\n\r\n").data(), head.size() + 4);
    for (int i = 0; is_up && is_done && i < plan.count; i++)
        is_done = end.send(octets, sizeof octets);
    std::size_t got = 0;
    do {
        const std::size_t count = end.receive(octets, sizeof octets);
        is_done = is_done && count > 0;
        got += count;
    } while (is_done && !is_up && got < size);
    if (!is_done) fail(plan.what.c_str());
    close_end(end);
    std::printf("count=%d ", plan.count);
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
    if (!exchange({SSL_get_fd(first), first})) fail("exchange");  // by now the tickets have come
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
        const End end = open_end(context, plan);
        if (i == 0 && end.ssl != nullptr) note_facts(end.ssl, facts);
        if (!exchange(end)) fail("exchange");
    }
    std::printf("held=%d ", plan.count);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s PORT WHAT 1.2|1.3|plain COUNT [THREADS]\n", argv[0]);
        return 1;
    }
    Plan plan;
    plan.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    plan.what = argv[2];
    plan.is_1_3 = std::string(argv[3]) == "1.3";
    plan.is_plain = std::string(argv[3]) == "plain";
    plan.count = std::atoi(argv[4]);
    if (argc > 5) plan.threads = std::atoi(argv[5]);
    Facts facts;
    SSL_CTX* context = make_context(plan, facts);
    if (plan.what == "hold") {
        hold(context, plan, facts);
    } else if (plan.what == "asking") {
        ask(context, plan, facts);
    } else if (plan.what == "down" || plan.what == "up") {
        move_content(context, plan, facts);
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
