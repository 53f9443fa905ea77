// See tls_site.h. Reads files as whoever loads the configuration: the supervisor, mostly root.
#include "proxy/site/tls_site.h"

#include <dirent.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "proxy/net/tls_tickets.h"
#include "proxy/site/tls_shared.h"
#include "proxy/site/tls_stapling.h"

namespace headgate::proxy {
namespace {

using net::TlsContext;
using net::TlsCredential;
using net::TlsCredentialProblem;

constexpr const char* default_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr int days_of_notice = 14;

/// Reads files named by directives; what cannot be read is an error at the directive.
class Files {
public:
    Files(const std::string& server_root, conf::Diagnostics& diagnostics)
        : server_root_(server_root), diagnostics_(diagnostics) {}

    std::string read(const std::string& path, const conf::Span& span, const char* what) {
        std::string text;
        if (path.empty()) return text;
        const std::string problem = conf::read_text(absolute(path), text);
        if (!problem.empty()) {
            diagnostics_.error(span, std::string("cannot read the ") + what + ": " + problem);
        }
        return text;
    }
    std::string read(const conf::Set<std::string>& path, const char* what) {
        return read(*path, path.span(), what);
    }
    /// Every file of a folder, behind one another.
    std::string read_folder(const conf::Set<std::string>& path, const char* what) {
        std::string all;
        if (path->empty()) return all;
        DIR* folder = ::opendir(absolute(*path).c_str());
        if (folder == nullptr) {
            diagnostics_.error(path.span(), std::string("cannot read the folder of ") + what);
            return all;
        }
        while (const dirent* entry = ::readdir(folder)) {
            std::string text;
            if (entry->d_name[0] == '.') continue;
            if (conf::read_text(absolute(*path) + "/" + entry->d_name, text).empty()) {
                all += text + "\n";
            }
        }
        ::closedir(folder);
        return all;
    }

    std::string absolute(const std::string& path) const {
        return path.front() == '/' ? path : server_root_ + "/" + path;
    }

private:
    const std::string& server_root_;
    conf::Diagnostics& diagnostics_;
};

/// What the program of SSLPassPhraseDialog prints, less its line's end.
std::string ask_passphrase(const std::string& program, const std::string& site_name) {
    FILE* out = ::popen((program + " '" + site_name + ":443' RSA").c_str(), "re");
    if (out == nullptr) return "";
    char line[1024] = "";
    if (std::fgets(line, sizeof line, out) == nullptr) line[0] = '\0';
    ::pclose(out);
    std::string text(line);
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
        text.pop_back();
    return text;
}

/// Protocols, ciphers, and how the other side's certificate is judged.
void apply_terms(TlsContext& context, const TlsTerms& terms, conf::Diagnostics& diagnostics) {
    context.set_protocols(*terms.protocols);
    context.set_ciphers(terms.ciphers.is_written() ? *terms.ciphers : default_ciphers);
    if (terms.ciphers_1_3.is_written()) context.set_ciphers_of_1_3(*terms.ciphers_1_3);
    context.verify_peer(*terms.verify, *terms.verify_depth);
    context.check_revocation(*terms.crl_check, *terms.crl_may_miss);
    if (*terms.crl_check != TlsContext::Revocation::none && terms.crl_file->empty() &&
        terms.crl_path->empty()) {
        diagnostics.error(terms.crl_check.span(), "there is no revocation list to check by",
                          "write SSLCARevocationFile or SSLCARevocationPath");
    }
}

/// A problem of a PEM text goes where its file was named.
void say(conf::Diagnostics& diagnostics, const std::string& problem, const conf::Span& span) {
    if (!problem.empty()) diagnostics.error(span, "this file is of no use: " + problem);
}

void add_authorities(TlsContext& context, const TlsTerms& terms, const std::string& authorities,
                     const std::string& revocations, conf::Diagnostics& diagnostics) {
    const bool is_file = !terms.ca_file->empty();
    if (is_file || !terms.ca_path->empty()) {
        say(diagnostics, context.add_authorities(authorities),
            is_file ? terms.ca_file.span() : terms.ca_path.span());
    }
    const bool is_list = !terms.crl_file->empty();
    if (is_list || !terms.crl_path->empty()) {
        say(diagnostics, context.add_revocations(revocations),
            is_list ? terms.crl_file.span() : terms.crl_path.span());
    }
}

std::string demands(const TlsTerms& terms) {
    return std::to_string(static_cast<int>(*terms.verify)) + "|" +
           std::to_string(*terms.verify_depth) + "|" + *terms.ca_file + "|" + *terms.ca_path + "|" +
           *terms.crl_file + "|" + *terms.crl_path + "|" +
           std::to_string(static_cast<int>(*terms.crl_check)) + "|" +
           std::to_string(static_cast<int>(*terms.crl_may_miss));
}

std::string strength(const TlsTerms& terms) {
    return std::to_string(*terms.protocols) + "|" + *terms.ciphers + "|" + *terms.ciphers_1_3;
}

}  // namespace

/// SSLVHostSNIPolicy, as Apache has it.
bool TlsSite::may_serve(const TlsSite& other) const {
    using Policy = TlsServerSettings::SniPolicy;
    if (&other == this) return true;
    if (other.is_on() != is_on()) return false;
    const bool same_demands = demands(server_settings) == demands(other.server_settings);
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

TlsFiles read_tls_files(const TlsSite& site, const std::string& site_name,
                        conf::Diagnostics& diagnostics) {
    const TlsServerSettings& settings = site.server_settings;
    Files files(site.server_root, diagnostics);
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
        const bool is_locked = credential.key.find("ENCRYPTED") != std::string::npos;
        if (is_locked && !settings.passphrase_program->empty()) {
            credential.passphrase = ask_passphrase(*settings.passphrase_program, site_name);
        }
        read.credentials.push_back(std::move(credential));
    }
    read.staples = read_staples(site, read.credentials, diagnostics);
    read.authorities = files.read(settings.ca_file, "authorities") +
                       files.read_folder(settings.ca_path, "authorities");
    read.announced = files.read(settings.announced_file, "authorities");
    read.revocations = files.read(settings.crl_file, "revocation lists") +
                       files.read_folder(settings.crl_path, "revocation lists");
    return read;
}

namespace {

/// Those that are written, from the root folder on.
std::vector<std::string> full_names(const TlsSite& site,
                                    std::initializer_list<const conf::Set<std::string>*> written) {
    std::vector<std::string> names;
    for (const auto* name : written) {
        if (!(*name)->empty()) names.push_back(site.in_full(**name));
    }
    return names;
}

}  // namespace

std::vector<std::string> tls_file_names(const TlsSite& site) {
    const TlsServerSettings& settings = site.server_settings;
    std::vector<std::string> names =
        full_names(site, {&settings.chain, &settings.ca_file, &settings.ca_path,
                          &settings.announced_file, &settings.crl_file, &settings.crl_path});
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
        const std::time_t expiry = context.shown().back().expiry;
        const std::time_t left = expiry - std::time(nullptr);
        if (expiry != 0 && left < days_of_notice * 86400) {
            diagnostics.warning(word.span, left < 0 ? "this certificate has expired"
                                                    : "this certificate expires in " +
                                                          std::to_string(left / 86400) + " days");
        }
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
    add_authorities(*context, settings, files.authorities, files.revocations, diagnostics);
    if (!files.announced.empty()) {
        say(diagnostics, context->announce_authorities(files.announced),
            settings.announced_file.span());
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
    if (settings.answers_protocols) context->answer_protocols();
    for (const auto& [name, value] : settings.commands) {
        const std::string problem = context->command(name.text, value.text);
        if (!problem.empty()) {
            diagnostics.error(name.span, name.text + " " + value.text + ": " + problem);
        }
    }
    return diagnostics.error_count() == errors_before ? context : nullptr;
}

TlsFiles read_upstream_files(const TlsSite& site, conf::Diagnostics& diagnostics) {
    const TlsUpstreamSettings& settings = site.upstream_settings;
    Files files(site.server_root, diagnostics);
    TlsFiles read;
    read.authorities = files.read(settings.ca_file, "authorities") +
                       files.read_folder(settings.ca_path, "authorities");
    read.revocations = files.read(settings.crl_file, "revocation lists") +
                       files.read_folder(settings.crl_path, "revocation lists");
    if (settings.machine_certificate->empty()) return read;
    const std::string own = files.read(settings.machine_certificate, "certificate");
    const std::string chain = files.read(settings.machine_chain, "chain of certificates");
    read.credentials.push_back({own + chain, own, ""});
    return read;
}

std::vector<std::string> upstream_file_names(const TlsSite& site) {
    const TlsUpstreamSettings& settings = site.upstream_settings;
    return full_names(site,
                      {&settings.ca_file, &settings.ca_path, &settings.crl_file, &settings.crl_path,
                       &settings.machine_certificate, &settings.machine_chain});
}

std::shared_ptr<TlsContext> make_upstream_context(const TlsSite& site, const TlsFiles& files,
                                                  conf::Diagnostics& diagnostics) {
    const TlsUpstreamSettings& settings = site.upstream_settings;
    const std::size_t errors_before = diagnostics.error_count();
    auto context = std::make_shared<TlsContext>(TlsContext::Role::client);
    apply_terms(*context, settings, diagnostics);
    add_authorities(*context, settings, files.authorities, files.revocations, diagnostics);
    const bool demands_proof = *settings.verify == TlsContext::Verify::require ||
                               *settings.verify == TlsContext::Verify::optional;
    if (demands_proof && settings.ca_file->empty() && settings.ca_path->empty()) {
        diagnostics.error(settings.verify.span(), "there is no authority to verify upstreams by",
                          "write SSLProxyCACertificateFile or SSLProxyCACertificatePath");
    }
    if (!files.credentials.empty()) {
        say(diagnostics, context->add_credential(files.credentials.front()).text,
            settings.machine_certificate.span());
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
        Files(site.server_root, diagnostics).read(file, "key of session tickets");
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
                                  const TlsUpstreamSettings& upstream, const std::string& site_name,
                                  conf::Loaded& loaded) {
    auto site = std::make_unique<TlsSite>(server, upstream);
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
        const TlsFiles files = read_tls_files(*site, site_name, loaded.diagnostics);
        if (loaded.diagnostics.error_count() != errors_before) return nullptr;
        load_ticket_keys(*site, loaded.diagnostics);
        site->set_server(make_server_context(*site, files, loaded.diagnostics));
    }
    if (*upstream.engine) {
        const TlsFiles files = read_upstream_files(*site, loaded.diagnostics);
        site->set_upstream(make_upstream_context(*site, files, loaded.diagnostics));
    }
    return site;
}

}  // namespace headgate::proxy
