// A name server of the test's own on the loopback interface: it does something only when stepped,
// and never waits.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <cstdint>
#include <map>
#include <string>

#include "mpm/loop/address.h"
#include "mpm/loop/assert.h"
#include "mpm/loop/socket.h"

namespace headgate::support {

/// A name server over UDP: answers A and AAAA from a table, or says that there is no such name.
class NameServer {
public:
    NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        const loop::Address address = *loop::Address::from_literal("127.0.0.1", 0);
        HEADGATE_ASSERT(::bind(socket_.descriptor(), address.data(), address.size()) == 0);
    }
    std::string address() const { return loop::Address::of_socket(socket_.descriptor()).text(); }

    struct Entry {
        std::string v4;  // empty: no such record
        std::string v6;
        std::uint32_t ttl = 60;
    };
    std::map<std::string, Entry> names;
    bool is_silent = false;
    int queries = 0;

    bool step() {
        char packet[512];
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t count = ::recvfrom(socket_.descriptor(), packet, sizeof packet, 0,
                                         reinterpret_cast<sockaddr*>(&from), &size);
        if (count < 12) return false;
        queries++;
        if (is_silent) return true;
        const std::string reply = answer({packet, static_cast<std::size_t>(count)});
        ::sendto(socket_.descriptor(), reply.data(), reply.size(), 0,
                 reinterpret_cast<sockaddr*>(&from), size);
        return true;
    }

private:
    static void put16(std::string& out, unsigned value) {
        out += static_cast<char>(value >> 8);
        out += static_cast<char>(value & 255);
    }

    /// RFC 1035 section 4.1: header, the question as it came, and one record or none.
    std::string answer(const std::string& query) const {
        std::string name;
        std::size_t at = 12;
        while (at < query.size() && query[at] != 0) {
            if (!name.empty()) name += '.';
            name += query.substr(at + 1, static_cast<unsigned char>(query[at]));
            at += static_cast<unsigned char>(query[at]) + 1;
        }
        const std::size_t end = at + 5;
        const bool wants_v6 = query[at + 2] == 28;
        const auto found = names.find(name);
        const std::string text = found == names.end() ? ""
                                 : wants_v6           ? found->second.v6
                                                      : found->second.v4;
        char octets[16];
        if (!text.empty()) ::inet_pton(wants_v6 ? AF_INET6 : AF_INET, text.c_str(), octets);
        std::string reply = query.substr(0, 2);
        put16(reply, found == names.end() ? 0x8183 : 0x8180);
        put16(reply, 1);
        put16(reply, text.empty() ? 0 : 1);
        put16(reply, 0);
        put16(reply, 0);
        reply += query.substr(12, end - 12);
        if (text.empty()) return reply;
        put16(reply, 0xC00C);
        put16(reply, wants_v6 ? 28 : 1);
        put16(reply, 1);
        put16(reply, found->second.ttl >> 16);
        put16(reply, found->second.ttl & 0xFFFF);
        put16(reply, wants_v6 ? 16 : 4);
        reply.append(octets, wants_v6 ? 16 : 4);
        return reply;
    }

    loop::Socket socket_;
};

}  // namespace headgate::support
