// See tls_fact_check.h.
#include "proxy/settings/tls_fact_check.h"

#include <vector>

#include "conf/suggest.h"
#include "proxy/net/tls_fact_names.h"

namespace headgate::proxy {

std::optional<TlsFactProblem> problem_of_tls_fact(std::string_view name) {
    if (net::is_tls_fact(name)) return std::nullopt;
    const std::string quoted = "\"" + std::string(name) + "\"";
    if (const char* why = net::why_no_tls_fact(name)) {
        return TlsFactProblem{quoted + " has no value here: " + why, ""};
    }
    const std::vector<std::string> all = net::tls_fact_names();
    const std::vector<std::string_view> candidates(all.begin(), all.end());
    const std::string best(conf::nearest(name, candidates));
    return TlsFactProblem{quoted + " is no variable of TLS",
                          best.empty() ? "such as SSL_PROTOCOL or SSL_CLIENT_S_DN_CN"
                                       : "did you mean \"" + best + "\"?"};
}

}  // namespace headgate::proxy
