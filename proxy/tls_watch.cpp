// See tls_watch.h.
#include "proxy/tls_watch.h"

#include <iostream>

#include "proxy/net/tls_staples.h"
#include "proxy/net/tls_tickets.h"
#include "proxy/site/tls_shared.h"

namespace headgate::proxy {
namespace {

constexpr std::time_t ticket_key_life = 3600;

// Parts of a site's TLS: its clients' side, then its upstreams, in TlsSite's order.
constexpr std::size_t of_clients = 0;
constexpr std::size_t of_upstreams = 1;

std::string described(std::size_t part, const Site& site) {
    if (part == of_clients) return site.name;
    const std::string& url = site.tls->upstreams[part - of_upstreams]->url;
    return site.name + ", for its upstreams" + (url.empty() ? "" : " of <Proxy " + url + ">");
}

/// Texts behind one another, each with its size in front.
class Packed {
public:
    void add(const std::string& piece) { text += std::to_string(piece.size()) + ":" + piece; }
    std::string take() {
        const std::size_t colon = text.find(':', at_);
        if (colon == std::string::npos) return "";
        const std::size_t size = std::stoul(text.substr(at_, colon - at_));
        at_ = colon + 1 + size;
        return text.substr(colon + 1, size);
    }
    std::string text;

private:
    std::size_t at_ = 0;
};

std::string pack(std::size_t part, std::size_t site, const TlsFiles& files) {
    Packed packed;
    packed.add(std::to_string(part));
    packed.add(std::to_string(site));
    packed.add(std::to_string(files.credentials.size()));
    for (const net::TlsCredential& credential : files.credentials) {
        packed.add(credential.certificates);
        packed.add(credential.key);
        packed.add(credential.passphrase);
    }
    packed.add(std::to_string(files.staples.size()));
    for (const std::string& staple : files.staples)
        packed.add(staple);
    packed.add(files.authorities);
    packed.add(files.announced);
    packed.add(files.revocations);
    return packed.text;
}

TlsFiles unpack(Packed& packed) {
    TlsFiles files;
    const std::size_t credentials = std::stoul(packed.take());
    for (std::size_t i = 0; i < credentials; i++) {
        net::TlsCredential credential;
        credential.certificates = packed.take();
        credential.key = packed.take();
        credential.passphrase = packed.take();
        files.credentials.push_back(std::move(credential));
    }
    files.staples.resize(std::stoul(packed.take()));
    for (std::string& staple : files.staples)
        staple = packed.take();
    files.authorities = packed.take();
    files.announced = packed.take();
    files.revocations = packed.take();
    return files;
}

/// Also where the clock was set back: else the key would seal for as long as it was wrong.
bool is_due(std::time_t since, std::time_t now) {
    return now >= since + ticket_key_life || now + ticket_key_life < since;
}

}  // namespace

TlsWatch::TlsWatch(const Sites& sites) {
    for (const auto& site : sites.all()) {
        if (site->tls == nullptr) continue;
        serves_ = serves_ || site->serves_tls();
        if (site->serves_tls()) watch(of_clients, *site, tls_file_names(*site->tls));
        for (std::size_t i = 0; i < site->tls->upstreams.size(); i++) {
            const TlsUpstream& upstream = *site->tls->upstreams[i];
            if (upstream.context() == nullptr) continue;
            watch(of_upstreams + i, *site, upstream_file_names(upstream));
        }
    }
}

void TlsWatch::watch(std::size_t part, const Site& site, std::vector<std::string> names) {
    Watched watched;
    watched.part = part;
    watched.site = &site;
    watched.names = std::move(names);
    watched.seen = stamps_.of(watched.names);
    watched_.push_back(std::move(watched));
}

std::vector<std::string> TlsWatch::look() {
    std::vector<std::string> news;
    said_.clear();
    for (Watched& watched : watched_) {
        say_expired(watched);
        std::vector<FileStamp> now = stamps_.of(watched.names);
        if (now == watched.seen && !watched.is_tried_again) continue;
        watched.seen = std::move(now);
        std::string text = reload(watched);
        if (!text.empty()) news.push_back(std::move(text));
    }
    rotate_tickets();
    return news;
}

/// What to send, or nothing when the files are of no use.
std::string TlsWatch::reload(Watched& watched) {
    const Site& site = *watched.site;
    conf::Diagnostics diagnostics = site.tls->texts;
    const TlsFiles files =
        watched.part == of_clients
            ? read_tls_files(*site.tls, diagnostics)
            : read_upstream_files(*site.tls->upstreams[watched.part - of_upstreams], diagnostics);
    const bool is_made =
        !diagnostics.has_errors() && take(watched.part, *site.tls, files, diagnostics);
    const std::string whose = described(watched.part, site);
    if (is_made) {
        watched.is_tried_again = false;
        std::cerr << unsaid(diagnostics.render(false)) << "headgate: new certificates for " << whose
                  << std::endl;
        return pack(watched.part, site.index, files);
    }
    if (!watched.is_tried_again) {
        watched.is_tried_again = true;
        return "";
    }
    watched.is_tried_again = false;
    std::cerr << unsaid(diagnostics.render(false)) << "headgate: the certificates of " << whose
              << " were not changed; the old ones go on" << std::endl;
    return "";
}

/// Nothing when the last virtual host was told the same: many may share a directive.
std::string TlsWatch::unsaid(std::string text) {
    if (text == said_) return "";
    said_ = text;
    return text;
}

/// Makes such files those of new connections; false when they are of no use.
bool TlsWatch::take(std::size_t part, TlsSite& site, const TlsFiles& files,
                    conf::Diagnostics& diagnostics) {
    if (part == of_clients) {
        auto context = make_server_context(site, files, diagnostics);
        if (context == nullptr) return false;
        site.set_server(std::move(context));
        return true;
    }
    TlsUpstream& upstream = *site.upstreams[part - of_upstreams];
    auto context = make_upstream_context(upstream, files, diagnostics);
    if (context == nullptr) return false;
    upstream.set_context(std::move(context));
    return true;
}

/// Nobody sends an OCSP response once it has expired; that is said once.
void TlsWatch::say_expired(Watched& watched) {
    if (watched.part != of_clients) return;
    const auto context = watched.site->tls->server();
    if (context == nullptr || context->staples() == nullptr) return;
    const std::time_t end = context->staples()->first_end();
    if (std::time(nullptr) < end || end == watched.said_end) return;
    watched.said_end = end;
    std::cerr << "headgate: warning: an OCSP response of " << watched.site->name
              << " has expired and is no longer sent: the tool that keeps it is late" << std::endl;
}

void TlsWatch::rotate_tickets() {
    if (!serves_ || !is_due(shared_tickets().sealing_since(), std::time(nullptr))) return;
    shared_tickets().rotate();
}

void TlsWatch::take_sent(const Sites& sites, const std::string& text) {
    Packed packed;
    packed.text = text;
    const std::size_t part = std::stoul(packed.take());
    const std::size_t index = std::stoul(packed.take());
    if (index >= sites.all().size()) return;
    const Site& site = *sites.all()[index];
    conf::Diagnostics diagnostics = site.tls->texts;
    if (part >= of_upstreams + site.tls->upstreams.size()) return;
    take(part, *site.tls, unpack(packed), diagnostics);
}

}  // namespace headgate::proxy
