// The words for each fault of a head.
#include "proxy/http/head_error.h"

#include <array>
#include <cstddef>

namespace headgate::http {

namespace {

struct Words {
    const char* name;
    const char* reason;
};

// In the order of the enumeration.
constexpr std::array<Words, 23> words = {{
    {"none", "no fault"},
    {"bad-request-line", "malformed request line"},
    {"bad-status-line", "malformed status line"},
    {"version", "major version of HTTP not supported"},
    {"bad-field", "malformed field line"},
    {"bare-lf", "line ended by LF without CR"},
    {"obs-fold", "field line begins with white space"},
    {"head-too-large", "line, field, number of fields or head above its limit"},
    {"host", "Host missing, repeated or malformed"},
    {"bad-target", "malformed request target"},
    {"connect", "CONNECT is not served here"},
    {"cl-invalid", "Content-Length is not one number below 2^63"},
    {"cl-duplicate", "more than one Content-Length"},
    {"cl-and-te", "both Content-Length and Transfer-Encoding"},
    {"te-in-http10", "Transfer-Encoding in an HTTP/1.0 request"},
    {"te-invalid", "chunked is not the final transfer coding, or malformed"},
    {"te-unsupported", "transfer coding other than chunked"},
    {"connection-nominates-framing", "Connection names Content-Length, Transfer-Encoding or Host"},
    {"expectation", "Expect other than 100-continue"},
    {"payload-in-http10-get", "content in an HTTP/1.0 GET, HEAD or DELETE"},
    {"ambiguous-path", "path that other readers could take for another one"},
    {"name-with-underscore", "underscore in a field name"},
    {"max-forwards", "Max-Forwards is not one number"},
}};
static_assert(words.size() == static_cast<std::size_t>(HeadFault::max_forwards) + 1);

}  // namespace

const char* name(HeadFault code) {
    return words[static_cast<std::size_t>(code)].name;
}

const char* reason(HeadFault code) {
    return words[static_cast<std::size_t>(code)].reason;
}

}  // namespace headgate::http
