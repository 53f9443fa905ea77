// The other readings of a path: what a recipient behind us could take it for.
//
// Routes are compared with matching_path(). An upstream may decode once more, take ";x" for a
// parameter of its segment, "\" for "/", merge slashes, or drop what it cannot show: each of these
// is done by some server that is in use. Where such a reading leads elsewhere than ours does, what
// was decided for our reading does not hold for the upstream's.
//
//    /app/..;/admin         /app/../admin      Tomcat, Jetty: path parameters are removed first
//    /app/%252e%252e/x      /app/../x          whoever decodes twice
//    /app/..%5cx            /app/../x          IIS
//    /app/%c0%ae%c0%ae/x    /app/../x          lenient UTF-8
//    /admin;/x              /admin/x
//
// Read first: target.h.
#pragma once

#include "proxy/http/target.h"

#include <string>
#include <string_view>
#include <vector>

namespace headgate::http {

/// What `path` could be taken for, without itself and without repetitions; usually nothing, then
/// nothing is allocated. `path` is what matching_path() gave. Refused with 400: a reading that has
/// dot segments or NUL, UTF-8 with overlong sequences, and more than four encodings on top of each
/// other.
Result<std::vector<std::string>> other_readings(std::string_view path);

/// Does a path as received have a segment "." or "..", with "%2E" for "." and "%2F" for "/"? Such a
/// path is never forwarded as it was received.
bool has_dot_segment(std::string_view received);

}  // namespace headgate::http
