// The framing of requests: RFC 9112 section 6.3, read as strictly as the strictest peer does.
#include "proxy/http/request_framing.h"

#include "proxy/http/connection_options.h"
#include "proxy/http/content_length.h"
#include "proxy/http/octets.h"

#include <algorithm>

namespace headgate::http {

namespace {

constexpr HeadError refuse(HeadFault code, std::uint16_t status = 400) {
    return {code, status, 0};
}

// RFC 9112 section 7: "transfer-coding = token *( OWS ";" OWS transfer-parameter )". Parameters are
// not looked into: a coding that has them is not ours.
bool is_coding(std::string_view element) {
    const std::string_view name = element.substr(0, element.find_first_of("; \t"));
    return !name.empty() && std::all_of(name.begin(), name.end(), is_token_octet);
}

// 6.3: "If a Transfer-Encoding header field is present in a request and the chunked transfer
// coding is not the final encoding, the message body length cannot be determined reliably; the
// server MUST respond with the 400 (Bad Request) status code and then close the connection."
// 6.1: "A server that receives a request message with a transfer coding it does not understand
// SHOULD respond with 501 (Not Implemented)." "A sender MUST NOT apply the chunked transfer coding
// more than once to a message body".
HeadFault transfer_coding_fault(const Fields& fields, std::string_view text) {
    bool is_chunked = false;  // as of the latest element
    bool has_unknown = false;
    for (const Field& field : fields) {
        if (field.id != FieldName::transfer_encoding) {
            continue;
        }
        ListElements elements(field.value.of(text));
        while (const auto element = elements.next()) {
            if (is_chunked || !is_coding(*element)) {
                return HeadFault::te_invalid;
            }
            is_chunked = equals_ignore_case(*element, "chunked");
            has_unknown = has_unknown || !is_chunked;
        }
    }
    if (!is_chunked) {
        return HeadFault::te_invalid;
    }
    return has_unknown ? HeadFault::te_unsupported : HeadFault::none;
}

Result<RequestFraming> transfer_encoding_framing(const RequestHead& head, std::string_view text) {
    // 6.1: "A server or client that receives an HTTP/1.0 message containing a Transfer-Encoding
    // header field MUST treat the message as if the framing is faulty".
    if (head.version == Version::http_1_0) {
        return refuse(HeadFault::te_in_http10);
    }
    // 6.1: "A server MAY reject a request that contains both Content-Length and Transfer-Encoding".
    if (head.fields.has(FieldName::content_length)) {
        return refuse(HeadFault::cl_and_te);
    }
    const HeadFault fault = transfer_coding_fault(head.fields, text);
    if (fault != HeadFault::none) {
        return refuse(fault, fault == HeadFault::te_unsupported ? 501 : 400);
    }
    RequestFraming framing;
    framing.kind = RequestFraming::Kind::chunked;
    return framing;
}

// 6.3: "If a message is received without Transfer-Encoding and with an invalid Content-Length
// header field, then the message framing is invalid". A repeated value could be taken as one;
// nobody who means well sends it.
Result<RequestFraming> content_length_framing(const RequestHead& head, std::string_view text) {
    const ContentLength length = content_length(head.fields, text);
    RequestFraming framing;
    switch (length.verdict) {
        case LengthVerdict::absent:
            // 6.3: "If this is a request message and none of the above are true, then the message
            // body length is zero (no message body is present)."
            return framing;
        case LengthVerdict::single:
            framing.kind = RequestFraming::Kind::length;
            framing.length = length.value;
            return framing;
        case LengthVerdict::list:
        case LengthVerdict::invalid:
            return refuse(HeadFault::cl_invalid);
        case LengthVerdict::repeated:
        case LengthVerdict::conflict:
            break;
    }
    return refuse(HeadFault::cl_duplicate);
}

// RFC 9110 section 7.6.1: "A sender MUST NOT send a connection option corresponding to a field
// that is intended for all recipients of the content." To obey would change the message's end.
bool connection_names_framing(const Fields& fields, std::string_view text) {
    return has_connection_option(fields, "content-length", text) ||
           has_connection_option(fields, "transfer-encoding", text) ||
           has_connection_option(fields, "host", text);
}

// RFC 9110 section 10.1.1: "Expect = #expectation". "A server that receives an Expect field value
// containing a member other than 100-continue MAY respond with a 417 (Expectation Failed) status
// code". An empty member is none (section 5.6.1).
bool has_other_expectation(const Fields& fields, std::string_view text) {
    for (const Field& field : fields) {
        if (field.id != FieldName::expect) continue;
        ListElements elements(field.value.of(text));
        while (const auto member = elements.next()) {
            if (!member->empty() && !equals_ignore_case(*member, "100-continue")) return true;
        }
    }
    return false;
}

// RFC 9110 section 9.3.1: content in a GET "has no generally defined semantics". Old 1.0 agents
// take it for the next request.
bool is_http10_payload(const RequestHead& head, const RequestFraming& framing) {
    const bool is_bare_method =
        head.method == Method::get || head.method == Method::head || head.method == Method::delete_;
    return head.version == Version::http_1_0 && is_bare_method && framing.has_content();
}

// RFC 9110 section 7.8: "A server MUST ignore an Upgrade header field that is received in an
// HTTP/1.0 request". h2c by upgrade is obsolete (RFC 9113 section 3.1) and never forwarded.
bool may_upgrade(const RequestHead& head, const RequestFraming& framing, std::string_view text) {
    return head.fields.has(FieldName::upgrade) && head.version == Version::http_1_1 &&
           !framing.has_content() && has_connection_option(head.fields, "upgrade", text) &&
           !lists_token(head.fields, FieldName::upgrade, "h2c", text);
}

}  // namespace

Result<RequestFraming> request_framing(const RequestHead& head, std::string_view text) {
    // RFC 9110 section 9.3.6: "An origin server MAY accept a CONNECT request, but most origin
    // servers do not implement CONNECT." Nor does a gateway that stands for them.
    if (head.method == Method::connect) {
        return refuse(HeadFault::connect, 405);
    }
    if (connection_names_framing(head.fields, text)) {
        return refuse(HeadFault::connection_nominates_framing);
    }
    Result<RequestFraming> framing = head.fields.has(FieldName::transfer_encoding)
                                         ? transfer_encoding_framing(head, text)
                                         : content_length_framing(head, text);
    if (!framing) {
        return framing;
    }
    if (has_other_expectation(head.fields, text)) {
        return refuse(HeadFault::expectation, 417);
    }
    if (is_http10_payload(head, *framing)) {
        return refuse(HeadFault::payload_in_http10_get, 413);
    }
    framing->may_upgrade = may_upgrade(head, *framing, text);
    // RFC 9110 section 10.1.1: "A server that receives a 100-continue expectation in an HTTP/1.0
    // request MUST ignore that expectation." Without content there is nothing to wait for.
    framing->expects_continue = head.fields.has(FieldName::expect) &&
                                head.version == Version::http_1_1 && framing->has_content() &&
                                lists_token(head.fields, FieldName::expect, "100-continue", text);
    return framing;
}

const char* name(RequestFraming::Kind kind) {
    switch (kind) {
        case RequestFraming::Kind::none:
            return "none";
        case RequestFraming::Kind::length:
            return "length";
        case RequestFraming::Kind::chunked:
            return "chunked";
    }
    return "none";
}

}  // namespace headgate::http
