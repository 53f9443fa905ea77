// What the status page says of TLS: handshakes of clients by how they went, what the kernel has
// taken over, and when certificates expire: those that clients are shown, and those that upstreams
// are.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "mpm/scoreboard.h"

namespace headgate::net {
class TlsTransport;
}

namespace headgate::proxy {

class Sites;

/// Indices into ThreadSlot::openings.
enum class TlsCount : std::uint8_t { full, resumed, failed, kernel_sends, kernel_receives };
inline constexpr std::size_t tls_count_limit = 5;

struct TlsStatus {
    struct Certificate {
        std::string site, name, kind;
        std::time_t expiry = 0;
        bool is_stapled = false;  // some OCSP response is sent for its site
        bool is_machine = false;  // shown to upstreams; else to clients
        std::string url;          // of machine certificates: of their Proxy section, or empty
    };
    std::array<std::uint64_t, tls_count_limit> counts{};
    std::vector<Certificate> certificates;

    bool is_empty() const;
};

/// Counts a handshake that has ended; null: it failed.
void count_handshake(mpm::ThreadSlot& slot, const net::TlsTransport* tls);

std::vector<TlsStatus::Certificate> certificates_of(const Sites& sites);

/// Lines of ?auto, a member of ?json, a section of the page; without TLS empty, but for the member.
std::string tls_lines(const TlsStatus& status, std::time_t now);
std::string tls_json(const TlsStatus& status);
std::string tls_section(const TlsStatus& status, std::time_t now);

}  // namespace headgate::proxy
