// Every call under TLS fails once, and is cancelled once: the handshake, reading and writing, on
// the client's connection and on the upstream's. Nothing is left or closed twice, and a client
// never takes for the whole what is not.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <list>
#include <memory>

#include "proxy/engine.h"
#include "tests/support/exchange_rig.h"
#include "tests/support/fault_round.h"
#include "tests/support/tls_files.h"

namespace headgate::proxy {
namespace {

using support::FailingCalls;
using support::Got;
using support::LoadedSites;
using support::NothingLeft;
using support::Record;
using support::Round;
using support::ScriptedTransport;
using support::Step;
using support::StepOrigin;

struct Case {
    const char* name;
    std::string request;
    std::string request_end;
    std::string response;  // of the upstream
    std::string whole;     // as the client is to get it
    bool closes = false;   // the upstream then, and so the client's connection, by close_notify
    bool is_tunnel = false;
};

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const std::string ok = "HTTP/1.1 200 OK\r\n";
const std::string by_length = ok + "Content-Length: 5\r\n\r\nhello";
const std::string by_chunks = ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

const Case cases[] = {
    {"length", get, "\r\n\r\n", by_length, by_length},
    {"chunked", get, "\r\n\r\n", by_chunks, by_chunks},
    {"until close", get, "\r\n\r\n", ok + "\r\nhello", by_chunks, true},
    {"until close, to 1.0", "GET /a HTTP/1.0\r\nHost: h\r\n\r\n", "\r\n\r\n", ok + "\r\nhello",
     ok + "Connection: close\r\n\r\nhello", true},
    {"upload", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello", "hello", by_length,
     by_length},
};

/// In front of a TunnelTo, on the client's side.
const Case raw{"tunnel", "hi", "hi", "hello", "hello", true, true};

bool is_by_close(const Case& which) {
    return which.is_tunnel || which.whole.find("Connection: close") != std::string::npos;
}

StepOrigin::Reply answer(const Case& which, std::string_view input) {
    const bool has_head = which.is_tunnel || input.find("\r\n\r\n") != input.npos;
    const bool is_whole = has_head && input.ends_with(which.request_end);
    if (!is_whole) return {};
    return {input.size(), which.response, which.closes, false};
}

const support::TlsFiles& files() {
    static const support::TlsFiles made;
    return made;
}
const std::string& server_directives() {
    static const std::string made = files().server("proxy.test");
    return made;
}

// ---- the client's side

/// A client of TLS that is stepped: it shakes hands, asks, reads what comes, and leaves when it has
/// the whole, or when there is no more.
class TlsClient {
public:
    enum class End : std::uint8_t { not_yet, announced, lost };

    TlsClient(int socket, const Case& which)
        : which_(which), socket_(socket), tls_(socket, support::asking_for("proxy.test")) {}

    bool step() {
        if (has_left_) return false;
        if (!tls_.is_shaken()) {
            const bool is_over = tls_.shake() < 0 && errno != EAGAIN;
            return is_over ? leave(End::lost) : tls_.is_shaken();
        }
        if (!has_asked_) {
            has_asked_ = true;
            return tls_.send(which_.request.data(), which_.request.size()) > 0;
        }
        char octets[4096];
        const ssize_t count = tls_.recv(octets, sizeof octets);
        if (count > 0) {
            input_.append(octets, count);
            const bool is_enough = !is_by_close(which_) && text() == which_.whole;
            return is_enough ? leave(End::not_yet) : true;
        }
        if (count < 0 && errno == EAGAIN) return false;
        return leave(count == 0 ? End::announced : End::lost);
    }
    std::string text() const { return support::without_date(input_); }
    End end() const { return end_; }

private:
    bool leave(End end) {
        end_ = end;
        has_left_ = true;
        tls_.say_goodbye();
        socket_.close();
        return true;
    }

    const Case& which_;
    loop::Socket socket_;
    support::TlsEnd tls_;
    std::string input_;
    End end_ = End::not_yet;
    bool has_asked_ = false, has_left_ = false;
};

/// The body for fail_nth: every call on the client's connection is under the plan.
class ServeClient {
public:
    ServeClient(const Case& which, StepOrigin& origin, std::unique_ptr<TlsClient>& client)
        : which_(which), origin_(origin), client_(client) {}
    loop::Task<void> operator()(Round& round) const { return run(round, *this); }

private:
    static loop::Task<void> run(Round& round, const ServeClient& self) {
        const NothingLeft nothing_left(self.origin_);
        const LoadedSites loaded(self.configuration());
        const auto calls = std::make_unique<FailingCalls>(round.plan, 0);
        auto connection = self.serve(round, loaded);
        co_await std::move(connection);
        self.judge(round, loaded.file("access.log"));
        self.client_.reset();
    }

    std::string configuration() const {
        if (!which_.is_tunnel) return support::configuration(origin_.url(), server_directives());
        return "ServerName main.test\nErrorLog error.log\nListen 127.0.0.1:443\n"
               "<VirtualHost 127.0.0.1:443>\nServerName proxy.test\n" +
               server_directives() + "CustomLog access.log \"%{end}x\"\nTunnelTo tcp://127.0.0.1:" +
               std::to_string(origin_.port()) + "\n</VirtualHost>\n";
    }

    mpm::Accepted connect() const {
        int ends[2];
        HEADGATE_ASSERT(
            ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
        FailingCalls::watch(ends[0]);
        client_ = std::make_unique<TlsClient>(ends[1], which_);
        return {loop::Socket(ends[0]), *loop::Address::from_literal("192.0.2.7", 4000),
                *loop::Address::from_literal("127.0.0.1", 443)};
    }

    loop::Task<void> serve(Round& round, const LoadedSites& loaded) const {
        const auto stock = std::make_unique<upstream::SharedStock>();
        support::OneThread thread;
        const auto engine =
            std::make_unique<Engine>(round.loop(), loaded.sites(), *stock, thread.surroundings);
        auto connection = engine->serve(connect());
        do {  // as Scope does: the handshake's task is followed by the protocol's
            co_await std::move(connection);
        } while (round.loop().take_next(connection));
        // What is said at the end of the connection has still to reach the client.
        while (client_->step()) {
        }
    }

    void judge(const Round& round, const std::string& log) const {
        const std::string text = support::joined(client_->text());
        const std::string whole = support::joined(which_.whole);
        EXPECT_TRUE(whole.starts_with(text)) << text;
        // Only its close_notify says that content until close was all (RFC 8446 section 6.1).
        const bool is_announced = client_->end() == TlsClient::End::announced;
        EXPECT_TRUE(text == whole || !is_by_close(which_) || !is_announced) << log;
        if (!round.is_untouched()) return;
        EXPECT_EQ(text, whole) << log;
        EXPECT_EQ(is_announced, is_by_close(which_));
        EXPECT_GE(FailingCalls::reads(), 3);
        EXPECT_GE(FailingCalls::writes(), 2);
    }

    const Case& which_;
    StepOrigin& origin_;
    std::unique_ptr<TlsClient>& client_;
};

int fail_each_call_on_the_client(const Case& which) {
    SCOPED_TRACE(which.name);
    StepOrigin origin([&](std::string_view input, int) { return answer(which, input); });
    std::unique_ptr<TlsClient> client;
    // What is made once in a process: the keys of tickets.
    const LoadedSites first(support::configuration(origin.url(), server_directives()));
    return support::fail_nth(ServeClient(which, origin, client), [&] {
        const bool has_moved = client != nullptr && client->step();
        return origin.step() || has_moved;
    });
}

TEST(TlsFaults, every_call_on_the_client_fails_once) {
    for (const Case& each : cases) {
        EXPECT_GE(fail_each_call_on_the_client(each), 5)
            << "two reads and a write for the handshake, a read and a write";
        if (HasFailure()) return;
    }
}

TEST(TlsFaults, every_call_on_the_client_of_a_tunnel_fails_once) {
    EXPECT_GE(fail_each_call_on_the_client(raw), 5);
}

// ---- the upstream's side

/// An origin that speaks TLS and is stepped.
class TlsOrigin {
public:
    explicit TlsOrigin(const Case& which)
        : which_(which), context_(SSL_CTX_new(TLS_server_method())) {
        ::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
        const support::Issued issued = support::authority().issue("origin.test");
        const std::string certificate = files().folder.write("origin.pem", issued.certificate);
        SSL_CTX_use_certificate_file(context_, certificate.c_str(), SSL_FILETYPE_PEM);
        const std::string key = files().folder.write("origin.key", issued.key);
        SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM);
        listener_ = loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {}).socket;
        port_ = loop::Address::of_socket(listener_.descriptor()).port();
    }
    ~TlsOrigin() {
        connections_.clear();
        SSL_CTX_free(context_);
    }
    TlsOrigin(const TlsOrigin&) = delete;
    TlsOrigin& operator=(const TlsOrigin&) = delete;

    std::uint16_t port() const { return port_; }
    std::size_t open() const { return connections_.size(); }
    int seen() const { return seen_; }
    void forget_seen() { seen_ = 0; }

    bool step() {
        bool moved = false;
        for (;;) {
            loop::AcceptResult taken = loop::accept_one(listener_.descriptor());
            if (!taken.socket.is_open()) break;
            connections_.emplace_back(std::move(taken.socket), context_);
            moved = true;
        }
        for (auto each = connections_.begin(); each != connections_.end();) {
            bool is_over = false;
            moved = serve(*each, is_over) || moved;
            each = is_over ? connections_.erase(each) : std::next(each);
        }
        return moved;
    }

private:
    struct Connection {
        Connection(loop::Socket taken, SSL_CTX* context)
            : socket(std::move(taken)), ssl(SSL_new(context)) {
            const int on = 1;  // the clock of the test does not wait for acknowledgements
            ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            SSL_set_fd(ssl, socket.descriptor());
            SSL_set_accept_state(ssl);
        }
        ~Connection() { SSL_free(ssl); }
        Connection(const Connection&) = delete;
        loop::Socket socket;
        SSL* ssl;
        std::string input;
    };

    bool serve(Connection& connection, bool& is_over) {
        char octets[4096];
        const int count = SSL_read(connection.ssl, octets, sizeof octets);
        if (count <= 0) {
            is_over = SSL_get_error(connection.ssl, count) != SSL_ERROR_WANT_READ;
            ERR_clear_error();
            return is_over;
        }
        connection.input.append(octets, count);
        const StepOrigin::Reply reply = answer(which_, connection.input);
        if (reply.take == 0) return true;
        seen_++;
        connection.input.clear();
        SSL_write(connection.ssl, reply.octets.data(), static_cast<int>(reply.octets.size()));
        if (reply.closes) SSL_shutdown(connection.ssl);
        is_over = reply.closes;
        ERR_clear_error();
        return true;
    }

    const Case& which_;
    SSL_CTX* context_;
    loop::Socket listener_;
    std::uint16_t port_ = 0;
    int seen_ = 0;
    std::list<Connection> connections_;
};

/// The body for fail_nth: every call on the upstream's connection is under the plan.
class ServeUpstream {
public:
    ServeUpstream(const Case& which, TlsOrigin& origin) : which_(which), origin_(origin) {}
    loop::Task<void> operator()(Round& round) const { return run(round, *this); }

private:
    static loop::Task<void> run(Round& round, const ServeUpstream& self) {
        const NothingLeft nothing_left(self.origin_);
        self.origin_.forget_seen();
        const LoadedSites loaded(
            support::configuration("https://127.0.0.1:" + std::to_string(self.origin_.port()),
                                   "SSLProxyEngine On\nSSLProxyVerify none\n"));
        const auto calls = std::make_unique<FailingCalls>(round.plan, self.origin_.port());
        Record record;
        support::Steps reads{Step::data(self.which_.request), Step::block(), Step::end()};
        auto transport = std::make_unique<ScriptedTransport>(round.loop(), std::move(reads),
                                                             support::Steps{}, record);
        auto exchange = support::serve_client(round, loaded, std::move(transport));
        co_await std::move(exchange);
        self.judge(round, record, loaded.file("access.log"));
    }

    void judge(const Round& round, const Record& record, const std::string& log) const {
        const Got got(support::joined(support::without_date(record.written())),
                      support::joined(which_.whole));
        EXPECT_TRUE(record.is_closed);
        EXPECT_TRUE(support::joined(which_.whole).starts_with(got.rest)) << got.rest;
        EXPECT_TRUE(got.rest.empty() || got.answers == 0) << record.written();
        EXPECT_LE(got.whole + got.answers, 1u) << record.written();
        const bool is_marked = is_by_close(which_) && record.resets_on_close;
        EXPECT_TRUE(!is_by_close(which_) || got.rest.empty() || is_marked) << log;
        EXPECT_EQ(support::count(log, " ok "), is_marked ? 0 : got.whole) << log;
        EXPECT_TRUE(which_.request.starts_with("GET") || origin_.seen() <= 1) << "sent twice";
        if (!round.is_untouched()) return;
        EXPECT_EQ(got.whole, 1u) << record.written() << log;
        EXPECT_EQ(origin_.seen(), 1);
        EXPECT_GE(FailingCalls::reads(), 2);
        EXPECT_GE(FailingCalls::writes(), 2);
    }

    const Case& which_;
    TlsOrigin& origin_;
};

TEST(TlsFaults, every_call_on_the_upstream_fails_once) {
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        TlsOrigin origin(each);
        const int steps =
            support::fail_nth(ServeUpstream(each, origin), [&origin] { return origin.step(); });
        EXPECT_GE(steps, 6) << "connect; of the handshake two writes and a read; write, read";
        if (HasFailure()) return;
    }
}

}  // namespace
}  // namespace headgate::proxy
