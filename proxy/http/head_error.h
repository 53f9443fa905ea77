// Why a head was refused, and with which status to say so.
//
// One type for everything decided from a head: its syntax, its target, the framing of a request.
#pragma once

#include <cstdint>

namespace headgate::http {

/// The names that name() gives are used in logs and tests.
enum class HeadFault : std::uint8_t {
    none,
    bad_request_line,
    bad_status_line,
    version,
    bad_field,
    bare_lf,
    obs_fold,
    head_too_large,
    host,
    bad_target,
    connect,
    cl_invalid,
    cl_duplicate,
    cl_and_te,
    te_in_http10,
    te_invalid,
    te_unsupported,
    connection_nominates_framing,
    expectation,
    payload_in_http10_get,
    ambiguous_path,
    name_with_underscore,
    max_forwards,
};

struct HeadError {
    HeadFault code = HeadFault::none;
    /// What the client is answered: 4xx or 5xx for a request, 502 for a response head.
    std::uint16_t status = 0;
    /// Octets into the text at which the fault was noticed; 0 when it is about the head as a whole.
    std::uint32_t offset = 0;

    friend bool operator==(const HeadError&, const HeadError&) = default;
};

/// Short token: "bad-field", "cl-and-te". Never null.
const char* name(HeadFault code);
/// A sentence part for a log line: "white space before the colon or a bad field name". Never null.
const char* reason(HeadFault code);

}  // namespace headgate::http
