// See socket.h.
#include "mpm/loop/socket.h"

#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace headgate::loop {
namespace {

void set(int descriptor, int level, int option, int value) {
    ::setsockopt(descriptor, level, option, &value, sizeof value);
}

Connecting begin(int family, const sockaddr* address, socklen_t size) {
    Connecting result{Socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)), 0};
    if (!result.socket.is_open()) {
        result.error = errno;
        return result;
    }
    if (::connect(result.socket.descriptor(), address, size) != 0) result.error = errno;
    return result;
}

}  // namespace

void Socket::close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void Socket::reset_on_close() {
    const linger now{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void Socket::tune_for_relay(int unsent) {
    set(descriptor_, IPPROTO_TCP, TCP_NODELAY, 1);
    keep_unsent(unsent);
}

void Socket::keep_unsent(int unsent) {
    set(descriptor_, IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent);
}

void tune_accepted_for_relay(int listener) {
    Socket borrowed(listener);
    borrowed.tune_for_relay();
    borrowed.release();
}

void Socket::keep_alive_probes() {
    set(descriptor_, SOL_SOCKET, SO_KEEPALIVE, 1);
}

Connecting start_connect(const Address& address) {
    return begin(address.family(), address.data(), address.size());
}

Connecting start_connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return {Socket(), ENAMETOOLONG};
    std::memcpy(address.sun_path, path.c_str(), path.size());
    return begin(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

int connect_result(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

Listening open_listener(const Address& address, const ListenOptions& options) {
    Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return {Socket(), errno, "socket"};
    const int descriptor = socket.descriptor();
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1);
    if (options.share_port) set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
    if (address.family() == AF_INET6 && !address.is_any()) {
        set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (address.family() == AF_INET6 && address.is_any()) {
        set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    if (options.send_buffer > 0) set(descriptor, SOL_SOCKET, SO_SNDBUF, options.send_buffer);
    if (options.receive_buffer > 0) set(descriptor, SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
    if (::bind(descriptor, address.data(), address.size()) != 0) return {Socket(), errno, "bind"};
    if (::listen(descriptor, options.backlog) != 0) return {Socket(), errno, "listen"};
    return {std::move(socket), 0, ""};
}

bool is_listener(int descriptor) {
    int listens = 0;
    socklen_t size = sizeof listens;
    if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0) return false;
    const sa_family_t family = Address::of_socket(descriptor).family();
    return listens != 0 && (family == AF_INET || family == AF_INET6);
}

AcceptResult accept_one(int listener) {
    AcceptResult result;
    socklen_t size = Address::capacity;
    const int descriptor =
        ::accept4(listener, result.peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
        result.error = errno;
        return result;
    }
    result.socket = Socket(descriptor);
    return result;
}

}  // namespace headgate::loop
