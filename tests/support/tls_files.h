// What tests of TLS configure and ask for: certificates of one authority in files, the directives
// that name them, and clients that trust it.
#pragma once

#include <string>

#include "tests/support/certificates.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tls_end.h"

namespace headgate::support {

inline Authority& authority() {
    static Authority made;
    return made;
}

/// Files of certificates, and directives that name them.
struct TlsFiles {
    TemporaryFolder folder;

    std::string server(const std::string& name, const char* kind = "EC") const {
        const Issued issued = authority().issue(name, kind);
        return "SSLEngine On\nSSLCertificateFile " +
               folder.write(name + kind + ".pem", issued.certificate) + "\nSSLCertificateKeyFile " +
               folder.write(name + kind + ".key", issued.key) + "\n";
    }
    std::string authorities() const {
        return "SSLCACertificateFile " + folder.write("ca.pem", authority().certificate()) + "\n";
    }
    std::string host(const std::string& name, const std::string& more = "") const {
        return "<VirtualHost *:${PORT}>\nServerName " + name + "\n" + server(name) + more +
               "</VirtualHost>\n";
    }
};

inline TlsTerms asking_for(const std::string& name) {
    TlsTerms terms;
    terms.name = name;
    terms.authority = authority().certificate();
    return terms;
}

}  // namespace headgate::support
