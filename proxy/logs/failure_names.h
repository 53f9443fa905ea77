// The names of failures in words: for `headgate explain timeout/upstream-wait/upstream-silent`, and
// whatever else stands behind %{end}x.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/net/failure.h"

namespace headgate::proxy {

/// The failure that is called side/phase/kind; nullopt when there is no such word.
std::optional<net::Failure> failure_named(std::string_view name);

/// Whose doing, what was waited for, and what happened: a sentence each.
std::string in_words(const net::Failure& failure);

}  // namespace headgate::proxy
