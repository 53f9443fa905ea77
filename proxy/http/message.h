// HTTP messages as data: control data and header section (RFC 9110 section 6).
//
// Everything a head says is kept as offsets into the text that it was read from. The text belongs
// to the caller, must outlive every use of the head, and may move. No content here.
#pragma once

#include "proxy/http/fields.h"
#include "proxy/http/slice.h"

#include <cstdint>
#include <string_view>

namespace headgate::http {

/// RFC 9112 section 2.3. A higher minor version of major 1 counts as 1.1.
enum class Version : std::uint8_t { http_1_0, http_1_1 };

/// RFC 9110 section 9.3 and RFC 5789. Method names are case-sensitive.
enum class Method : std::uint8_t {
    get,
    head,
    post,
    put,
    delete_,
    options,
    patch,
    trace,
    connect,
    other,
};

Method method_of(std::string_view name);
/// "GET" and so on; empty for `other`.
std::string_view spelling(Method method);
/// RFC 9110 section 9.2.1: GET, HEAD, OPTIONS, TRACE.
bool is_safe(Method method);
/// RFC 9110 section 9.2.2: the safe ones, PUT and DELETE.
bool is_idempotent(Method method);

struct RequestHead {
    Method method = Method::other;
    Version version = Version::http_1_1;
    Slice method_text;
    Slice target;  ///< as received; see target.h
    Fields fields;
};

struct ResponseHead {
    Version version = Version::http_1_1;
    std::uint16_t status = 0;  ///< 100 to 999
    Slice reason;              ///< may be empty

    // What the sender did that RFC 9112 lets a recipient tolerate. A connection on which any of
    // it happened is not used again: its two ends may not agree where messages begin.
    bool has_bare_lf = false;
    bool has_obs_fold = false;  ///< values hold CR LF until unfold() (head_parser.h)
    bool has_stray_line = false;
    bool has_spaced_name = false;  ///< only where limits allow it

    Fields fields;

    bool is_lenient() const {
        return has_bare_lf || has_obs_fold || has_stray_line || has_spaced_name;
    }
    bool is_interim() const { return status < 200; }
};

}  // namespace headgate::http
