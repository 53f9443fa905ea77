// See tls.h.
#include "proxy/status/tls.h"

#include <algorithm>

#include "proxy/http/date.h"
#include "proxy/net/tls_kernel.h"
#include "proxy/net/tls_peer.h"
#include "proxy/net/tls_staples.h"
#include "proxy/site/site.h"
#include "proxy/status/status.h"

namespace headgate::proxy {
namespace {

struct Name {
    const char* line;
    const char* member;
    const char* words;
};
constexpr Name names[tls_count_limit] = {
    {"TLSHandshakesFull", "full", "full handshakes"},
    {"TLSHandshakesResumed", "resumed", "resumed handshakes"},
    {"TLSHandshakesFailed", "failed", "failed handshakes"},
    {"TLSKernelSends", "kernel_sends", "connections the kernel encrypts for"},
    {"TLSKernelReceives", "kernel_receives", "connections the kernel decrypts for"},
};

/// Whole days; less than 0 when it has expired.
std::int64_t days_until(std::time_t expiry, std::time_t now) {
    constexpr std::int64_t day = 86400;
    const std::int64_t left = expiry - now;
    return left >= 0 ? left / day : -((-left + day - 1) / day);
}

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text)
        out += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    return out;
}

using Certificates = std::vector<TlsStatus::Certificate>;

void add_shown_to_clients(const Site& site, Certificates& all) {
    const TlsSite::Context context = site.tls->server();
    for (const net::TlsCertificateBrief& brief : context->shown()) {
        all.push_back({site.name, brief.name, brief.kind, brief.expiry,
                       context->staples() != nullptr, false, ""});
    }
}

/// Proxy sections have mostly those of their virtual host, which are listed once.
void add_shown_to_upstreams(const Site& site, Certificates& all) {
    const auto first = static_cast<std::ptrdiff_t>(all.size());
    for (const auto& upstream : site.tls->upstreams) {
        const TlsUpstream::Context context = upstream->context();
        if (context == nullptr) continue;
        for (const net::TlsCertificateBrief& brief : context->shown()) {
            const bool is_listed =
                std::any_of(all.begin() + first, all.end(), [&](const auto& listed) {
                    return listed.name == brief.name && listed.kind == brief.kind &&
                           listed.expiry == brief.expiry;
                });
            if (is_listed) continue;
            all.push_back(
                {site.name, brief.name, brief.kind, brief.expiry, false, true, upstream->url});
        }
    }
}

std::string shown_to(const TlsStatus::Certificate& certificate) {
    if (!certificate.is_machine) return "clients";
    return "upstreams" + (certificate.url.empty() ? "" : " of " + certificate.url);
}

}  // namespace

bool TlsStatus::is_empty() const {
    return certificates.empty() && std::all_of(counts.begin(), counts.end(),
                                               [](std::uint64_t count) { return count == 0; });
}

void count_handshake(mpm::ThreadSlot& slot, const net::TlsTransport* tls) {
    const auto add = [&slot](TlsCount what) {
        slot.openings[static_cast<std::size_t>(what)].add(1);
    };
    if (tls == nullptr) {
        add(TlsCount::failed);
        return;
    }
    add(net::is_resumed(*tls) ? TlsCount::resumed : TlsCount::full);
    const net::KernelTls kernel = net::kernel_tls_of(*tls);
    if (kernel.sends) add(TlsCount::kernel_sends);
    if (kernel.receives) add(TlsCount::kernel_receives);
}

std::vector<TlsStatus::Certificate> certificates_of(const Sites& sites) {
    std::vector<TlsStatus::Certificate> all;
    for (const auto& site : sites.all()) {
        if (site->serves_tls()) add_shown_to_clients(*site, all);
        if (site->tls != nullptr) add_shown_to_upstreams(*site, all);
    }
    return all;
}

std::string tls_lines(const TlsStatus& status, std::time_t now) {
    std::string lines;
    if (status.is_empty()) return lines;
    for (std::size_t i = 0; i < tls_count_limit; i++)
        lines += names[i].line + (": " + std::to_string(status.counts[i])) + "\n";
    for (const TlsStatus::Certificate& each : status.certificates) {
        lines += (each.is_machine ? "TLSMachineCertificateDays " : "TLSCertificateDays ") +
                 each.site + " " + each.kind + ": " + std::to_string(days_until(each.expiry, now)) +
                 "\n";
    }
    return lines;
}

std::string tls_json(const TlsStatus& status) {
    std::string out = "\"tls\":{";
    for (std::size_t i = 0; i < tls_count_limit; i++)
        out += quoted_json(names[i].member) + ":" + std::to_string(status.counts[i]) + ",";
    out += "\"certificates\":[";
    const char* separator = "";
    for (const TlsStatus::Certificate& each : status.certificates) {
        out += std::string(separator) + "{\"site\":" + quoted_json(each.site) +
               ",\"name\":" + quoted_json(each.name) + ",\"key\":" + quoted_json(each.kind) +
               ",\"shown_to\":" + quoted_json(each.is_machine ? "upstreams" : "clients") +
               ",\"url\":" + quoted_json(each.url) + ",\"expires\":" + std::to_string(each.expiry) +
               ",\"stapled\":" + (each.is_stapled ? "true" : "false") + "}";
        separator = ",";
    }
    return out + "]}";
}

std::string tls_section(const TlsStatus& status, std::time_t now) {
    std::string text;
    if (status.is_empty()) return text;
    text = "<h2>TLS</h2><table><tr><th>of clients<th class=n>times</tr>";
    for (std::size_t i = 0; i < tls_count_limit; i++) {
        text += std::string("<tr><td>") + names[i].words + "<td class=n>" +
                std::to_string(status.counts[i]) + "</tr>";
    }
    text +=
        "</table><table><tr><th>certificate<th>virtual host<th>shown to<th>key<th>expires<th "
        "class=n>days"
        "</tr>";
    for (const TlsStatus::Certificate& each : status.certificates) {
        text += "<tr><td>" + escaped(each.name) + "<td>" + escaped(each.site) + "<td>" +
                escaped(shown_to(each)) + "<td>" + escaped(each.kind) + "<td>" +
                std::string(http::view(http::imf_fixdate(each.expiry))) + "<td class=n>" +
                std::to_string(days_until(each.expiry, now)) + "</tr>";
    }
    return text + "</table>";
}

}  // namespace headgate::proxy
