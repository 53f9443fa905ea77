// The request target and the authority: splitting and syntax.
// The path's normal form is in target_path.cpp.
#include "proxy/http/target.h"

#include "proxy/http/octets.h"

#include <algorithm>
#include <charconv>

namespace headgate::http {

namespace {

HeadError bad_target(std::uint32_t offset) {
    return {HeadFault::bad_target, 400, offset};
}

// RFC 3986 section 3.2.2: IP-literal. Hexadecimal groups, colons, perhaps dotted decimals; what
// address it is, is for whoever connects to it.
bool is_ipv6_literal(std::string_view host) {
    constexpr std::size_t longest = 47;  // "[", 8 groups or 6 and dotted decimals, "]"
    if (host.size() < 4 || host.size() > longest || host.front() != '[' || host.back() != ']') {
        return false;
    }
    const std::string_view address = host.substr(1, host.size() - 2);
    return std::count(address.begin(), address.end(), ':') >= 2 &&
           std::all_of(address.begin(), address.end(),
                       [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; });
}

bool is_host_name(std::string_view host) {
    constexpr std::size_t longest = 255;
    if (host.empty() || host.size() > longest || host.front() == '.') {
        return false;
    }
    return host.find("..") == std::string_view::npos &&
           std::all_of(host.begin(), host.end(), [](char c) {
               return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
           });
}

// Splits [at, end) at "?" into path and query.
void split_path(Target& target, std::uint32_t at, std::uint32_t end, std::string_view text) {
    const std::string_view rest = text.substr(at, end - at);
    const std::size_t mark = rest.find('?');
    target.has_query = mark != std::string_view::npos;
    if (!target.has_query) {
        target.path = {at, end - at};
        return;
    }
    const auto size = static_cast<std::uint32_t>(mark);
    target.path = {at, size};
    target.query = {at + size + 1, end - at - size - 1};
}

// RFC 3986 has no "\" in a URI, and browsers write "/" for it: what sends one wants the two to be
// mixed up. In a query it does no harm.
bool has_backslash(const Target& target, std::string_view text) {
    return target.path.of(text).find('\\') != std::string_view::npos;
}

// RFC 9112 section 3.2.2: "absolute-form = absolute-URI". RFC 9110 section 4.2.4: user information
// in an http URI is deprecated and to be treated "as an error"; parse_authority refuses "@".
Result<Target> parse_absolute(Slice at, std::string_view text) {
    const std::string_view whole = at.of(text);
    Target target;
    target.form = TargetForm::absolute;
    target.is_https = equals_ignore_case(whole.substr(0, 8), "https://");
    if (!target.is_https && !equals_ignore_case(whole.substr(0, 7), "http://")) {
        return bad_target(at.at);
    }
    const std::size_t begin = target.is_https ? 8 : 7;
    const std::size_t end = std::min(whole.find_first_of("/?", begin), whole.size());
    target.authority = {static_cast<std::uint32_t>(at.at + begin),
                        static_cast<std::uint32_t>(end - begin)};
    if (!parse_authority(target.authority.of(text))) {
        return bad_target(target.authority.at);
    }
    split_path(target, static_cast<std::uint32_t>(at.at + end), at.at + at.size, text);
    return has_backslash(target, text) ? bad_target(at.at) : Result<Target>(target);
}

}  // namespace

Result<Target> parse_target(Method method, Slice at, std::string_view text) {
    const std::string_view whole = at.of(text);
    if (whole.empty() || !std::all_of(whole.begin(), whole.end(), is_target_octet)) {
        return bad_target(at.at);
    }
    Target target;
    // RFC 9112 section 3.2.3: "The authority-form [...] is only used for CONNECT requests".
    if (method == Method::connect) {
        target.form = TargetForm::authority;
        target.authority = at;
        return parse_authority(whole) ? Result<Target>(target) : bad_target(at.at);
    }
    // RFC 9112 section 3.2.4: "The asterisk-form [...] is only used for a server-wide OPTIONS".
    if (whole == "*") {
        target.form = TargetForm::asterisk;
        return method == Method::options ? Result<Target>(target) : bad_target(at.at);
    }
    // RFC 9112 section 3.2.1: "origin-form = absolute-path [ "?" query ]".
    if (whole.front() == '/') {
        split_path(target, at.at, at.at + at.size, text);
        return has_backslash(target, text) ? bad_target(at.at) : Result<Target>(target);
    }
    Result<Target> absolute = parse_absolute(at, text);
    // RFC 9112 section 3.2.4: "If a proxy receives an OPTIONS request with an absolute-form of
    // request-target in which the URI has an empty path and no query component, then the last proxy
    // on the request chain MUST send a request-target of "*"".
    const bool is_server_wide =
        method == Method::options && absolute && absolute->path.empty() && !absolute->has_query;
    if (is_server_wide) absolute->form = TargetForm::asterisk;
    return absolute;
}

std::optional<Authority> parse_authority(std::string_view text) {
    Authority authority;
    const std::size_t after_host = text.starts_with('[') ? text.find(']') : 0;
    if (after_host == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t colon = text.find(':', after_host);
    authority.host = text.substr(0, colon);
    if (!is_host_name(authority.host) && !is_ipv6_literal(authority.host)) {
        return std::nullopt;
    }
    // RFC 3986 section 3.2.3: "port = *DIGIT".
    if (colon != std::string_view::npos && colon + 1 < text.size()) {
        const char* end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data() + colon + 1, end, authority.port);
        if (parsed.ec != std::errc{} || parsed.ptr != end) {
            return std::nullopt;
        }
    }
    return authority;
}

}  // namespace headgate::http
