// Methods that are about the way to a resource rather than the resource: TRACE, "OPTIONS *", and
// what Max-Forwards ends here (RFC 9110 sections 7.6.2, 9.3.7 and 9.3.8; Apache's TraceEnable).
#pragma once

#include <optional>

#include "proxy/answer.h"
#include "proxy/request.h"

namespace headgate::proxy {

/// The answer of our own to a request that is not forwarded because of its method; nullopt when it
/// goes on.
std::optional<Answer> answer_to_method(const Request& request, const ServerSettings& server,
                                       const RouteSettings& settings);

}  // namespace headgate::proxy
