// See method_rules.h.
#include "proxy/method_rules.h"

#include "proxy/http/head_writer.h"

namespace headgate::proxy {
namespace {

using http::FieldName;

/// RFC 9110 section 9.3.8: "The final recipient of the request SHOULD exclude any request fields
/// that are likely to contain sensitive data".
bool is_sensitive(const http::Field& field) {
    return field.id == FieldName::cookie || field.id == FieldName::authorization ||
           field.id == FieldName::proxy_authorization;
}

/// The same section: "The final recipient of the request SHOULD reflect the message received [...]
/// back to the client as the content of a 200 (OK) response."
Answer make_trace_answer(const Request& request) {
    Answer answer{200, "Content-Type: message/http\r\n", ""};
    http::HeadWriter writer(answer.content);
    writer.request_line(request.head.method_text.of(request.text),
                        request.head.target.of(request.text));
    for (const http::Field& field : request.head.fields) {
        if (is_sensitive(field)) continue;
        writer.field(http::name(field, request.text), http::value(field, request.text));
    }
    writer.end();
    return answer;
}

}  // namespace

std::optional<Answer> answer_to_method(const Request& request, const ServerSettings& server,
                                       const RouteSettings& settings) {
    using Trace = ServerSettings::Trace;
    const bool is_trace = request.head.method == http::Method::trace;
    if (is_trace && *server.trace == Trace::off) return make_answer(405, settings);
    // RFC 9110 section 9.3.8: "A client MUST NOT send content in a TRACE request."
    const bool may_have_content = *server.trace == Trace::extended;
    if (is_trace && request.framing.has_content() && !may_have_content) {
        return make_answer(413, settings);
    }
    // RFC 9110 section 9.3.7: "*" asks about this server, not about a resource behind it.
    if (request.target.form == http::TargetForm::asterisk) return make_options_answer();
    // RFC 9110 section 7.6.2: "If the received value is zero (0), the intermediary MUST NOT forward
    // the request; instead, the intermediary MUST respond as the final recipient."
    if (request.max_forwards != 0) return std::nullopt;
    return is_trace ? make_trace_answer(request) : make_options_answer();
}

}  // namespace headgate::proxy
