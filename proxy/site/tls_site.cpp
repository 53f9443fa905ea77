// See tls_site.h. Reads files as whoever loads the configuration: the supervisor, mostly root.
#include "proxy/site/tls_site.h"

#include <algorithm>
#include <ctime>

#include "proxy/net/tls_tickets.h"
#include "proxy/site/tls_files.h"
#include "proxy/site/tls_passphrase.h"
#include "proxy/site/tls_shared.h"
#include "proxy/site/tls_stapling.h"

namespace headgate::proxy {
namespace {

using net::TlsContext;
using net::TlsCredential;
using net::TlsCredentialProblem;

std::string joined(const std::vector<conf::Word>& words) {
    std::string all;
    for (const conf::Word& word : words)
        all += word.text + "\n";
    return all;
}

/// What a client has to show, and what else its handshake went by.
std::string demands(const TlsServerSettings& terms) {
    std::string commands;
    for (const auto& [name, value] : terms.commands)
        commands += "|" + name.text + " " + value.text;
    return std::to_string(static_cast<int>(*terms.verify)) + "|" +
           std::to_string(*terms.verify_depth) + "|" + *terms.ca_file + "|" + *terms.ca_path + "|" +
           *terms.crl_file + "|" + *terms.crl_path + "|" +
           std::to_string(static_cast<int>(*terms.crl_check)) + "|" +
           std::to_string(static_cast<int>(*terms.crl_may_miss)) + "|" + *terms.announced_file +
           "|" + *terms.announced_path + commands;
}

/// What a client could rely on.
std::string strength(const TlsServerSettings& terms) {
    return std::to_string(*terms.protocols) + "|" + *terms.ciphers + "|" + *terms.ciphers_1_3 +
           "|" + joined(terms.certificates) + "|" + joined(terms.keys);
}

}  // namespace

const TlsUpstream& TlsSite::upstream_for(std::string_view url) const {
    for (std::size_t i = 1; i < upstreams.size(); i++) {
        if (covers_url(upstreams[i]->url, url)) return *upstreams[i];
    }
    return *upstreams.front();
}

bool TlsSite::demands_as(const TlsSite& other) const {
    return &other == this || demands(server_settings) == demands(other.server_settings);
}

/// SSLVHostSNIPolicy, as Apache has it.
bool TlsSite::may_serve(const TlsSite& other) const {
    using Policy = TlsServerSettings::SniPolicy;
    if (&other == this) return true;
    if (other.is_on() != is_on()) return false;
    const bool same_demands = demands_as(other);
    switch (*other.server_settings.sni_policy) {
        case Policy::strict:
            return false;
        case Policy::secure:
            return same_demands && strength(server_settings) == strength(other.server_settings);
        case Policy::authonly:
            return same_demands;
        case Policy::insecure:
            return true;
    }
    return false;
}

TlsFiles read_tls_files(const TlsSite& site, conf::Diagnostics& diagnostics) {
    const TlsServerSettings& settings = site.server_settings;
    TlsFileReader files(site.server_root, diagnostics);
    TlsFiles read;
    const std::string chain = files.read(settings.chain, "chain of certificates");
    for (std::size_t i = 0; i < settings.certificates.size(); i++) {
        const conf::Word& name = settings.certificates[i];
        TlsCredential credential;
        credential.certificates = files.read(name.text, name.span, "certificate");
        credential.key = i < settings.keys.size()
                             ? files.read(settings.keys[i].text, settings.keys[i].span, "key")
                             : credential.certificates;
        credential.certificates += chain;
        if (is_encrypted(credential.key) && !settings.passphrase_program->empty()) {
            credential.passphrase = passphrase_of(credential.key, *settings.passphrase_program,
                                                  {settings.owner_of_keys, i});
        }
        read.credentials.push_back(std::move(credential));
    }
    read.staples = read_staples(site, read.credentials, diagnostics);
    read.authorities =
        files.read(settings.ca_file, "authorities") +
        files.read_folder(settings.ca_path, "authorities", net::PemKind::certificates);
    read.announced =
        files.read(settings.announced_file, "authorities") +
        files.read_folder(settings.announced_path, "authorities", net::PemKind::certificates);
    read.revocations =
        files.read(settings.crl_file, "revocation lists") +
        files.read_folder(settings.crl_path, "revocation lists", net::PemKind::revocations);
    return read;
}

std::vector<std::string> tls_file_names(const TlsSite& site) {
    const TlsServerSettings& settings = site.server_settings;
    std::vector<std::string> names =
        full_names(site.server_root,
                   {&settings.chain, &settings.ca_file, &settings.ca_path, &settings.announced_file,
                    &settings.announced_path, &settings.crl_file, &settings.crl_path});
    for (const conf::Word& name : settings.certificates)
        names.push_back(site.in_full(name.text));
    for (const conf::Word& name : settings.keys)
        names.push_back(site.in_full(name.text));
    for (std::string& name : staple_file_names(site))
        names.push_back(std::move(name));
    return names;
}

namespace {

void add_credentials(TlsContext& context, const TlsServerSettings& settings, const TlsFiles& files,
                     conf::Diagnostics& diagnostics) {
    using Where = TlsCredentialProblem::Where;
    for (std::size_t i = 0; i < files.credentials.size(); i++) {
        const TlsCredential& credential = files.credentials[i];
        const TlsCredentialProblem problem = context.add_credential(credential);
        const bool has_key = i < settings.keys.size();
        const conf::Word& word =
            problem.where == Where::key && has_key ? settings.keys[i] : settings.certificates[i];
        if (problem.where != Where::none) {
            diagnostics.error(word.span, "this file is of no use: " + problem.text);
            continue;
        }
        say_expiry(diagnostics, context.shown().back(), word.span);
    }
}

}  // namespace

std::shared_ptr<TlsContext> make_server_context(const TlsSite& site, const TlsFiles& files,
                                                conf::Diagnostics& diagnostics) {
    const TlsServerSettings& settings = site.server_settings;
    const std::size_t errors_before = diagnostics.error_count();
    auto context = std::make_shared<TlsContext>(TlsContext::Role::server);
    apply_terms(*context, settings, diagnostics);
    if (*settings.honor_order) context->prefer_own_ciphers();
    add_credentials(*context, settings, files, diagnostics);
    add_staples(*context, site, files, diagnostics);
    add_authorities(*context, settings, files, diagnostics);
    const bool is_file = !settings.announced_file->empty();
    if (is_file || !settings.announced_path->empty()) {
        say_useless(diagnostics, context->announce_authorities(files.announced),
                    is_file ? settings.announced_file.span() : settings.announced_path.span());
    }
    const bool demands_proof = *settings.verify == TlsContext::Verify::require ||
                               *settings.verify == TlsContext::Verify::optional;
    if (demands_proof && settings.ca_file->empty() && settings.ca_path->empty()) {
        diagnostics.error(settings.verify.span(), "there is no authority to verify clients by",
                          "write SSLCACertificateFile or SSLCACertificatePath");
    }
    // A session is resumed without looking at the client's certificate again: one that was agreed
    // under other authorities or revocation lists is not to be.
    context->set_identity(site.identity + "|" + files.authorities + "|" + files.revocations);
    context->use_tickets(*settings.tickets ? &shared_tickets() : nullptr, *settings.session_seconds,
                         site.ticket_keys);
    if (auto cache = shared_session_cache(*settings.session_cache)) {
        context->use_session_cache(std::move(cache));
    }
    context->offer_protocols(settings.protocols_offered, settings.own_protocol_order);
    for (const auto& [name, value] : settings.commands) {
        const std::string problem = context->command(name.text, value.text, site.server_root);
        if (!problem.empty()) {
            diagnostics.error(name.span, name.text + " " + value.text + ": " + problem);
        }
    }
    return diagnostics.error_count() == errors_before ? context : nullptr;
}

namespace {

void load_ticket_keys(TlsSite& site, conf::Diagnostics& diagnostics) {
    const conf::Set<std::string>& file = site.server_settings.ticket_key;
    if (file->empty()) return;
    if (!*site.server_settings.tickets) {
        diagnostics.warning(file.span(), "no effect: SSLSessionTickets is Off");
        return;
    }
    const std::size_t errors_before = diagnostics.error_count();
    const std::string octets =
        TlsFileReader(site.server_root, diagnostics).read(file, "key of session tickets");
    if (diagnostics.error_count() != errors_before) return;
    if (const auto key = net::TlsTicketKey::read(octets)) {
        site.ticket_keys = ticket_keys_of(site.in_full(*file), *key);
        return;
    }
    diagnostics.error(file.span(), "a key of session tickets has 48 octets (or 80)",
                      "make one with openssl rand 48");
}

}  // namespace

std::unique_ptr<TlsSite> load_tls(const TlsServerSettings& server,
                                  std::vector<std::unique_ptr<TlsUpstream>> upstreams,
                                  const std::string& site_name, conf::Loaded& loaded) {
    auto site = std::make_unique<TlsSite>(server, std::move(upstreams));
    site->texts = loaded.diagnostics.fresh();
    site->server_root = loaded.server_root;
    site->identity = site_name + "|" + demands(server);
    if (*server.engine && server.certificates.empty()) {
        loaded.diagnostics.error(server.engine.span(), "SSLEngine is on without a certificate",
                                 "write SSLCertificateFile and SSLCertificateKeyFile");
        return nullptr;
    }
    if (*server.engine) {
        const std::size_t errors_before = loaded.diagnostics.error_count();
        const TlsFiles files = read_tls_files(*site, loaded.diagnostics);
        if (loaded.diagnostics.error_count() != errors_before) return nullptr;
        load_ticket_keys(*site, loaded.diagnostics);
        site->set_server(make_server_context(*site, files, loaded.diagnostics));
    }
    return site;
}

}  // namespace headgate::proxy
