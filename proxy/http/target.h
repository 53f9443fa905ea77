// The request target: its four forms (RFC 9112 section 3.2), and its path for matching and for
// forwarding.
//
//    as received     /a/./b%7Ec/%20x?q=1     path and query slices
//    matching_path   /a/b~c/ x               what routes are compared with (Apache's r->uri)
//    forwarded_path  /a/b~c/%20x             what is sent on (Apache's ap_proxy_canonenc)
//
// The query is never changed. `nocanon` routes forward the path as received.
#pragma once

#include "proxy/http/message.h"
#include "proxy/http/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::http {

enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

struct Target {
    TargetForm form = TargetForm::origin;
    bool has_query = false;  ///< there was a "?", even with nothing behind it
    bool is_https = false;   ///< absolute-form with the scheme https
    Slice authority;         ///< absolute- and authority-form; it replaces Host (RFC 9112 3.2.2);
                             ///< also of "OPTIONS http://host", which is an asterisk-form
    Slice path;              ///< begins with "/"; empty for authority- and asterisk-form, and for
                             ///< absolute-form without a path (then it means "/")
    Slice query;             ///< without the "?"
};

/// Splits the target `at` in `text`; the slices of the result are over `text`. Refused with 400:
/// a form that does not fit the method, user information, a scheme other than http and https, a
/// fragment, an octet outside visible ASCII, a backslash in the path, a malformed authority.
Result<Target> parse_target(Method method, Slice at, std::string_view text);

inline Result<Target> parse_target(const RequestHead& head, std::string_view text) {
    return parse_target(head.method, head.target, text);
}

/// What becomes of "%2F" in a path: Apache's AllowEncodedSlashes Off, On, NoDecode.
enum class EncodedSlashes : std::uint8_t { refuse, decode, keep };

struct PathRules {
    EncodedSlashes encoded_slashes = EncodedSlashes::refuse;
    bool merge_slashes = true;  ///< MergeSlashes
};

/// Decodes every %XX, merges slashes, removes dot segments (RFC 3986 section 5.2.4), in this
/// order, so that no encoding hides a segment. Refused: a malformed %XX, NUL, and dot segments that
/// lead above the root, with 400; "%2F" under EncodedSlashes::refuse with 404, as Apache does.
/// Under EncodedSlashes::keep, "%2F" and "%25" stay as they are (the latter so that "%252F" is not
/// taken for a kept slash afterwards), in capitals. An empty path gives "/".
Result<std::string> matching_path(std::string_view path, const PathRules& rules = {});

/// Encodes a decoded path for a request line, as Apache's ap_proxy_canonenc: letters, digits and
/// `~$-_.+!*'(),;:@&=/` stay; every other octet becomes %XX, "%" included. With `keep`, the "%2F"
/// and "%25" that matching_path left are not encoded again. Appends to `out`.
void append_forwarded_path(std::string& out, std::string_view decoded,
                           EncodedSlashes encoded_slashes = EncodedSlashes::refuse);

/// A path that is sent as it was received: only octets that no request target has become %XX, and
/// "?". Appends to `out`.
void append_received_path(std::string& out, std::string_view received);

struct Authority {
    std::string_view host;   ///< IPv6 literals with their brackets
    std::uint16_t port = 0;  ///< 0 when there is none, or it is empty
};

/// `host[:port]` as Host and the authority hold it (RFC 9110 section 7.2, RFC 3986 section 3.2).
/// A host is letters, digits, "-", "_" and "." without empty labels (but one "." may end it), or a
/// bracketed IPv6 literal; nullopt for anything else, user information too.
///
/// RFC 3986's reg-name has more: "~", sub-delims, percent-encoding; its IP-literal has IPvFuture.
/// No name that can be resolved has them, but a Host goes into logs, X-Forwarded-Host (where ","
/// begins another host), redirects and SNI, and "%41" is two names to two readers. Refused by
/// choice, as by Apache 2.4 (HttpProtocolOptions Strict, its default).
std::optional<Authority> parse_authority(std::string_view text);

}  // namespace headgate::http
