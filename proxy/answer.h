// Answer: a response that we make ourselves: a refusal, a failure of the upstream, a missing route.
#pragma once

#include <cstdint>
#include <string>

#include "proxy/settings/settings.h"

namespace headgate::proxy {

struct Answer {
    std::uint16_t status;
    std::string fields;  // serialised lines: Content-Type and what Header edits add
    std::string content;
};

/// The answer for a status: ErrorDocument's text when there is one, else a short page that says the
/// status and nothing about us or the upstream.
Answer make_answer(std::uint16_t status, const RouteSettings& settings);

/// The answer to OPTIONS *: what this server takes (RFC 9110 section 9.3.7).
Answer make_options_answer();

}  // namespace headgate::proxy
