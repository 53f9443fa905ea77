// See ledger.h.
#include "proxy/logs/ledger.h"

namespace headgate::proxy {

std::string Ledger::end() const {
    return failed ? net::full_name(failure) : "ok";
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
