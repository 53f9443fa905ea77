// What the TLS of both sides needs of files: reading what directives name, and making authorities
// and terms of it. For tls_site.cpp and tls_upstream.cpp only, but for TlsFiles.
//
// Files are read as whoever loads the configuration: the supervisor, mostly root.
#pragma once

#include <string>
#include <vector>

#include "conf/diagnostic.h"
#include "proxy/net/tls_context.h"
#include "proxy/net/tls_pem.h"
#include "proxy/settings/tls.h"

namespace headgate::proxy {

/// What the files of one side held when they were read: given to make_server_context() or
/// make_upstream_context() again when they have changed, or sent to who may not read them.
struct TlsFiles {
    std::vector<net::TlsCredential> credentials;
    std::vector<std::string> staples;  // OCSP responses, by credential
    std::string authorities;
    std::string announced;
    std::string revocations;
};

/// Reads files named by directives; what cannot be read is an error at the directive.
class TlsFileReader {
public:
    TlsFileReader(const std::string& server_root, conf::Diagnostics& diagnostics)
        : server_root_(server_root), diagnostics_(diagnostics) {}

    /// `what` it is goes into the message. Nothing for an empty path.
    std::string read(const std::string& path, const conf::Span& span, const char* what);
    std::string read(const conf::Set<std::string>& path, const char* what) {
        return read(*path, path.span(), what);
    }
    /// Every file of a folder, in the order of their names, each with a line's end behind it. One
    /// that cannot be read is left out, with a warning that names it; folders in it are left out.
    std::string read_folder(const conf::Set<std::string>& path, const char* what,
                            net::PemKind kind);

private:
    std::string read_entry(const std::string& name, const conf::Span& span, net::PemKind kind);

    const std::string& server_root_;
    conf::Diagnostics& diagnostics_;
};

/// A file's name from the root folder on.
std::string from_root(const std::string& server_root, const std::string& name);
/// Those that are written, from the root folder on.
std::vector<std::string> full_names(const std::string& server_root,
                                    std::initializer_list<const conf::Set<std::string>*> written);

/// Protocols, ciphers, and how the other side's certificate is judged.
void apply_terms(net::TlsContext& context, const TlsTerms& terms, conf::Diagnostics& diagnostics);
/// By whom it is judged.
void add_authorities(net::TlsContext& context, const TlsTerms& terms, const TlsFiles& files,
                     conf::Diagnostics& diagnostics);
/// A problem of a PEM text goes where its file was named.
void say_useless(conf::Diagnostics& diagnostics, const std::string& problem,
                 const conf::Span& span);
/// Warns of a certificate that has expired or soon will.
void say_expiry(conf::Diagnostics& diagnostics, const net::TlsCertificateBrief& certificate,
                const conf::Span& span);

}  // namespace headgate::proxy
