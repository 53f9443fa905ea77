// See origins.h.
#include "tests/support/origins.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/support/waiting.h"

namespace headgate::support {
namespace {

// Suites that run side by side must not meet: what one gave up a moment ago, or is about to listen
// on, another would reach. So each process takes its ports, in turn, from a block of its own, below
// those that the kernel gives out. A block is whose socket has its name.
constexpr unsigned first_port = 10000;
constexpr unsigned ports_of_block = 400;
constexpr unsigned blocks = 50;

/// Holds the block until the process ends.
bool claim(unsigned block) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const std::string text = "headgate-ports-" + std::to_string(block);
    text.copy(name.sun_path + 1, text.size());  // behind a 0: abstract, of this network namespace
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (::bind(socket.number(), reinterpret_cast<sockaddr*>(&name), size) != 0) return false;
    static Descriptor held;
    held = std::move(socket);
    return true;
}

unsigned claim_block() {
    for (unsigned block = 0; block < blocks; block++) {
        if (claim(block)) return block;
    }
    throw std::runtime_error("all blocks of ports are taken");
}

std::uint16_t next_port() {
    static std::atomic<unsigned> next{0};
    static const unsigned block = claim_block();
    return static_cast<std::uint16_t>(first_port + block * ports_of_block +
                                      next++ % ports_of_block);
}

Descriptor listen_anywhere(std::uint16_t& port) {
    for (unsigned tries = 0; tries < ports_of_block; tries++) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        port = next_port();
        address.sin_port = htons(port);
        Descriptor listener = listen_on(address, 0);
        if (listener.is_open()) return listener;
    }
    throw std::runtime_error("cannot listen on any port");
}

std::set<std::uint16_t>& ports_with_tls() {
    static std::set<std::uint16_t> ports;
    return ports;
}

std::set<ScriptedOrigin*>& all_scripted() {
    static std::set<ScriptedOrigin*> all;
    return all;
}

const Issued& certificate_of_origins() {
    static Authority authority("Authority of origins");
    static const Issued issued =
        authority.issue("proxy.test");  // where that is what it is asked for
    return issued;
}

}  // namespace

std::string as_origins_speak(std::string directives) {
    for (const std::uint16_t port : ports_with_tls()) {
        for (const auto& [plain, tls] : {std::pair{"http://", "https://"}, {"tcp://", "tls://"}}) {
            const std::string place = "127.0.0.1:" + std::to_string(port);
            const std::string from = plain + place;
            for (std::size_t at = 0; (at = directives.find(from, at)) != std::string::npos;)
                directives.replace(at, from.size(), tls + place);
        }
    }
    return directives;
}

std::uint16_t free_port() {
    std::uint16_t port = 0;
    const Descriptor listener = listen_anywhere(port);
    return port;
}

RunningOrigin::RunningOrigin() {
    while (!program_ || program_->has_ended()) {  // somebody else may have taken the port
        port_ = free_port();
        program_ = std::make_unique<ChildProgram>(
            folder_, built_program("headgate-origin"),
            std::vector<std::string>{"--listen", "127.0.0.1:" + std::to_string(port_)});
        // It says so itself: somebody who answers there might be another.
        wait_until("for the origin to listen", [&] {
            return program_->has_ended() || program_->out().find("listening") != std::string::npos;
        });
    }
    if (tests_tls_origins()) end_tls();
}

void RunningOrigin::end_tls() {
    const std::uint16_t behind = port_;
    const Issued& own = certificate_of_origins();
    const std::string text =
        "ErrorLog " + front_folder_.file("error.log") + "\nStartServers 1\nThreadsPerChild 1\n" +
        "SSLEngine On\nSSLCertificateFile " + front_folder_.write("own.pem", own.certificate) +
        "\nSSLCertificateKeyFile " + front_folder_.write("own.key", own.key) +
        "\n<VirtualHost *>\nServerName origin.test\nTunnelTo tcp://127.0.0.1:" +
        std::to_string(behind) + "\n</VirtualHost>\n";
    while (!front_ || front_->has_ended()) {
        port_ = free_port();
        const std::string conf = front_folder_.write(
            "front.conf", "Listen 127.0.0.1:" + std::to_string(port_) + "\n" + text);
        front_ =
            std::make_unique<ChildProgram>(front_folder_, built_program("headgate"),
                                           std::vector<std::string>{"-f", conf, "--mpm", "event"});
        wait_until("for the origin's TLS to listen", [&] {
            return front_->has_ended() || front_->err().find("listening on") != std::string::npos;
        });
    }
    ports_with_tls().insert(port_);
}

void ScriptedOrigin::let_all_in() {
    for (ScriptedOrigin* each : all_scripted())
        each->let_in();
}

ScriptedOrigin::ScriptedOrigin() : listener_(listen_anywhere(port_)) {
    if (!tests_tls_origins()) return;
    ports_with_tls().insert(port_);
    all_scripted().insert(this);
    [[maybe_unused]] static const bool is_known = (also_meanwhile(let_all_in), true);
}

ScriptedOrigin::~ScriptedOrigin() {
    all_scripted().erase(this);
}

Descriptor ScriptedOrigin::take() const {
    Descriptor socket(
        ::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const int on = 1;
    ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return socket;
}

void ScriptedOrigin::let_in() {
    TlsTerms terms;
    terms.is_server = true;
    terms.shown = certificate_of_origins();
    while (listener_.is_open() && is_called())
        inside_.emplace_back(take(), terms);
    for (RawConnection& each : inside_)
        each.tls()->shake();
}

RawConnection ScriptedOrigin::accept() {
    wait_until("for the proxy to connect", [&] { return has_connection(); });
    if (!tests_tls_origins()) return RawConnection(take());
    let_in();
    RawConnection connection = std::move(inside_.front());
    inside_.pop_front();
    connection.shake();
    return connection;
}

RawConnection ScriptedOrigin::accept_request(std::string& head) {
    RawConnection connection = accept();
    head = connection.receive_head();
    return connection;
}

bool ScriptedOrigin::has_connection() const {
    return !inside_.empty() || is_called();
}

bool ScriptedOrigin::is_called() const {
    pollfd entry{listener_.number(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

}  // namespace headgate::support
