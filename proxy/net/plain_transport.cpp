// See plain_transport.h. The flags of the edge-triggered set are kept honest here: a would-block or
// a short read says that the descriptor is drained, and saves the next try its system call.
#include "proxy/net/plain_transport.h"

#include <sys/socket.h>

#include <cerrno>

#include "proxy/net/pipe.h"

namespace headgate::net {
namespace {

bool is_would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

PlainTransport::PlainTransport(loop::Loop& loop, loop::Socket socket)
    : loop_(loop), readiness_(loop.watch(socket.descriptor())), socket_(std::move(socket)) {}

PlainTransport::~PlainTransport() {
    if (socket_.is_open()) loop_.close(readiness_, std::move(socket_));
}

loop::Socket PlainTransport::release() {
    loop_.forget(readiness_);
    return std::move(socket_);
}

Tried PlainTransport::try_read(std::span<char> into) {
    if (!unread_.is_empty()) return {Tried::State::done, unread_.take(into), 0};
    if (!readiness_.readable) return {Tried::State::want_read, 0, 0};
    ssize_t count;
    do {
        count = ::recv(socket_.descriptor(), into.data(), into.size(), 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        if (static_cast<std::size_t>(count) < into.size()) readiness_.drained_by_short_read();
        return {Tried::State::done, static_cast<std::size_t>(count), 0};
    }
    if (count == 0) return {Tried::State::end, 0, 0};
    if (!is_would_block(errno)) return {Tried::State::error, 0, errno};
    readiness_.readable = false;
    return {Tried::State::want_read, 0, 0};
}

Tried PlainTransport::try_write(std::span<const iovec> from) {
    if (!readiness_.writable) return {Tried::State::want_write, 0, 0};
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(from.data());
    message.msg_iovlen = from.size();
    const int flags = more_follows_ ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
    ssize_t count;
    do {
        count = ::sendmsg(socket_.descriptor(), &message, flags);
    } while (count < 0 && errno == EINTR);
    if (count >= 0) return {Tried::State::done, static_cast<std::size_t>(count), 0};
    if (!is_would_block(errno)) return {Tried::State::error, 0, errno};
    readiness_.writable = false;
    return {Tried::State::want_write, 0, 0};
}

// A short splice says nothing: the pipe may have run out of slots before the socket ran dry.
Tried PlainTransport::try_splice_in(Pipe& pipe, std::size_t most) {
    if (!readiness_.readable) return {Tried::State::want_read, 0, 0};
    const Pipe::Moved moved = pipe.fill(socket_.descriptor(), most);
    if (moved.octets > 0) return {Tried::State::done, static_cast<std::size_t>(moved.octets), 0};
    if (moved.octets == 0) return {Tried::State::end, 0, 0};
    if (!is_would_block(moved.error)) return {Tried::State::error, 0, moved.error};
    readiness_.readable = false;
    return {Tried::State::want_read, 0, 0};
}

Tried PlainTransport::try_splice_out(Pipe& pipe) {
    if (!readiness_.writable) return {Tried::State::want_write, 0, 0};
    const Pipe::Moved moved = pipe.empty_into(socket_.descriptor());
    if (moved.octets >= 0) return {Tried::State::done, static_cast<std::size_t>(moved.octets), 0};
    if (!is_would_block(moved.error)) return {Tried::State::error, 0, moved.error};
    readiness_.writable = false;
    return {Tried::State::want_write, 0, 0};
}

void PlainTransport::unread(std::string_view octets) {
    unread_.put(octets);
}

void PlainTransport::finish_writing() {
    ::shutdown(socket_.descriptor(), SHUT_WR);
}

bool PlainTransport::has_news(bool ask_kernel) {
    if (!unread_.is_empty() || readiness_.closed_by_peer) return true;
    if (!ask_kernel && !readiness_.readable) return false;
    char octet;
    const ssize_t count = ::recv(socket_.descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT);
    return count >= 0 || !is_would_block(errno);
}

}  // namespace headgate::net
