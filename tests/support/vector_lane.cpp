// See vector_lane.h. A Round is one client, one origin connection, and what is read from both.
#include "tests/support/vector_lane.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <ostream>

#include "tests/support/vector_messages.h"

namespace headgate::support {
namespace {

std::string second_response() {
    return "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond";
}

constexpr std::string_view second_request = "GET /second HTTP/1.1\r\nHost: h\r\n\r\n";

/// The request that an upstream's vector answers, and what of it the client sends.
constexpr std::string_view rest_of_request = "hello";

std::string request_for(const FramingVector& vector, int version) {
    std::string text =
        vector.method + " /first HTTP/1." + std::to_string(version) + "\r\nHost: h\r\n";
    if (!vector.upgrade.empty())
        text += "Connection: Upgrade\r\nUpgrade: " + vector.upgrade + "\r\n";
    if (vector.expects_continue) text += "Expect: 100-continue\r\n";
    if (!vector.request_complete)
        return text + "Content-Length: " + std::to_string(rest_of_request.size()) + "\r\n\r\n";
    if (vector.method == "POST") return text + "Content-Length: 2\r\n\r\nhi";
    return text + "\r\n";
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Seen& seen) {
    constexpr std::array ends{"kept", "fin", "reset"};
    out << "status=" << seen.status << " content=" << seen.content.size() << "\""
        << seen.content.substr(0, 40) << "\" complete=" << seen.complete
        << " client=" << ends.at(static_cast<std::size_t>(seen.client))
        << " second=" << seen.second_answered << " connected=" << seen.connected
        << " reused=" << seen.reused << " let_go=" << seen.let_go << " requests=" << seen.requests
        << " request_content=" << seen.request_content.size() << " interim=";
    for (const int status : seen.interim)
        out << status << ',';
    return out << (seen.fault.empty() ? "" : " FAULT: ") << seen.fault;
}

/// One exchange, and the one behind it.
struct Lane::Round {
    Round(Lane& owner, bool is_head) : lane(owner), to_head(is_head), client(owner.connect()) {}

    Lane& lane;
    bool to_head;
    Wire client;
    Wire origin;
    Wire fresh;  ///< a second connection of the proxy to the origin
    Seen seen;
    std::size_t answered = 0;  ///< octets of the client's input up to the end of the final response
    bool says_close = false;
    bool has_head = false;      ///< of a request, at the origin
    bool has_finished = false;  ///< the client has half-closed
    bool has_reset = false;     ///< the origin has reset its connection

    bool wait(const std::function<bool()>& condition) {
        const std::array wires{&client, &origin, &fresh};
        return support::wait_for(wires, lane.listener_.number(), condition);
    }
    void must(const char* what, const std::function<bool()>& condition) {
        if (!wait(condition) && seen.fault.empty()) seen.fault = std::string("never: ") + what;
    }

    /// Reads what the client has got so far.
    void look() {
        seen.interim.clear();
        std::string_view input = client.input;
        const bool has_ended = client.end == Wire::End::fin;
        for (answered = 0;;) {
            const Message message = read_response(input.substr(answered), to_head, has_ended);
            if (message.head.empty()) return;
            answered += message.used;
            const int status =
                static_cast<int>(parse_number(message.head.substr(9, 3)).value_or(0));
            if (status / 100 == 1 && status != 101) {
                seen.interim.push_back(status);
                continue;
            }
            seen.status = status;
            seen.content = message.content;
            seen.complete = message.complete;
            says_close = has_line(message.head, "Connection: close");
            return;
        }
    }
    bool is_over() {
        look();
        return seen.complete || client.end != Wire::End::open;
    }

    /// Sends the pieces, each when the one before was read.
    void play(Wire& sender, const Pieces& pieces) {
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            if (i > 0) {
                const std::size_t before = client.input.size();
                const auto is_read = [&] {
                    if (&sender == &client) answer_first();
                    return sender.is_read_by_peer() || client.input.size() != before ||
                           client.end != Wire::End::open;
                };
                // No failure: octets behind the end of a message need not be read by anybody.
                const std::array wires{&client, &origin};
                support::watch_for(wires, is_read, std::chrono::milliseconds(50));
            }
            sender.send(pieces[i]);
        }
    }

    void accept_origin() {
        if (!has_reset && !origin.is_open() && lane.accept(origin)) seen.connected = true;
    }

    /// An exchange before the one that counts.
    void warm_up() {
        client.send(second_request);
        must("the request before", [&] {
            accept_origin();
            return take_request(origin, second_response());
        });
        must("the answer before", [&] { return client.input.ends_with("second"); });
        client.input.clear();
    }

    /// The origin's end with RST: what was sent before has been read, so none of it is lost.
    void reset_origin(const FramingVector& vector) {
        must("the content before the reset", [&] {
            look();
            return seen.content.size() >= vector.expect.body_len || client.end != Wire::End::open;
        });
        const std::array wires{&client, &origin};
        support::watch_for(
            wires, [&] { return origin.is_read_by_peer(); }, patience);
        has_reset = true;
        origin.reset();
    }

    /// As the origin: looks at the request, and answers it when it is complete.
    void answer_first() {
        accept_origin();
        if (seen.requests > 0) return;
        const Message message = read_request(origin.input);
        if (message.head.empty()) return;
        has_head = true;
        seen.request_content = message.content;
        if (!message.complete) return;
        const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        take_request(origin, response + (to_head ? "" : "ok"));
        seen.requests++;
    }

    /// Whether a complete request has come; answers it with `response`.
    bool take_request(Wire& from, std::string_view response) {
        const Message message = read_request(from.input);
        if (!message.complete) return false;
        const std::string fault = fault_of_request(message.head);
        if (!fault.empty()) seen.fault = fault;
        from.input.erase(0, message.used);
        from.send(response);
        return true;
    }

    /// The further request on the client's connection, if the proxy keeps that.
    void go_on() {
        if (client.end == Wire::End::open && !says_close && !has_finished && seen.complete) {
            client.send(second_request);
            must("the second request at the origin", [&] {
                if (!origin.is_open()) accept_origin();
                if (origin.end != Wire::End::open && !fresh.is_open()) lane.accept(fresh);
                if (!fresh.is_open() && !is_over_idle()) lane.accept(fresh);
                if (fresh.is_open()) return take_request(fresh, second_response());
                return seen.reused = take_request(origin, second_response());
            });
            must("the second answer", [&] {
                const Message second =
                    read_response(std::string_view(client.input).substr(answered), false, false);
                return seen.second_answered = second.complete && second.content == "second";
            });
            return;
        }
        must("the end of the client's connection", [&] { return client.end != Wire::End::open; });
        look();
        if (client.input.size() > answered && answered > 0) seen.fault = "octets behind the answer";
        seen.client = client.end == Wire::End::fin ? Seen::Client::fin : Seen::Client::reset;
    }
    /// Whether the origin's connection has the second request, or a part of it.
    bool is_over_idle() const { return !origin.input.empty(); }

    void see_origin_let_go() {
        if (seen.reused || !origin.is_open()) return;
        must("the origin let go", [&] { return origin.end != Wire::End::open; });
        seen.let_go = true;
    }
};

Lane::Lane(std::uint32_t address) {
    proxy_.sin_family = AF_INET;
    proxy_.sin_addr.s_addr = htonl(address);
    origin_.sin_family = AF_INET;
    origin_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener_ = listen_on(origin_, 0);
    if (!listener_.is_open()) throw std::runtime_error("cannot listen on any port");
}

std::string Lane::directives() const {
    char text[INET_ADDRSTRLEN];
    ::inet_ntop(AF_INET, &proxy_.sin_addr, text, sizeof text);
    const std::string here = std::string(text) + ":${PORT}";
    return "Listen " + here + "\n<VirtualHost " + here + ">\n  ProxyPass / http://" +
           to_text(origin_) + "/ timeout=20\n</VirtualHost>\n";
}

Wire Lane::connect() const {
    return Wire::to_proxy(connect_to(proxy_, 0, 0));
}

bool Lane::accept(Wire& into) {
    Descriptor socket(
        ::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) return false;
    const int on = 1;
    ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    into = Wire(std::move(socket));
    return true;
}

Seen Lane::run_response(const FramingVector& vector, const Pieces& pieces, int version,
                        bool is_used) {
    Round round(*this, vector.method == "HEAD");
    if (is_used) round.warm_up();
    const std::string request = request_for(vector, version);
    round.client.send(request);
    const auto has_request = [&] {
        round.accept_origin();
        if (!vector.request_complete) return round.origin.input.ends_with(head_end);
        const Message message = read_request(round.origin.input);
        if (message.complete) round.seen.fault = fault_of_request(message.head);
        return message.complete;
    };
    round.must("the request at the origin", has_request);
    round.origin.input.clear();
    if (!round.origin.is_open()) return round.seen;

    round.play(round.origin, pieces);
    const bool waits = !vector.eof && !vector.expect.complete && vector.expect.error.empty();
    if (waits && vector.expect.body_len > 0) {
        round.must("the content before the wait", [&] {
            round.look();
            return round.seen.content.size() >= vector.expect.body_len ||
                   round.client.end != Wire::End::open || round.seen.status == 502;
        });
    }
    if (vector.is_reset) {
        round.reset_origin(vector);
    } else if (vector.eof || waits) {
        round.origin.finish_writing();
    }
    round.must("the end of the response", [&] { return round.is_over(); });
    if (!vector.request_complete && !round.says_close) round.client.send(rest_of_request);
    round.go_on();
    if (round.seen.status == 101) round.client.finish_writing();  // a tunnel has two directions
    if (!vector.expect.complete || !vector.expect.reusable) round.see_origin_let_go();
    return round.seen;
}

Seen Lane::run_request(const FramingVector& vector, const Pieces& pieces) {
    Round round(*this, vector.method == "HEAD");
    round.play(round.client, pieces);
    if (vector.eof) round.client.finish_writing();
    round.has_finished = vector.eof;
    const bool waits = !vector.eof && !vector.expect.complete && vector.expect.error.empty();
    round.must("an answer", [&] {
        round.answer_first();
        const bool has_come =
            round.has_head && round.seen.request_content.size() >= vector.expect.body_len;
        if (waits && !round.has_finished && has_come) {
            round.client.finish_writing();
            round.has_finished = true;
        }
        return round.is_over();
    });
    if (vector.expect.leftover == 0) round.go_on();
    if (vector.expect.leftover > 0) {
        round.must("the pipelined request", [&] {
            if (round.origin.end != Wire::End::open && !round.fresh.is_open()) {
                accept(round.fresh);
            }
            Wire& from = round.fresh.is_open() ? round.fresh : round.origin;
            return round.take_request(from, second_response());
        });
        round.seen.requests++;
        round.must("its answer", [&] { return round.client.input.ends_with("second"); });
    }
    Wire late;
    if (!round.seen.connected && accept(late)) round.seen.connected = true;
    if (!vector.expect.complete) round.see_origin_let_go();
    return round.seen;
}

Seen Lane::run_idle(const FramingVector& vector) {
    Round round(*this, false);
    round.client.send("GET /first HTTP/1.1\r\nHost: h\r\n\r\n");
    round.must("the request at the origin", [&] {
        round.accept_origin();
        return round.take_request(round.origin, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    round.must("the first answer", [&] { return round.is_over(); });
    round.origin.send(vector.raw);
    if (vector.eof) round.origin.finish_writing();
    round.go_on();
    round.see_origin_let_go();
    return round.seen;
}

}  // namespace headgate::support
