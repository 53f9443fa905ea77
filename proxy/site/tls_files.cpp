// See tls_files.h.
#include "proxy/site/tls_files.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

namespace headgate::proxy {

using net::TlsContext;

namespace {

constexpr int days_of_notice = 14;
constexpr const char* default_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

}  // namespace

std::string from_root(const std::string& server_root, const std::string& name) {
    return name.starts_with('/') ? name : server_root + "/" + name;
}

std::string TlsFileReader::read(const std::string& path, const conf::Span& span, const char* what) {
    std::string text;
    if (path.empty()) return text;
    const std::string problem = conf::read_text(from_root(server_root_, path), text);
    if (!problem.empty()) {
        diagnostics_.error(span, std::string("cannot read the ") + what + ": " + problem);
    }
    return text;
}

std::string TlsFileReader::read_folder(const conf::Set<std::string>& path, const char* what,
                                       net::PemKind kind) {
    std::string all;
    if (path->empty()) return all;
    const std::string name = from_root(server_root_, *path);
    DIR* folder = ::opendir(name.c_str());
    if (folder == nullptr) {
        diagnostics_.error(path.span(), std::string("cannot read the folder of ") + what);
        return all;
    }
    std::vector<std::string> entries;
    while (const dirent* entry = ::readdir(folder)) {
        if (entry->d_name[0] != '.') entries.emplace_back(entry->d_name);
    }
    ::closedir(folder);
    std::sort(entries.begin(), entries.end());
    for (const std::string& entry : entries)
        all += read_entry(name + (name.ends_with('/') ? "" : "/") + entry, path.span(), kind);
    return all;
}

/// A file of a folder that is of no use is named, and passed over.
std::string TlsFileReader::read_entry(const std::string& name, const conf::Span& span,
                                      net::PemKind kind) {
    struct stat facts {};
    if (::stat(name.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) return "";
    std::string text;
    std::string problem = conf::read_text(name, text);
    if (problem.empty()) {
        problem = net::is_pem(text) ? net::fault_of_pem(text, kind)
                                    : "no certificate, key or revocation list in it (PEM)";
    }
    if (problem.empty()) return text + "\n";
    diagnostics_.warning(span, "\"" + name + "\" is skipped: " + problem);
    return "";
}

std::vector<std::string> full_names(const std::string& server_root,
                                    std::initializer_list<const conf::Set<std::string>*> written) {
    std::vector<std::string> names;
    for (const auto* name : written) {
        if (!(*name)->empty()) names.push_back(from_root(server_root, **name));
    }
    return names;
}

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

void say_useless(conf::Diagnostics& diagnostics, const std::string& problem,
                 const conf::Span& span) {
    if (!problem.empty()) diagnostics.error(span, "this file is of no use: " + problem);
}

void say_expiry(conf::Diagnostics& diagnostics, const net::TlsCertificateBrief& certificate,
                const conf::Span& span) {
    const std::time_t left = certificate.expiry - std::time(nullptr);
    if (certificate.expiry == 0 || left >= days_of_notice * 86400) return;
    diagnostics.warning(
        span, left < 0 ? "this certificate has expired"
                       : "this certificate expires in " + std::to_string(left / 86400) + " days");
}

void add_authorities(TlsContext& context, const TlsTerms& terms, const TlsFiles& files,
                     conf::Diagnostics& diagnostics) {
    const bool is_file = !terms.ca_file->empty();
    if (is_file || !terms.ca_path->empty()) {
        say_useless(diagnostics, context.add_authorities(files.authorities),
                    is_file ? terms.ca_file.span() : terms.ca_path.span());
    }
    const bool is_list = !terms.crl_file->empty();
    if (is_list || !terms.crl_path->empty()) {
        say_useless(diagnostics, context.add_revocations(files.revocations),
                    is_list ? terms.crl_file.span() : terms.crl_path.span());
    }
}

}  // namespace headgate::proxy
