// See origins.h.
#include "tests/support/origins.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>

#include "tests/support/waiting.h"

namespace headgate::support {
namespace {

Descriptor listen_anywhere(std::uint16_t& port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Descriptor listener = listen_on(address, 0);
    if (!listener.is_open()) throw std::runtime_error("cannot listen on any port");
    port = ntohs(address.sin_port);
    return listener;
}

bool is_open(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(socket.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

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
        wait_until("for the origin to listen",
                   [&] { return program_->has_ended() || is_open(port_); });
    }
}

ScriptedOrigin::ScriptedOrigin() : listener_(listen_anywhere(port_)) {}

RawConnection ScriptedOrigin::accept() {
    wait_until("for the proxy to connect", [&] { return has_connection(); });
    Descriptor socket(
        ::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const int on = 1;
    ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return RawConnection(std::move(socket));
}

RawConnection ScriptedOrigin::accept_request(std::string& head) {
    RawConnection connection = accept();
    head = connection.receive_head();
    return connection;
}

bool ScriptedOrigin::has_connection() const {
    pollfd entry{listener_.number(), POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

}  // namespace headgate::support
