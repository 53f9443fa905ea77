// See raw_connection.h.
#include "tests/support/raw_connection.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <vector>

#include "tests/support/body_reader.h"
#include "tests/support/waiting.h"

namespace headgate::support {
namespace {

constexpr unsigned largest_alert = 31;  // octets of a close_notify under TLS 1.2, record and all
constexpr int moment = 300;             // milliseconds; for a handshake that somebody does with us

BodyReader body_of(const Response& response, bool to_head) {
    BodyReader body;
    if (to_head || response.status == 204 || response.status == 304) {
        body.expect_length(0);
    } else if (!response.field("Transfer-Encoding").empty()) {
        body.expect_chunked();
    } else if (const auto length = parse_number(response.field("Content-Length"))) {
        body.expect_length(*length);
    } else {
        body.expect_until_close();
    }
    return body;
}

Descriptor connect_here(std::uint16_t port, int receive_buffer) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect_to(address, 0, receive_buffer);
}

std::uint16_t local_port(int socket) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

/// Octets that the process at the other end has not read, from the kernel's table of sockets.
unsigned unread_by_peer_of(std::uint16_t port) {
    std::ifstream table("/proc/net/tcp");
    for (std::string line; std::getline(table, line);) {
        unsigned remote = 0;
        unsigned state = 0;
        unsigned unread = 0;
        const int found =
            std::sscanf(line.c_str(), " %*d: %*x:%*x %*x:%x %x %*x:%x", &remote, &state, &unread);
        if (found != 3 || remote != port || state == TCP_TIME_WAIT) continue;
        return state == TCP_CLOSE_WAIT && unread == 1 ? 0 : unread;  // a FIN counts as an octet
    }
    return 0;
}

}  // namespace

RawConnection::RawConnection(std::uint16_t port, int receive_buffer)
    : socket_(connect_here(port, receive_buffer)) {
    wait(POLLOUT);
    if (tests_tls()) tls_ = std::make_unique<TlsEnd>(socket_.number(), TlsTerms());
}

RawConnection::RawConnection(std::uint16_t port, const TlsTerms& terms)
    : RawConnection(port, terms, {}) {}

RawConnection::RawConnection(Descriptor socket, const TlsTerms& terms)
    : socket_(std::move(socket)), tls_(std::make_unique<TlsEnd>(socket_.number(), terms)) {}

RawConnection RawConnection::plain(std::uint16_t port) {
    RawConnection connection(connect_here(port, 0));
    connection.wait(POLLOUT);
    return connection;
}

RawConnection::RawConnection(std::uint16_t port, const TlsTerms& terms, std::string_view first)
    : socket_(connect_here(port, 0)) {
    wait(POLLOUT);
    if (!first.empty()) ::send(socket_.number(), first.data(), first.size(), MSG_NOSIGNAL);
    tls_ = std::make_unique<TlsEnd>(socket_.number(), terms);
}

bool RawConnection::shake() {
    while (tls_->shake() != 1) {
        if (errno != EAGAIN) return false;
        wait(tls_->wants());
    }
    return true;
}

/// What had to wait for the handshake. Other connections and waits of the test take it further too:
/// a proxy that does the handshake late is waited for elsewhere, perhaps at its upstream.
struct RawConnection::Unsent {
    TlsEnd& tls;
    std::string octets;

    /// False when it has to wait, or cannot be sent at all.
    bool send() {
        while (!octets.empty()) {
            const auto size = tls.send(octets.data(), octets.size());
            if (size <= 0) return false;
            octets.erase(0, static_cast<std::size_t>(size));
        }
        return true;
    }
    static std::vector<std::weak_ptr<Unsent>>& all() {
        static std::vector<std::weak_ptr<Unsent>> list;
        return list;
    }
};

void RawConnection::send_unsent() {
    std::erase_if(Unsent::all(), [](const std::weak_ptr<Unsent>& each) {
        const std::shared_ptr<Unsent> unsent = each.lock();
        return unsent == nullptr || unsent->send() || errno != EAGAIN;
    });
}

void RawConnection::send_waiting() const {
    while (unsent_ && !unsent_->send()) {
        if (errno != EAGAIN) return;
        wait(tls_->wants());
    }
}

void RawConnection::wait(short events) const {
    pollfd entry{socket_.number(), events, 0};
    // An origin of the test that speaks TLS has its part in what is waited for.
    const int turn = tests_tls_origins() ? 2 : static_cast<int>(patience.count());
    for (auto left = patience.count(); left > 0; left -= turn) {
        if (::poll(&entry, 1, turn) == 1) return;
        meanwhile()();
    }
    throw TooLate(events == POLLIN ? "still waiting for octets; received so far: " + input_
                                   : "still waiting for room to send");
}

void RawConnection::send(std::string_view octets) {
    if (unsent_ && !unsent_->octets.empty()) {
        unsent_->octets += octets;
        return;
    }
    while (!octets.empty()) {
        octets.remove_prefix(send_until_blocked(octets));
        if (octets.empty()) return;
        if (errno != EAGAIN) return;
        if (tls_ && !tls_->is_shaken()) {
            pollfd entry{socket_.number(), tls_->wants(), 0};
            if (::poll(&entry, 1, moment) == 1) continue;
            unsent_ = std::make_shared<Unsent>(Unsent{*tls_, std::string(octets)});
            Unsent::all().push_back(unsent_);
            [[maybe_unused]] static const bool is_known = (also_meanwhile(send_unsent), true);
            return;
        }
        wait(tls_ ? tls_->wants() : POLLOUT);
    }
}

void RawConnection::send_one_by_one(std::string_view octets) {
    for (const char octet : octets)
        send({&octet, 1});
}

std::size_t RawConnection::send_until_blocked(std::string_view octets) const {
    std::size_t sent = 0;
    while (sent < octets.size()) {
        const char* from = octets.data() + sent;
        const std::size_t left = octets.size() - sent;
        const auto size = tls_ ? tls_->send(from, left)
                               : ::send(socket_.number(), from, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size <= 0) break;
        sent += static_cast<std::size_t>(size);
    }
    return sent;
}

void RawConnection::wait_until_read() const {
    send_waiting();
    const std::uint16_t port = local_port(socket_.number());
    // A close_notify says nothing that the peer must know before it wants more.
    const unsigned may_be_unread = has_said_goodbye_ ? largest_alert + 1 : 0;
    support::wait_until("for the peer to read", [&] {
        int unsent = 0;
        ::ioctl(socket_.number(), SIOCOUTQNSD, &unsent);
        return unsent == 0 && unread_by_peer_of(port) <= may_be_unread;
    });
}

/// Waits for more input; false at its end.
bool RawConnection::fill() {
    if (end_ != End::not_yet) return false;
    send_waiting();
    if (!tls_) wait(POLLIN);
    char scratch[64 * 1024];
    const auto size = tls_ ? tls_->recv(scratch, sizeof scratch)
                           : ::recv(socket_.number(), scratch, sizeof scratch, MSG_DONTWAIT);
    if (tls_ && size < 0 && errno == EAGAIN) {
        wait(tls_->wants());
        return true;
    }
    if (size > 0) input_.append(scratch, static_cast<std::size_t>(size));
    if (size < 0 && errno == EAGAIN) return true;
    if (size <= 0) end_ = size == 0 ? End::fin : End::reset;
    return end_ == End::not_yet;
}

std::string RawConnection::take(std::size_t octets) {
    std::string taken = input_.substr(0, octets);
    input_.erase(0, taken.size());
    return taken;
}

std::string RawConnection::receive_until(std::string_view end) {
    std::size_t at = 0;
    while ((at = input_.find(end)) == std::string::npos) {
        if (!fill()) return take(input_.size());
    }
    return take(at + end.size());
}

std::string RawConnection::receive(std::size_t octets) {
    while (input_.size() < octets && fill())
        continue;
    return take(octets);
}

std::string RawConnection::receive_some() {
    while (input_.empty() && fill())
        continue;
    return take(input_.size());
}

std::string RawConnection::receive_rest() {
    while (fill())
        continue;
    return take(input_.size());
}

Response RawConnection::receive_response(bool to_head) {
    Response response;
    response.head = receive_head();
    if (!response.head.ends_with("\r\n\r\n")) return response;
    response.head.resize(response.head.size() - 2);
    response.status = static_cast<int>(parse_number(response.head.substr(9, 3)).value_or(0));
    if (response.status < 200) return response;
    BodyReader body = body_of(response, to_head);
    Taken taken = Taken::more;
    do {
        std::string_view input = input_;
        std::string_view run;
        taken = body.take(input, run);
        response.content += run;
        input_.erase(0, input_.size() - input.size());
    } while (taken == Taken::content || (taken == Taken::more && fill()));
    const bool ended_well = end_ == End::fin && body.may_end_here();
    response.is_whole = taken == Taken::done || ended_well;
    return response;
}

RawConnection::End RawConnection::receive_end() {
    while (input_.empty() && fill())
        continue;
    return end_;
}

bool RawConnection::has_news() const {
    if (tls_) return !input_.empty() || end_ != End::not_yet || tls_->has_news();
    pollfd entry{socket_.number(), POLLIN, 0};
    return !input_.empty() || end_ != End::not_yet || ::poll(&entry, 1, 0) == 1;
}

std::string RawConnection::local_address() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size);
    return to_text(address);
}

void RawConnection::close() {
    if (tls_ && socket_.is_open()) tls_->say_goodbye();
    socket_.close();
}

void RawConnection::send_beneath(std::string_view octets) const {
    const auto sent = ::send(socket_.number(), octets.data(), octets.size(), MSG_NOSIGNAL);
    static_cast<void>(sent);
}

void RawConnection::finish_writing() {
    send_waiting();
    if (tls_) tls_->say_goodbye();
    has_said_goodbye_ = tls_ != nullptr;
    ::shutdown(socket_.number(), SHUT_WR);
}

}  // namespace headgate::support
