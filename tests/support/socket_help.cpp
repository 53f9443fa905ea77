// What the test programs share: see socket_help.h for the contract of each piece.
#include "tests/support/socket_help.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>

namespace headgate::support {
namespace {

constexpr int backlog = 4096;

void set_option(int socket, int level, int name, int value) {
    ::setsockopt(socket, level, name, &value, sizeof value);
}

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        close();
        number_ = other.release();
    }
    return *this;
}

int Descriptor::release() {
    return std::exchange(number_, -1);
}

void Descriptor::close() {
    if (is_open()) ::close(release());
}

std::optional<sockaddr_in> parse_address(std::string_view text) {
    auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto port = parse_number(text.substr(colon + 1));
    if (!port || *port > 65535) return std::nullopt;

    std::string host(text.substr(0, colon));
    if (host == "localhost") host = "127.0.0.1";
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(*port));
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::nullopt;
    return address;
}

std::string to_text(const sockaddr_in& address) {
    char host[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(address.sin_port));
}

std::optional<Url> parse_url(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (text.substr(0, scheme.size()) != scheme) return std::nullopt;
    text.remove_prefix(scheme.size());

    auto slash = text.find('/');
    auto authority = text.substr(0, slash);
    auto address = parse_address(authority);
    if (!address) return std::nullopt;
    auto target = slash == std::string_view::npos ? "/" : text.substr(slash);
    return Url{*address, std::string(authority), std::string(target)};
}

Descriptor listen_on(sockaddr_in& address, int send_buffer) {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return {};
    set_option(socket.number(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (send_buffer > 0) set_option(socket.number(), SOL_SOCKET, SO_SNDBUF, send_buffer);

    auto* name = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    if (::bind(socket.number(), name, size) != 0) return {};
    if (::listen(socket.number(), backlog) != 0) return {};
    if (::getsockname(socket.number(), name, &size) != 0) return {};
    return socket;
}

Descriptor connect_to(const sockaddr_in& address, std::uint32_t source, int receive_buffer) {
    Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return {};
    set_option(socket.number(), IPPROTO_TCP, TCP_NODELAY, 1);
    // Before connect: the window announced in the SYN is made from it.
    if (receive_buffer > 0) set_option(socket.number(), SOL_SOCKET, SO_RCVBUF, receive_buffer);

    if (source != 0) {
        set_option(socket.number(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        sockaddr_in local{};
        local.sin_family = AF_INET;
        local.sin_addr.s_addr = htonl(source);
        if (::bind(socket.number(), reinterpret_cast<sockaddr*>(&local), sizeof local) != 0) {
            return {};
        }
    }
    auto* name = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket.number(), name, sizeof address) != 0 && errno != EINPROGRESS) return {};
    return socket;
}

void reset_connection(Descriptor& socket) {
    linger at_once{1, 0};
    ::setsockopt(socket.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket.close();
}

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

std::uint64_t now_us() {
    auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_boot).count();
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return to_lower(a) == to_lower(b); });
}

std::string_view find_field(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        auto end = std::min(head.find("\r\n"), head.size());
        auto line = head.substr(0, end);
        auto colon = line.find(':');
        if (colon != std::string_view::npos && equals_ignoring_case(line.substr(0, colon), name)) {
            return trim(line.substr(colon + 1));
        }
        head.remove_prefix(std::min(end + 2, head.size()));
    }
    return {};
}

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
    std::uint64_t number = 0;
    auto* end = text.data() + text.size();
    auto [stopped, error] = std::from_chars(text.data(), end, number, base);
    if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
    return number;
}

}  // namespace headgate::support
