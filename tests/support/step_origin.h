// An origin that lives in the test's own thread: it does something only when stepped, never waits,
// and uses no coroutine, so that it leaves no trace in what the tests measure of the proxy.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "mpm/loop/assert.h"
#include "mpm/loop/socket.h"

namespace headgate::support {

class StepOrigin {
public:
    /// What is done with the input so far of one connection: `take` octets of it are used up, then
    /// `octets` are sent, then the connection is closed, or reset, if so said.
    struct Reply {
        std::size_t take = 0;
        std::string octets;
        bool closes = false;
        bool resets = false;
    };
    using Script = std::function<Reply(std::string_view input, int connection)>;

    explicit StepOrigin(Script script) : script_(std::move(script)) {
        loop::Listening listening =
            loop::open_listener(*loop::Address::from_literal("127.0.0.1", 0), {});
        HEADGATE_ASSERT(listening.error == 0);
        listener_ = std::move(listening.socket);
        port_ = loop::Address::of_socket(listener_.descriptor()).port();
    }

    std::uint16_t port() const { return port_; }
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    /// Connections accepted so far; open ones among them.
    int accepted() const { return accepted_; }
    std::size_t open() const { return connections_.size(); }

    /// Accepts, reads, answers. Whether anything happened.
    bool step() {
        bool moved = false;
        while (true) {
            loop::AcceptResult taken = loop::accept_one(listener_.descriptor());
            if (!taken.socket.is_open()) break;
            connections_.push_back({std::move(taken.socket), ++accepted_, "", ""});
            moved = true;
        }
        for (auto each = connections_.begin(); each != connections_.end();) {
            bool is_over = false;
            moved = serve(*each, is_over) || moved;
            each = is_over ? connections_.erase(each) : std::next(each);
        }
        return moved;
    }

    /// A script that answers every request without content with `response`.
    static Script answer_all(std::string response) {
        return [response](std::string_view input, int) {
            const std::size_t end = input.find("\r\n\r\n");
            if (end == std::string_view::npos) return Reply{};
            return Reply{end + 4, response, false, false};
        };
    }

private:
    struct Connection {
        loop::Socket socket;
        int number;
        std::string input;
        std::string output;
    };

    bool serve(Connection& connection, bool& is_over) {
        char octets[16 * 1024];
        const ssize_t count =
            ::recv(connection.socket.descriptor(), octets, sizeof octets, MSG_DONTWAIT);
        if (count > 0) connection.input.append(octets, count);
        const bool ended = count == 0 || (count < 0 && errno != EAGAIN);
        const Reply reply = script_(connection.input, connection.number);
        connection.input.erase(0, reply.take);
        connection.output += reply.octets;
        bool moved = count > 0 || reply.take > 0;
        if (!connection.output.empty()) {
            const ssize_t sent = ::send(connection.socket.descriptor(), connection.output.data(),
                                        connection.output.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent > 0) connection.output.erase(0, sent);
            moved = moved || sent > 0;
        }
        if (reply.resets) connection.socket.reset_on_close();
        is_over = ended || ((reply.closes || reply.resets) && connection.output.empty());
        return moved || is_over;
    }

    Script script_;
    loop::Socket listener_;
    std::uint16_t port_ = 0;
    int accepted_ = 0;
    std::list<Connection> connections_;
};

}  // namespace headgate::support
