// See ledger.h.
#include "proxy/logs/ledger.h"

namespace headgate::proxy {

std::string Ledger::end() const {
    if (!failed) return "ok";
    return std::string(net::name(failure.side)) + "/" + net::phase::name(failure.phase) + "/" +
           net::name(failure.kind);
}

std::string Ledger::phases() const {
    std::string text;
    for (std::size_t i = 0; i < loop::phase_limit; i++) {
        const auto phase = static_cast<loop::Phase>(i);
        if (account.releases(phase) == 0) continue;
        const auto spent =
            std::chrono::duration_cast<std::chrono::microseconds>(account.parked(phase)).count();
        if (!text.empty()) text += ',';
        text += net::phase::name(phase);
        text += '=' + std::to_string(spent) + "us/" + std::to_string(account.releases(phase));
    }
    return text.empty() ? "-" : text;
}

}  // namespace headgate::proxy
