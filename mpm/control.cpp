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

bool send_word(const loop::Socket& to, ControlWord word) {
    const char octet = static_cast<char>(word);
    return ::send(to.descriptor(), &octet, 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

ReceivedWord receive_word(const loop::Socket& from) {
    char octet = 0;
    const ssize_t count = ::recv(from.descriptor(), &octet, 1, MSG_DONTWAIT);
    if (count == 1) return {static_cast<ControlWord>(octet), false};
    const bool would_block = count < 0 && (errno == EAGAIN || errno == EINTR);
    return {std::nullopt, !would_block};
}

}  // namespace headgate::mpm
