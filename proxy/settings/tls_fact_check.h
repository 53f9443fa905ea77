// The names of TLS's facts as they are written: in %{NAME}s of fields, %{NAME}x of logs and
// SSLUserName. One that would never have a value is a mistake. Which there are is said by
// proxy/net/tls_fact_names.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headgate::proxy {

struct TlsFactProblem {
    std::string text;
    std::string hint;  ///< what to write instead; may be empty
};
/// Nothing where the name is right.
std::optional<TlsFactProblem> problem_of_tls_fact(std::string_view name);

}  // namespace headgate::proxy
