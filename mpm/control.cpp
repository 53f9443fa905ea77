// See control.h.
#include "mpm/control.h"

#include <sys/socket.h>

#include <cerrno>

namespace headgate::mpm {

std::pair<loop::Socket, loop::Socket> make_control_pair() {
    int ends[2] = {-1, -1};
    ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
    return {loop::Socket(ends[0]), loop::Socket(ends[1])};
}

bool send_word(const loop::Socket& to, ControlWord word, const std::string& text) {
    char octet = static_cast<char>(word);
    const iovec pieces[] = {{&octet, 1}, {const_cast<char*>(text.data()), text.size()}};
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = text.empty() ? 1 : 2;
    const ssize_t count = ::sendmsg(to.descriptor(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return count == static_cast<ssize_t>(text.size() + 1);
}

ReceivedWord receive_word(const loop::Socket& from) {
    char octet = 0;
    const ssize_t size = ::recv(from.descriptor(), &octet, 1, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    if (size < 1) {
        const bool would_block = size < 0 && (errno == EAGAIN || errno == EINTR);
        return {std::nullopt, !would_block, ""};
    }
    std::string message(static_cast<std::size_t>(size), '\0');
    const ssize_t count = ::recv(from.descriptor(), message.data(), message.size(), MSG_DONTWAIT);
    if (count < 1) return {};
    return {static_cast<ControlWord>(message[0]), false, message.substr(1)};
}

}  // namespace headgate::mpm
