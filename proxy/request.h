// Request: what a client asked for, as the exchange takes it over from the client's protocol. It
// points into buffers that are reused: everything is read before the first suspension.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/message.h"
#include "proxy/http/request_framing.h"
#include "proxy/http/request_hygiene.h"
#include "proxy/http/target.h"
#include "proxy/site/site.h"

namespace headgate::proxy {

struct Request {
    const http::RequestHead& head;
    std::string_view text;  // what the slices of the head are over
    http::RequestFraming framing;
    http::Target target;
    std::string_view host;  // Host, or the authority of an absolute-form target
    std::string path;       // decoded and normalised, for matching
    http::PathRules path_rules{};
    std::vector<std::string> readings{};  // of the path, by others (http/path_readings.h)

    std::uint32_t max_forwards = http::unbounded_forwards;  // of TRACE and OPTIONS

    std::string_view received_path() const { return target.path.of(text); }
};

/// Judges a complete head: target, framing, names, Max-Forwards, path; by the rules of the virtual
/// host that it names. The error has the status to answer with (RFC 9112 sections 3.2 and 6.3).
/// Fields that are to be dropped are dropped from `head`; the request points into it and `text`.
http::Result<Request> judge_request(http::RequestHead& head, std::string_view text,
                                    const Sites::Candidates& candidates);

/// A request that could not be taken: why, and what of its head there is (for the log).
struct RefusedRequest {
    const http::RequestHead* head;  // null when it could not be read
    std::string_view text;
    std::uint16_t status;
    const char* reason;     // static text
    http::Method method;    // as far as it was read; `other` when it was not
    const char* told = "";  // static HTML, behind the page of the status
    /// Of a 503, which has nothing to do with the request: what we lack for it.
    net::FailureKind lack = net::FailureKind::stopped;
};

}  // namespace headgate::proxy
