// See wire.h.
#include "tests/support/wire.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

namespace headgate::support {
namespace {

struct Question {
    nlmsghdr header;
    inet_diag_req_v2 body;
};

/// Asks the kernel about the socket at the other end of a connection over the loopback interface:
/// the octets that wait in it. 0 when there is no such socket (any more).
unsigned unread_at_peer(int socket) {
    thread_local const Descriptor kernel(
        ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
    sockaddr_in here{};
    sockaddr_in there{};
    socklen_t size = sizeof here;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &size) != 0) return 0;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &size) != 0) return 0;

    Question question{};
    question.header.nlmsg_len = sizeof question;
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST;
    question.body.sdiag_family = AF_INET;
    question.body.sdiag_protocol = IPPROTO_TCP;
    question.body.idiag_states = ~0u;
    question.body.id.idiag_sport = there.sin_port;
    question.body.id.idiag_dport = here.sin_port;
    question.body.id.idiag_src[0] = there.sin_addr.s_addr;
    question.body.id.idiag_dst[0] = here.sin_addr.s_addr;
    question.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    question.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    if (::send(kernel.number(), &question, sizeof question, 0) < 0) return 0;

    alignas(nlmsghdr) std::array<char, 4096> answer{};
    const auto got = ::recv(kernel.number(), answer.data(), answer.size(), 0);
    const auto* head = reinterpret_cast<const nlmsghdr*>(answer.data());
    if (got <= 0 || head->nlmsg_type != SOCK_DIAG_BY_FAMILY) return 0;
    const auto* found = reinterpret_cast<const inet_diag_msg*>(answer.data() + NLMSG_HDRLEN);
    return found->idiag_rqueue;
}

}  // namespace

Wire Wire::to_proxy(Descriptor socket) {
    Wire wire(std::move(socket));
    if (!tests_tls()) return wire;
    pollfd room{wire.number(), POLLOUT, 0};
    ::poll(&room, 1, static_cast<int>(patience.count()));  // connected
    wire.tls_ = std::make_unique<TlsEnd>(wire.number(), TlsTerms());
    return wire;
}

void Wire::send(std::string_view octets) {
    while (!octets.empty()) {
        const auto sent =
            tls_ ? tls_->send(octets.data(), octets.size())
                 : ::send(number(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) octets.remove_prefix(static_cast<std::size_t>(sent));
        if (sent <= 0 && errno != EAGAIN) return;
        pollfd room{number(), tls_ ? tls_->wants() : short{POLLOUT}, 0};
        if (sent <= 0) ::poll(&room, 1, 100);
    }
}

ssize_t Wire::receive(char* into, std::size_t size) {
    return tls_ ? tls_->recv(into, size) : ::recv(number(), into, size, MSG_DONTWAIT);
}

bool Wire::pump() {
    bool is_new = false;
    while (is_open() && end == End::open) {
        char scratch[16 * 1024];
        const auto size = receive(scratch, sizeof scratch);
        if (size < 0 && errno == EAGAIN) break;
        is_new = true;
        if (size > 0) input.append(scratch, static_cast<std::size_t>(size));
        if (size <= 0) end = size == 0 ? End::fin : End::reset;
    }
    return is_new;
}

bool Wire::is_read_by_peer() const {
    return end != End::open || unread_at_peer(number()) == 0;
}

void Wire::finish_writing() {
    if (tls_) tls_->say_goodbye();
    ::shutdown(number(), SHUT_WR);
}

bool wait_for(std::span<Wire* const> wires, int extra, const std::function<bool()>& condition,
              std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (true) {
        for (Wire* wire : wires)
            wire->pump();
        if (condition()) return true;
        if (std::chrono::steady_clock::now() > until) return false;
        std::vector<pollfd> entries;
        for (const Wire* wire : wires) {
            if (wire->is_open() && wire->end == Wire::End::open)
                entries.push_back({wire->number(), POLLIN, 0});
        }
        if (extra >= 0) entries.push_back({extra, POLLIN, 0});
        ::poll(entries.data(), entries.size(), 20);
    }
}

bool watch_for(std::span<Wire* const> wires, const std::function<bool()>& condition,
               std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (true) {
        for (Wire* wire : wires)
            wire->pump();
        if (condition()) return true;
        if (std::chrono::steady_clock::now() > until) return false;
        ::poll(nullptr, 0, 0);
        std::this_thread::yield();
    }
}

}  // namespace headgate::support
