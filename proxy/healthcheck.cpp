// See healthcheck.h. A blocking socket with a time limit: nothing else runs in this process.
#include "proxy/healthcheck.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mpm/loop/socket.h"
#include "proxy/http/target.h"

namespace headgate::proxy {
namespace {

struct Place {
    loop::Address address;
    std::string authority;
    std::string path;
};

bool parse(const std::string& url, Place& place) {
    constexpr std::string_view scheme = "http://";
    if (url.compare(0, scheme.size(), scheme) != 0) return false;
    const std::size_t slash = url.find('/', scheme.size());
    place.authority = url.substr(scheme.size(), slash - scheme.size());
    place.path = slash == std::string::npos ? "/" : url.substr(slash);
    const auto authority = http::parse_authority(place.authority);
    if (!authority) return false;
    std::string host(authority->host);
    if (host == "localhost") host = "127.0.0.1";
    if (host.front() == '[') host = host.substr(1, host.size() - 2);
    const auto address = loop::Address::from_literal(host, authority->port ? authority->port : 80);
    if (address) place.address = *address;
    return address.has_value();
}

bool failed(const char* what, std::string& text) {
    text = std::string(what) + ": " + std::strerror(errno);
    return false;
}

}  // namespace

bool is_healthy(const std::string& url, int seconds, std::string& text) {
    Place place;
    if (!parse(url, place)) {
        text = "\"" + url + "\" is not http://ADDRESS[:PORT][/PATH]";
        return false;
    }
    const loop::Socket socket(::socket(place.address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{seconds, 0};
    ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket.descriptor(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (::connect(socket.descriptor(), place.address.data(), place.address.size()) != 0) {
        return failed("no connection", text);
    }
    const std::string request = "GET " + place.path + " HTTP/1.1\r\nHost: " + place.authority +
                                "\r\nUser-Agent: headgate-healthcheck\r\nConnection: close\r\n\r\n";
    if (::send(socket.descriptor(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
        return failed("not sent", text);
    }
    char head[64];
    const ssize_t size = ::recv(socket.descriptor(), head, sizeof head, MSG_WAITALL);
    if (size < 12) return failed("no answer", text);
    text.assign(head, std::min<std::size_t>(size, 12));
    return text.compare(0, 7, "HTTP/1.") == 0 && text[9] >= '1' && text[9] <= '4';
}

}  // namespace headgate::proxy
