// See tls_hello.h.
#include "proxy/net/tls_hello.h"

#include <cctype>
#include <cstdint>

namespace headgate::net {
namespace {

using State = ClientHello::State;

constexpr std::size_t record_head = 5;
constexpr std::size_t most_record = 16 * 1024 + 256;
constexpr char handshake_record = 22;
constexpr char client_hello = 1;

/// Reads numbers and vectors; once something is missing, everything is empty and is_broken.
class Reader {
public:
    explicit Reader(std::string_view octets) : left_(octets) {}

    std::size_t number(std::size_t octets) {
        std::size_t value = 0;
        for (const char octet : take(octets))
            value = value << 8 | static_cast<unsigned char>(octet);
        return value;
    }
    std::string_view take(std::size_t octets) {
        if (octets > left_.size()) {
            is_broken_ = true;
            left_ = {};
            return {};
        }
        const std::string_view taken = left_.substr(0, octets);
        left_.remove_prefix(octets);
        return taken;
    }
    /// A vector with its length in front.
    std::string_view vector(std::size_t length_octets) { return take(number(length_octets)); }
    bool is_empty() const { return left_.empty(); }
    bool is_broken() const { return is_broken_; }

private:
    std::string_view left_;
    bool is_broken_ = false;
};

bool looks_like_http(std::string_view octets) {
    for (const char octet : octets.substr(0, 3)) {
        if (octet < 'A' || octet > 'Z') return false;
    }
    return true;
}

/// RFC 6066 section 3: at most one name of type host_name.
void read_server_name(std::string_view extension, ClientHello& hello) {
    Reader names(Reader(extension).vector(2));
    while (!names.is_empty()) {
        const std::size_t type = names.number(1);
        const std::string_view name = names.vector(2);
        if (type != 0 || names.is_broken()) continue;
        if (name.find('\0') != name.npos) continue;
        hello.server_name.clear();
        for (const char octet : name)
            hello.server_name += static_cast<char>(std::tolower(static_cast<unsigned char>(octet)));
        if (hello.server_name.ends_with('.')) hello.server_name.pop_back();
    }
}

void read_body(std::string_view body, ClientHello& hello) {
    Reader reader(body);
    reader.take(2 + 32);  // version, random
    reader.vector(1);     // session id
    reader.vector(2);     // cipher suites
    reader.vector(1);     // compression methods
    hello.state = reader.is_broken() ? State::malformed : State::complete;
    if (reader.is_empty()) return;
    Reader extensions(reader.vector(2));
    while (!extensions.is_empty()) {
        const std::size_t type = extensions.number(2);
        const std::string_view extension = extensions.vector(2);
        if (type == 0) read_server_name(extension, hello);
    }
    if (reader.is_broken() || extensions.is_broken()) hello.state = State::malformed;
}

}  // namespace

ClientHello read_client_hello(std::string_view octets) {
    ClientHello hello;
    if (octets.empty()) return hello;
    const auto is = [&hello](State state) {
        hello.state = state;
        return hello;
    };
    if (octets[0] != handshake_record) {
        return is(looks_like_http(octets) ? State::plain_http : State::not_tls);
    }
    std::string message;  // the handshake's octets of all records so far
    for (std::string_view rest = octets; rest.size() >= record_head;) {
        const std::size_t size = Reader(rest.substr(3, 2)).number(2);
        if (rest[0] != handshake_record || rest[1] != 3 || size == 0 || size > most_record) {
            return is(State::malformed);
        }
        message += rest.substr(record_head, size);
        rest.remove_prefix(std::min(record_head + size, rest.size()));
    }
    if (!message.empty() && message[0] != client_hello) return is(State::malformed);
    const std::size_t size = message.size() < 4 ? 0 : Reader(message.substr(1, 3)).number(3);
    if (size > most_hello) return is(State::malformed);
    if (message.size() >= 4 && message.size() >= 4 + size) {
        read_body(std::string_view(message).substr(4, size), hello);
        return hello;
    }
    return is(octets.size() > most_hello ? State::malformed : State::need_more);
}

}  // namespace headgate::net
