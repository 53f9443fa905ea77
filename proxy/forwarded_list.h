// The Forwarded field (RFC 7239) as a list of who passed a request on. Pure.
#pragma once

#include <string>
#include <string_view>

namespace headgate::proxy {

/// The "for" of each element in their order, as X-Forwarded-For has them: "192.0.2.1, unknown,
/// [2001:db8::1]:80". An element without one, or with an obfuscated one, is "unknown". Empty when
/// the syntax is broken anywhere: where one element ends cannot be told then.
std::string forwarded_as_list(std::string_view forwarded);

}  // namespace headgate::proxy
