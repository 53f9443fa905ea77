// RFC 9112 section 6.3 for responses, in the order in which it is written there.
#include "upstream/framing.h"

#include "proxy/http/connection_options.h"
#include "proxy/http/content_length.h"

namespace headgate::upstream {

namespace {

using http::FieldName;
using http::ResponseHead;
using Kind = Framing::Kind;

// What the head alone says. An HTTP/1.0 upstream is not used again, whatever it announces: many
// that answer keep-alive do not mean it. Nor is one whose head had to be tolerated.
bool may_persist(const ResponseHead& head, std::string_view text) {
    return head.version == http::Version::http_1_1 && !head.is_lenient() &&
           http::is_persistent(head.version, head.fields, text);
}

bool was_asked_for(std::string_view protocol, const RequestFacts& request) {
    http::ListElements asked(request.upgrade_protocol);
    while (const auto candidate = asked.next()) {
        if (http::equals_ignore_case(*candidate, protocol)) return true;
    }
    return false;
}

// RFC 9110 section 7.8: "A server MUST NOT switch to a protocol that was not indicated by the
// client in the corresponding request's Upgrade header field." So each one named, on
// whichever line, must be one that we sent.
bool is_switch_as_asked(const ResponseHead& head, std::string_view text,
                        const RequestFacts& request) {
    if (!request.upgrade_requested) return false;
    bool names_any = false;
    for (const http::Field& field : head.fields) {
        if (field.id != FieldName::upgrade) continue;
        http::ListElements elements(http::value(field, text));
        while (const auto protocol = elements.next()) {
            if (protocol->empty()) continue;
            if (!was_asked_for(*protocol, request)) return false;
            names_any = true;
        }
    }
    return names_any;
}

// RFC 9110 section 15.2: "A 1xx response is terminated by the end of the header section". RFC 9112
// section 6.1 and RFC 9110 section 8.6 forbid Transfer-Encoding and Content-Length in it: a sender
// that writes them may mean to send content too, and is not used again.
FramingResult interim_framing(const ResponseHead& head, std::string_view text) {
    Framing framing;
    framing.is_interim = true;
    framing.drop_content_length = true;
    framing.upstream_reusable = may_persist(head, text) &&
                                !head.fields.has(FieldName::content_length) &&
                                !head.fields.has(FieldName::transfer_encoding);
    return framing;
}

// The connection now belongs to another protocol, and to this exchange for good.
FramingResult tunnel_framing() {
    Framing framing;
    framing.kind = Kind::tunnel;
    framing.drop_content_length = true;
    return framing;
}

FramingResult bodyless_framing(const ResponseHead& head, std::string_view text, bool is_reusable) {
    const bool has_coding = head.fields.has(FieldName::transfer_encoding);
    const http::ContentLength length = http::content_length(head.fields, text);
    const bool is_204 = head.status == 204;
    Framing framing;
    // RFC 9110 section 8.6: "A server MUST NOT send a Content-Length header field in any response
    // with a status code of 1xx (Informational) or 204 (No Content)": content may follow after all.
    const bool may_have_body =
        is_204 &&
        (has_coding || (length.verdict != http::LengthVerdict::absent &&
                        (length.verdict == http::LengthVerdict::invalid ||
                         length.verdict == http::LengthVerdict::conflict || length.value > 0)));
    framing.upstream_reusable = is_reusable && !may_have_body;
    framing.drop_content_length = is_204 || has_coding ||
                                  length.verdict == http::LengthVerdict::invalid ||
                                  length.verdict == http::LengthVerdict::conflict;
    return framing;
}

// 6.3: "If a Transfer-Encoding header field is present and the chunked transfer coding is the final
// encoding, the message body length is determined by reading and decoding the chunked data". What
// other codings lead to differs from one recipient to the next, so they are refused.
FramingResult coded_framing(const ResponseHead& head, std::string_view text, bool is_reusable) {
    const auto coding = head.fields.value(FieldName::transfer_encoding, text);
    if (head.fields.count(FieldName::transfer_encoding) != 1 ||
        !http::equals_ignore_case(*coding, "chunked")) {
        return FramingFault::te_unsupported;
    }
    Framing framing;
    framing.kind = Kind::chunked;
    // 6.3: "If a message is received with both a Transfer-Encoding and a Content-Length header
    // field, the Transfer-Encoding overrides the Content-Length. Such a message might indicate an
    // attempt to perform request smuggling or response splitting".
    framing.drop_content_length = head.fields.has(FieldName::content_length);
    framing.upstream_reusable = is_reusable && !framing.drop_content_length;
    return framing;
}

// 6.3: "If the message is a response message received by a proxy, the proxy MUST close the
// connection to the server, discard the received response, and send a 502 (Bad Gateway)"; "unless
// the field value can be successfully parsed as a comma-separated list, all values in the list are
// valid, and all values in the list are the same".
FramingResult length_framing(const ResponseHead& head, std::string_view text, bool is_reusable) {
    const http::ContentLength length = http::content_length(head.fields, text);
    Framing framing;
    switch (length.verdict) {
        case http::LengthVerdict::invalid:
            return FramingFault::cl_invalid;
        case http::LengthVerdict::conflict:
            return FramingFault::cl_conflict;
        case http::LengthVerdict::single:
        case http::LengthVerdict::repeated:
        case http::LengthVerdict::list:
            framing.kind = Kind::length;
            framing.length = length.value;
            framing.upstream_reusable = is_reusable;
            return framing;
        case http::LengthVerdict::absent:
            break;
    }
    // 6.3: "Otherwise, this is a response message without a declared message body length, so the
    // message body length is determined by the number of octets received prior to the server
    // closing the connection."
    framing.kind = Kind::until_close;
    return framing;
}

}  // namespace

FramingResult response_framing(const ResponseHead& head, std::string_view text,
                               const RequestFacts& request) {
    if (head.status == 101) {
        return is_switch_as_asked(head, text, request)
                   ? tunnel_framing()
                   : FramingResult(FramingFault::unexpected_101);
    }
    if (head.is_interim()) {
        return interim_framing(head, text);
    }
    // 6.3: "Any 2xx (Successful) response to a CONNECT request implies that the connection will
    // become a tunnel [...]. A client MUST ignore any Content-Length or Transfer-Encoding header
    // fields received in such a message."
    if (request.method == http::Method::connect && head.status / 100 == 2) {
        return tunnel_framing();
    }
    // A final response before the end of the request: the rest is never sent, so the upstream would
    // take the next request for content.
    const bool is_reusable = may_persist(head, text) && request.request_complete;
    // 6.3: "Any response to a HEAD request and any response with a 1xx (Informational), 204 (No
    // Content), or 304 (Not Modified) status code is always terminated by the first empty line
    // after the header fields, regardless of the header fields present in the message".
    if (request.method == http::Method::head || head.status == 204 || head.status == 304) {
        return bodyless_framing(head, text, is_reusable);
    }
    if (head.fields.has(FieldName::transfer_encoding)) {
        return coded_framing(head, text, is_reusable);
    }
    return length_framing(head, text, is_reusable);
}

const char* name(Framing::Kind kind) {
    switch (kind) {
        case Kind::none:
            return "none";
        case Kind::length:
            return "length";
        case Kind::chunked:
            return "chunked";
        case Kind::until_close:
            return "close";
        case Kind::tunnel:
            return "tunnel";
    }
    return "none";
}

const char* name(FramingFault fault) {
    switch (fault) {
        case FramingFault::unexpected_101:
            return "unexpected-101";
        case FramingFault::te_unsupported:
            return "te-unsupported";
        case FramingFault::cl_invalid:
            return "cl-invalid";
        case FramingFault::cl_conflict:
            return "cl-conflict";
    }
    return "none";
}

}  // namespace headgate::upstream
