// headgate-bulk: large contents and nothing else: an origin that sends and takes them, and a client
// that asks for them. Contents are not looked at, only counted, so that what stands between the two
// is what the time goes into.
//
//     headgate-bulk origin 127.0.0.1:9000
//     headgate-bulk down|up|close --to 127.0.0.1:8080 --octets 67108864 --count 10
//                                 --connections 4
//
// down: GET of content with a length; close: content that ends with the connection; up: POST with a
// length. --count is for each connection, which is made again where a content ended it. The client
// prints `exchanges=40 octets=2684354560 seconds=1.5 failed=0`; a content that is shorter or longer
// than asked for is a failure. One blocking thread for each connection.
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/socket_help.h"

namespace {

using namespace headgate::support;

constexpr std::size_t piece = 256 * 1024;

/// A connection whose calls wait.
class Blocking {
public:
    explicit Blocking(int descriptor) : descriptor_(descriptor) {}

    bool send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t count =
                ::send(descriptor_.number(), text.data(), text.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            text.remove_prefix(count);
        }
        return true;
    }
    bool send_content(std::uint64_t octets) {
        static const std::string text(piece, 'x');
        while (octets > 0) {
            const std::size_t count = std::min<std::uint64_t>(piece, octets);
            if (!send({text.data(), count})) return false;
            octets -= count;
        }
        return true;
    }
    /// The next head, with its empty line; empty at the end.
    std::string receive_head() {
        while (true) {
            const std::size_t end = input_.find("\r\n\r\n");
            if (end != std::string::npos) {
                std::string head = input_.substr(0, end + 4);
                input_.erase(0, end + 4);
                return head;
            }
            char octets[4096];
            const ssize_t count = ::recv(descriptor_.number(), octets, sizeof octets, 0);
            if (count <= 0) return "";
            input_.append(octets, count);
        }
    }
    bool receive_octet(char& octet) {
        if (!input_.empty()) {
            octet = input_.front();
            input_.erase(0, 1);
            return true;
        }
        return ::recv(descriptor_.number(), &octet, 1, 0) == 1;
    }
    /// Takes that many octets without copying them; how many there were.
    std::uint64_t skip(std::uint64_t octets) {
        std::uint64_t skipped = std::min<std::uint64_t>(octets, input_.size());
        input_.erase(0, skipped);
        while (skipped < octets) {
            const std::size_t most = std::min<std::uint64_t>(piece, octets - skipped);
            const ssize_t count = ::recv(descriptor_.number(), nullptr, most, MSG_TRUNC);
            if (count <= 0) {
                has_ended_ = true;
                break;
            }
            skipped += count;
        }
        return skipped;
    }
    /// Whether the end of a content was the end of the connection.
    bool has_ended() const { return has_ended_; }

private:
    Descriptor descriptor_;
    std::string input_;
    bool has_ended_ = false;
};

void make_blocking(int descriptor) {
    const timeval limit{60, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

// ---- the origin

void serve(int descriptor) {
    Blocking connection(descriptor);
    while (true) {
        const std::string head = connection.receive_head();
        if (head.empty()) return;
        const std::string start = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n";
        if (head.starts_with("POST")) {
            const auto length = parse_number(find_field(head, "Content-Length")).value_or(0);
            const std::string text = std::to_string(connection.skip(length));
            if (!connection.send(start + "Content-Length: " + std::to_string(text.size()) +
                                 "\r\n\r\n" + text))
                return;
            continue;
        }
        const std::size_t slash = head.find_last_of('/', head.find(" HTTP"));
        const std::size_t space = head.find(' ', slash);
        const auto octets = parse_number(head.substr(slash + 1, space - slash - 1)).value_or(0);
        const bool until_close = head.starts_with("GET /close/");
        const std::string framing = until_close
                                        ? "Connection: close\r\n"
                                        : "Content-Length: " + std::to_string(octets) + "\r\n";
        if (!connection.send(start + framing + "\r\n") || !connection.send_content(octets)) return;
        if (until_close) return;
    }
}

int run_origin(const std::string& where) {
    auto address = parse_address(where);
    if (!address) return 2;
    const Descriptor listener = listen_on(*address, 0);
    if (!listener.is_open()) return 2;
    // The listener does not block, for others poll it; here a thread has nothing else to do.
    while (true) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(listener.number(), &set);
        if (::select(listener.number() + 1, &set, nullptr, nullptr, nullptr) < 1) return 2;
        const int accepted = ::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0) continue;
        make_blocking(accepted);
        std::thread(serve, accepted).detach();
    }
}

// ---- the client

struct Options {
    std::string mode;
    std::string to;
    std::uint64_t octets = 1 << 20;
    std::uint64_t count = 1;
    std::uint64_t connections = 1;
};

struct Tally {
    std::atomic<std::uint64_t> exchanges{0};
    std::atomic<std::uint64_t> failed{0};
};

/// The octets of a response to `GET /close/...` that may have been made chunked on its way.
std::uint64_t skip_open(Blocking& connection, const std::string& head) {
    if (find_field(head, "Transfer-Encoding") != "chunked") return connection.skip(UINT64_MAX);
    std::uint64_t all = 0;
    while (true) {
        std::string size;
        for (char octet = 0; octet != '\n';) {
            if (!connection.receive_octet(octet)) return 0;
            size += octet;
        }
        const auto octets = parse_number(size.substr(0, size.size() - 2), 16);
        if (!octets) return 0;
        all += connection.skip(*octets);
        connection.skip(2);
        if (*octets == 0) return all;
    }
}

bool exchange(Blocking& connection, const Options& options) {
    const std::string octets = std::to_string(options.octets);
    if (options.mode == "up") {
        if (!connection.send("POST /up HTTP/1.1\r\nHost: bulk\r\nContent-Length: " + octets +
                             "\r\n\r\n") ||
            !connection.send_content(options.octets))
            return false;
        const std::string head = connection.receive_head();
        const auto length = parse_number(find_field(head, "Content-Length"));
        return length == octets.size() && connection.skip(*length) == *length;
    }
    const bool is_open = options.mode == "close";
    if (!connection.send("GET /" + options.mode + "/" + octets + " HTTP/1.1\r\nHost: bulk\r\n\r\n"))
        return false;
    const std::string head = connection.receive_head();
    if (is_open) return skip_open(connection, head) == options.octets;
    if (parse_number(find_field(head, "Content-Length")) != options.octets) return false;
    return connection.skip(options.octets) == options.octets;
}

int connect_blocking(const sockaddr_in& address) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    make_blocking(descriptor);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return descriptor;
    ::close(descriptor);
    return -1;
}

void run_connection(const Options& options, const sockaddr_in& address, Tally& tally) {
    Blocking connection(connect_blocking(address));
    for (std::uint64_t i = 0; i < options.count; i++) {
        if (connection.has_ended()) connection = Blocking(connect_blocking(address));
        if (!exchange(connection, options)) {
            tally.failed += options.count - i;
            return;
        }
        tally.exchanges++;
    }
}

int run_client(const Options& options) {
    const auto address = parse_address(options.to);
    if (!address) return 2;
    Tally tally;
    const std::uint64_t began = now_us();
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < options.connections; i++)
        threads.emplace_back([&] { run_connection(options, *address, tally); });
    for (std::thread& each : threads)
        each.join();
    const double seconds = static_cast<double>(now_us() - began) / 1e6;
    std::printf("exchanges=%llu octets=%llu seconds=%.3f failed=%llu\n",
                static_cast<unsigned long long>(tally.exchanges),
                static_cast<unsigned long long>(tally.exchanges * options.octets), seconds,
                static_cast<unsigned long long>(tally.failed));
    return tally.failed == 0 ? 0 : 1;
}

bool read_options(int count, char** words, Options& options) {
    options.mode = words[1];
    for (int i = 2; i + 1 < count; i += 2) {
        const std::string_view name = words[i];
        if (name == "--to") {
            options.to = words[i + 1];
            continue;
        }
        const auto number = parse_number(words[i + 1]);
        if (!number) return false;
        if (name == "--octets")
            options.octets = *number;
        else if (name == "--count")
            options.count = *number;
        else if (name == "--connections")
            options.connections = *number;
        else
            return false;
    }
    return options.mode == "down" || options.mode == "up" || options.mode == "close";
}

}  // namespace

int main(int count, char** words) {
    if (count == 3 && std::string_view(words[1]) == "origin") return run_origin(words[2]);
    Options options;
    if (count < 4 || !read_options(count, words, options)) {
        std::fprintf(stderr,
                     "usage: headgate-bulk origin HOST:PORT\n"
                     "       headgate-bulk down|up|close --to HOST:PORT --octets N --count N "
                     "--connections N\n");
        return 2;
    }
    return run_client(options);
}
