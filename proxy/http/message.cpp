// Methods: their names and what RFC 9110 section 9.2 says of them.
#include "proxy/http/message.h"

#include <array>
#include <cstddef>

namespace headgate::http {

namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 10> method_names = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "",
};
static_assert(method_names.size() == static_cast<std::size_t>(Method::other) + 1);

}  // namespace

Method method_of(std::string_view name) {
    for (std::size_t i = 0; i + 1 < method_names.size(); ++i) {
        if (name == method_names[i]) {
            return static_cast<Method>(i);
        }
    }
    return Method::other;
}

std::string_view spelling(Method method) {
    return method_names[static_cast<std::size_t>(method)];
}

bool is_safe(Method method) {
    return method == Method::get || method == Method::head || method == Method::options ||
           method == Method::trace;
}

bool is_idempotent(Method method) {
    return is_safe(method) || method == Method::put || method == Method::delete_;
}

}  // namespace headgate::http
