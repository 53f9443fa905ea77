// See tls_upstream.h.
#include "proxy/site/tls_upstream.h"

#include <algorithm>

namespace headgate::proxy {

using net::TlsContext;

std::vector<std::unique_ptr<TlsUpstream>> tls_upstreams(const TlsUpstreamSettings& general,
                                                        const std::vector<ProxySection>& sections,
                                                        const std::string& server_root) {
    std::vector<const ProxySection*> by_length;
    for (const ProxySection& section : sections) {
        if (section.tls) by_length.push_back(&section);
    }
    std::stable_sort(by_length.begin(), by_length.end(), [](const auto* left, const auto* right) {
        return left->url.size() < right->url.size();
    });
    std::vector<std::unique_ptr<TlsUpstream>> all;
    for (std::size_t i = 0; i < by_length.size(); i++) {
        TlsUpstreamSettings merged = general;
        for (std::size_t outer = 0; outer <= i; outer++) {
            const bool is_around = encloses(by_length[outer]->url, by_length[i]->url);
            if (is_around || outer == i) merged.merge_from(*by_length[outer]->tls);
        }
        all.push_back(
            std::make_unique<TlsUpstream>(std::move(merged), by_length[i]->url, server_root));
    }
    all.push_back(std::make_unique<TlsUpstream>(general, "", server_root));
    std::reverse(all.begin(), all.end());
    return all;
}

net::PeerChecks TlsUpstream::checks() const {
    using Name = net::PeerChecks::Name;
    const auto& any = settings.check_name;
    const auto& common = settings.check_common_name;
    net::PeerChecks checks{Name::unchecked, *settings.check_expiry};
    if (*any && (*common || any.is_written())) {
        checks.name = Name::any;
    } else if (*common && common.is_written()) {
        checks.name = Name::common;
    }
    return checks;
}

TlsFiles read_upstream_files(const TlsUpstream& upstream, conf::Diagnostics& diagnostics) {
    const TlsUpstreamSettings& settings = upstream.settings;
    TlsFileReader files(upstream.server_root, diagnostics);
    TlsFiles read;
    read.authorities =
        files.read(settings.ca_file, "authorities") +
        files.read_folder(settings.ca_path, "authorities", net::PemKind::certificates);
    read.revocations =
        files.read(settings.crl_file, "revocation lists") +
        files.read_folder(settings.crl_path, "revocation lists", net::PemKind::revocations);
    if (!settings.shows_certificate()) return read;
    const std::string own =
        files.read(settings.machine_certificate, "certificate") + "\n" +
        files.read_folder(settings.machine_path, "certificates", net::PemKind::pairs);
    const std::string chain = files.read(settings.machine_chain, "chain of certificates");
    read.credentials.push_back({own + "\n" + chain, own, ""});
    return read;
}

std::vector<std::string> upstream_file_names(const TlsUpstream& upstream) {
    const TlsUpstreamSettings& settings = upstream.settings;
    return full_names(
        upstream.server_root,
        {&settings.ca_file, &settings.ca_path, &settings.crl_file, &settings.crl_path,
         &settings.machine_certificate, &settings.machine_path, &settings.machine_chain});
}

std::shared_ptr<TlsContext> make_upstream_context(const TlsUpstream& upstream,
                                                  const TlsFiles& files,
                                                  conf::Diagnostics& diagnostics) {
    const TlsUpstreamSettings& settings = upstream.settings;
    const std::size_t errors_before = diagnostics.error_count();
    auto context = std::make_shared<TlsContext>(TlsContext::Role::client);
    apply_terms(*context, settings, diagnostics);
    add_authorities(*context, settings, files, diagnostics);
    const bool demands_proof = *settings.verify == TlsContext::Verify::require ||
                               *settings.verify == TlsContext::Verify::optional;
    if (demands_proof && settings.ca_file->empty() && settings.ca_path->empty()) {
        diagnostics.error(settings.verify.span(), "there is no authority to verify upstreams by",
                          "write SSLProxyCACertificateFile or SSLProxyCACertificatePath");
    }
    const conf::Set<std::string>& named = settings.machine_certificate->empty()
                                              ? settings.machine_path
                                              : settings.machine_certificate;
    if (!files.credentials.empty()) {
        say_useless(diagnostics, context->add_choices(files.credentials.front()).text,
                    named.span());
    }
    for (const net::TlsCertificateBrief& brief : context->shown())
        say_expiry(diagnostics, brief, named.span());
    return diagnostics.error_count() == errors_before ? context : nullptr;
}

void load_upstream(TlsUpstream& upstream, conf::Diagnostics& diagnostics) {
    if (!*upstream.settings.engine || upstream.context() != nullptr) return;
    const TlsFiles files = read_upstream_files(upstream, diagnostics);
    upstream.set_context(make_upstream_context(upstream, files, diagnostics));
}

}  // namespace headgate::proxy
