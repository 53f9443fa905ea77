// See tls_stapling.h.
#include "proxy/site/tls_stapling.h"

#include <unistd.h>

#include "proxy/net/tls_staples.h"

namespace headgate::proxy {
namespace {

/// Where a response was named, or what it belongs to.
const conf::Word& place_of(const TlsServerSettings& settings, std::size_t index) {
    return index < settings.staple_files.size() ? settings.staple_files[index]
                                                : settings.certificates[index];
}

}  // namespace

std::vector<std::string> staple_file_names(const TlsSite& site) {
    const TlsServerSettings& settings = site.server_settings;
    std::vector<std::string> names;
    if (!*settings.stapling) return names;
    for (std::size_t i = 0; i < settings.certificates.size(); i++) {
        const bool is_named = i < settings.staple_files.size();
        const std::string& name = place_of(settings, i).text;
        names.push_back(site.in_full(name) + (is_named ? "" : ".ocsp"));
    }
    return names;
}

std::vector<std::string> read_staples(const TlsSite& site,
                                      const std::vector<net::TlsCredential>& credentials,
                                      conf::Diagnostics& diagnostics) {
    const TlsServerSettings& settings = site.server_settings;
    const std::vector<std::string> names = staple_file_names(site);
    std::vector<std::string> staples(names.size());
    for (std::size_t i = 0; i < names.size() && i < credentials.size(); i++) {
        const bool is_named = i < settings.staple_files.size();
        const bool is_wanted = is_named || net::names_responder(credentials[i].certificates);
        if (!is_named && ::access(names[i].c_str(), F_OK) != 0) {
            if (!is_wanted) continue;
            diagnostics.warning(place_of(settings, i).span,
                                "SSLUseStapling is on, and there is no response for this "
                                "certificate: nothing is stapled",
                                "Headgate fetches none: have a tool keep " + names[i],
                                "headgate -L SSLStaplingFile");
            continue;
        }
        const std::string problem = conf::read_text(names[i], staples[i]);
        if (problem.empty()) continue;
        diagnostics.warning(place_of(settings, i).span,
                            "cannot read the OCSP response: " + problem + ": nothing is stapled");
    }
    return staples;
}

void add_staples(net::TlsContext& context, const TlsSite& site, const TlsFiles& files,
                 conf::Diagnostics& diagnostics) {
    auto staples = std::make_unique<net::TlsStaples>();
    for (std::size_t i = 0; i < files.staples.size(); i++) {
        if (files.staples[i].empty()) continue;
        const std::string problem =
            staples->add(files.credentials[i].certificates, files.staples[i]);
        if (problem.empty()) continue;
        diagnostics.warning(place_of(site.server_settings, i).span,
                            "the OCSP response is not sent: " + problem);
    }
    if (!staples->is_empty()) context.use_staples(std::move(staples));
}

}  // namespace headgate::proxy
