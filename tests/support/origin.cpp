// headgate-origin: a small HTTP/1 origin that misbehaves on request. It stands behind the quick
// start, the behaviour tests and the benchmarks: slow answers, dripping content in every framing,
// huge responses, resets and silence, each behind a path of its own (`/` lists them).
//
// One thread, one edge-triggered epoll set, thousands of connections. It is no example of a strict
// parser: it believes what it is sent. Content is the pattern of content_pattern.h.
//
// Read from the bottom: main, Origin::run, Origin::advance. The paths are in origin_routes.h.
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/origin_exchange.h"
#include "tests/support/origin_routes.h"

namespace {

using namespace headgate::support;

constexpr std::size_t read_size = 16 * 1024;
constexpr std::size_t head_limit = 64 * 1024;
constexpr int steps_per_visit = 64;  // then the other connections have their turn

enum class Next { again, wait, close };

Next fill(Connection& c) {
    if (c.input_ended) return Next::close;
    char scratch[read_size];
    auto size = ::recv(c.socket.number(), scratch, sizeof scratch, 0);
    if (size < 0) return errno == EAGAIN || errno == EINTR ? Next::wait : Next::close;
    if (size == 0)
        c.input_ended = true;
    else
        c.input.append(scratch, static_cast<std::size_t>(size));
    return Next::again;
}

Request parse_request(std::string head) {
    Request request;
    request.head = std::move(head);
    auto line = request.head.substr(0, request.head.find("\r\n"));
    auto space = line.find(' ');
    request.method = line.substr(0, space);
    auto target =
        space == std::string::npos ? "" : line.substr(space + 1, line.rfind(' ') - space - 1);
    auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);

    request.is_http10 = line.ends_with("HTTP/1.0");
    auto connection = find_field(request.head, "Connection");
    request.keeps_alive = request.is_http10 ? equals_ignoring_case(connection, "keep-alive")
                                            : !equals_ignoring_case(connection, "close");
    return request;
}

Next take_head(Connection& c) {
    auto end = c.input.find("\r\n\r\n");
    if (end == std::string::npos) return c.input.size() > head_limit ? Next::close : fill(c);

    Exchange& exchange = c;
    exchange = {};
    c.request = parse_request(c.input.substr(0, end + 2));
    c.input.erase(0, end + 4);
    if (!find_field(c.request.head, "Transfer-Encoding").empty())
        c.body.expect_chunked();
    else if (auto due = parse_number(find_field(c.request.head, "Content-Length"))) {
        c.body.expect_length(*due);
    }

    auto* route = find_route(c.request.path);
    auto when = route ? route->when : Answers::after_content;
    if (when != Answers::early && !find_field(c.request.head, "Expect").empty()) {
        c.output += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    if (when == Answers::after_content)
        c.step = Step::content;
    else
        answer(c);
    return Next::again;
}

Next take_content(Connection& c) {
    std::string_view input = c.input;
    std::string_view run;
    auto taken = c.body.take(input, run);
    if (!run.empty()) {
        c.received += run.size();
        c.hash.add(run);
        if (c.echoes) append_content(c, run);
    }
    c.input.erase(0, c.input.size() - input.size());

    if (taken == Taken::bad) return Next::close;
    if (taken == Taken::more) return fill(c);
    if (taken == Taken::content) return Next::again;
    if (c.echoes)
        c.step = Step::ending;
    else
        answer(c);
    return Next::again;
}

Next flush(Connection& c) {
    while (c.written < c.output.size()) {
        auto size = ::send(c.socket.number(), c.output.data() + c.written,
                           c.output.size() - c.written, MSG_NOSIGNAL);
        if (size < 0) return errno == EAGAIN || errno == EINTR ? Next::wait : Next::close;
        c.written += static_cast<std::size_t>(size);
    }
    c.output.clear();
    c.written = 0;
    return Next::again;
}

Next send_piece(Connection& c) {
    if (c.made == c.total) {
        c.step = Step::ending;
        return Next::again;
    }
    if (c.due > now_us()) return Next::wait;
    auto limit = std::min<std::uint64_t>(c.piece, piece_limit);
    std::string content;
    append_pattern(content, c.made, std::min<std::uint64_t>(limit, c.total - c.made));
    append_content(c, content);
    c.made += content.size();
    c.due = c.made < c.total && c.interval_us > 0 ? now_us() + c.interval_us : 0;
    return Next::again;
}

Next end_exchange(Connection& c) {
    c.due = 0;
    if (c.ending == Ending::reset) {
        reset_connection(c.socket);
        return Next::close;
    }
    if (c.ending == Ending::half_close) {
        ::shutdown(c.socket.number(), SHUT_WR);
        c.step = Step::draining;
        return Next::again;
    }
    if (c.framing == Framing::chunked && c.request.method != "HEAD") c.output += "0\r\n\r\n";
    c.framing = Framing::none;
    if (!c.request.keeps_alive) {
        if (flush(c) == Next::wait) return Next::wait;
        ::shutdown(c.socket.number(), SHUT_WR);
        c.step = Step::draining;
        return Next::again;
    }
    c.step = Step::head;
    return Next::again;
}

Next take_step(Connection& c) {
    switch (c.step) {
        case Step::head:
            return take_head(c);
        case Step::content:
            return take_content(c);
        case Step::sending:
            return send_piece(c);
        case Step::ending:
            return end_exchange(c);
        case Step::silent:
        case Step::draining:
            c.input.clear();
            return fill(c);
        case Step::waiting:
            break;
    }
    if (c.due > now_us()) return Next::wait;
    c.output += std::exchange(c.waiting_output, {});
    c.step = Step::ending;
    return Next::again;
}

class Origin {
public:
    explicit Origin(Descriptor listener)
        : listener_(std::move(listener)), events_(::epoll_create1(EPOLL_CLOEXEC)) {
        watch(listener_.number(), EPOLLIN);
    }

    [[noreturn]] void run() {
        epoll_event ready[256];
        for (;;) {
            int count = ::epoll_wait(events_.number(), ready, 256, wait_ms());
            for (int i = 0; i < count; ++i) {
                if (ready[i].data.fd == listener_.number())
                    accept_all();
                else
                    advance(ready[i].data.fd);
            }
            run_timers();
        }
    }

private:
    struct Timer {
        std::uint64_t due;
        int socket;
        std::uint64_t serial;
        bool operator>(const Timer& other) const { return due > other.due; }
    };

    void watch(int socket, std::uint32_t interest) {
        epoll_event event{};
        event.events = interest;
        event.data.fd = socket;
        ::epoll_ctl(events_.number(), EPOLL_CTL_ADD, socket, &event);
    }

    void accept_all() {
        for (;;) {
            int socket =
                ::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (socket < 0) return;
            const int at_once = 1;  // head and content go in two writes: no waiting for more
            ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
            auto index = static_cast<std::size_t>(socket);
            if (connections_.size() <= index) connections_.resize(index + 1);
            connections_[index] = std::make_unique<Connection>();
            connections_[index]->socket = Descriptor(socket);
            connections_[index]->serial = ++last_serial_;
            watch(socket, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
        }
    }

    // Takes the connection as far as it goes now.
    void advance(int socket) {
        auto& owner = connections_[static_cast<std::size_t>(socket)];
        if (!owner) return;
        auto& c = *owner;
        auto next = Next::again;
        for (int steps = 0; next == Next::again && steps < steps_per_visit; ++steps) {
            next = flush(c);
            if (next == Next::again) next = take_step(c);
            if (std::exchange(c.releases_all, false)) release_all();
        }
        if (next == Next::close)
            owner.reset();
        else if (next == Next::again)
            wake_at(c, now_us());
        else if (c.due > 0 && c.output.empty())
            wake_at(c, c.due);
    }

    void wake_at(Connection& c, std::uint64_t due) {
        if (c.armed != 0 && c.armed <= due) return;
        c.armed = due;
        timers_.push({due, c.socket.number(), c.serial});
    }

    int wait_ms() const {
        if (timers_.empty()) return -1;
        auto now = now_us();
        auto due = timers_.top().due;
        return due <= now ? 0 : static_cast<int>((due - now + 999) / 1000);
    }

    void run_timers() {
        auto now = now_us();
        while (!timers_.empty() && timers_.top().due <= now) {
            auto timer = timers_.top();
            timers_.pop();
            auto& owner = connections_[static_cast<std::size_t>(timer.socket)];
            if (!owner || owner->serial != timer.serial) continue;
            owner->armed = 0;
            advance(timer.socket);
        }
    }

    void release_all() {
        auto now = now_us();
        for (auto& owner : connections_) {
            if (!owner) continue;
            owner->interval_us = 0;
            if (owner->due <= now) continue;
            owner->due = now;
            wake_at(*owner, now);
        }
    }

    Descriptor listener_;
    Descriptor events_;
    std::vector<std::unique_ptr<Connection>> connections_;  // by descriptor
    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
    std::uint64_t last_serial_ = 0;
};

int usage() {
    std::fputs("usage: headgate-origin --listen HOST:PORT [--sndbuf OCTETS]\n", stderr);
    return 2;
}

}  // namespace

int main(int count, char** words) {
    std::string_view listen;
    std::uint64_t send_buffer = 0;
    for (int i = 1; i + 1 < count; i += 2) {
        std::string_view name = words[i];
        if (name == "--listen")
            listen = words[i + 1];
        else if (name == "--sndbuf")
            send_buffer = parse_number(words[i + 1]).value_or(0);
        else
            return usage();
    }
    auto address = parse_address(listen);
    if (!address || count % 2 == 0) return usage();

    raise_descriptor_limit();
    auto listener = listen_on(*address, static_cast<int>(send_buffer));
    if (!listener.is_open()) {
        std::perror("headgate-origin: cannot listen");
        return 1;
    }
    std::printf("listening %s\n", to_text(*address).c_str());
    std::fflush(stdout);
    Origin(std::move(listener)).run();
}
