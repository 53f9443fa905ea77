// The URL that ProxyPass sends requests to.
#include <array>

#include "conf/suggest.h"
#include "proxy/settings/rules.h"

namespace headgate::proxy {

namespace {

using conf::Call;
using conf::Word;

constexpr std::array<std::string_view, 7> later_schemes{"h2",    "h2c",  "fcgi",    "ajp",
                                                        "uwsgi", "scgi", "balancer"};

constexpr std::string_view url_form = "expected http://host[:port][/path]";

void refuse_scheme(const std::string& scheme, const Word& word, const Call& call) {
    for (const std::string_view later : later_schemes) {
        if (scheme == later) {
            call.not_yet(word, "an upstream of scheme " + scheme, "http and https work");
            return;
        }
    }
    std::array<std::string_view, later_schemes.size() + 4> known{"http", "https", "ws", "wss"};
    std::copy(later_schemes.begin(), later_schemes.end(), known.begin() + 4);
    const std::string_view best = conf::nearest(scheme, known);
    call.error(
        word, "unknown scheme \"" + scheme + "\"",
        best.empty() ? std::string(url_form) : "did you mean \"" + std::string(best) + "\"?");
}

/// What follows "://", up to the path.
bool read_authority(std::string_view text, Target& target, const Word& word, const Call& call) {
    if (text.empty() && !target.unix_path.empty()) {
        target.host = "localhost";
        return true;
    }
    if (text.find('@') != text.npos) {
        call.error(word, "an upstream URL holds no user name", std::string(url_form));
        return false;
    }
    if (text.find('$') != text.npos) {
        call.error(word,
                   "host and port of an upstream are fixed: $ stands for captures in the path only",
                   std::string(url_form));
        return false;
    }
    const conf::Parsed<conf::Address> parsed = conf::address(text);
    if (!parsed.value || parsed.value->host == "*" || text.ends_with(":*")) {
        call.error(word, "\"" + std::string(text) + "\" is not a host with an optional port",
                   std::string(url_form));
        return false;
    }
    target.host = parsed.value->host;
    target.is_ipv6 = parsed.value->is_ipv6;
    target.port = parsed.value->port != 0 ? parsed.value->port : target.usual_port();
    return true;
}

/// Takes "unix:/path|" off; false when it is wrong.
bool take_unix_path(std::string_view& text, Target& target, const Word& word, const Call& call) {
    if (!conf::has_name_prefix(text, "unix:")) {
        return true;
    }
    text.remove_prefix(5);
    const std::size_t bar = text.find('|');
    if (bar == text.npos || !text.starts_with('/')) {
        call.error(word, "\"" + word.text + "\" is not a Unix socket with a URL",
                   "expected unix:/path|http://host/");
        return false;
    }
    target.unix_path = std::string(text.substr(0, bar));
    if (target.unix_path.size() > 107) {  // sun_path of sockaddr_un, less its final zero
        call.error(word, "the path of a Unix socket has at most 107 bytes");
        return false;
    }
    text.remove_prefix(bar + 1);
    return true;
}

/// Where the path begins. Apache's own example has a capture right behind the port, as in
/// http://host:8000$1: that is a path too, while a "$" behind a name could be meant as part of it.
std::size_t find_path(std::string_view text, const Call& call) {
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    const std::size_t dollar = text.find('$');
    const std::size_t colon = text.rfind(':', dollar);
    const bool is_behind_port = dollar < end && colon != text.npos && colon + 1 < dollar &&
                                text.find_first_not_of("0123456789", colon + 1) == dollar;
    return is_behind_port && call.row.name == "ProxyPassMatch" ? dollar : end;
}

}  // namespace

std::optional<Target> read_target(const Word& word, const Call& call) {
    Target target;
    std::string_view text = word.text;
    if (!take_unix_path(text, target, word, call)) {
        return std::nullopt;
    }
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == text.npos) {
        call.error(word, "\"" + word.text + "\" is not a URL", std::string(url_form));
        return std::nullopt;
    }
    target.scheme = conf::lower(text.substr(0, scheme_end));
    // Whether a connection switches to WebSocket is the upstream's answer, not the scheme's: ws is
    // http, as in Apache since 2.4.47.
    if (target.scheme == "ws") target.scheme = "http";
    if (target.scheme == "wss") target.scheme = "https";
    if (target.scheme != "http" && !target.is_tls()) {
        refuse_scheme(target.scheme, word, call);
        return std::nullopt;
    }
    text.remove_prefix(scheme_end + 3);
    const std::size_t path = find_path(text, call);
    target.path = std::string(text.substr(path));
    if (target.path.find('#') != target.path.npos) {
        call.error(word, "an upstream URL has no fragment", std::string(url_form));
        return std::nullopt;
    }
    // Behind it the rest of the path would have to go in front, and a capture of the decoded path
    // could bring parameters of its own.
    if (target.path.find('?') != target.path.npos) {
        call.error(word, "an upstream URL has no query: that of the request is sent as it came",
                   std::string(url_form));
        return std::nullopt;
    }
    if (!read_authority(text.substr(0, path), target, word, call)) {
        return std::nullopt;
    }
    return target;
}

std::string Target::authority() const {
    const std::string name = is_ipv6 ? "[" + host + "]" : host;
    return port == usual_port() ? name : name + ":" + std::to_string(port);
}

std::string Target::endpoint() const {
    if (!unix_path.empty()) {
        return (is_tls() ? "https://unix:" : "unix:") + unix_path;
    }
    const std::string name = (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
    return is_tls() ? "https://" + name : name;
}

}  // namespace headgate::proxy
