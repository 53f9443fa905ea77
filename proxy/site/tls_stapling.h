// SSLUseStapling: the OCSP responses of a site, from files that an external tool keeps, one beside
// each certificate. Nothing of it makes a configuration wrong: without a response that is good,
// clients get none, and the log says why.
#pragma once

#include <string>
#include <vector>

#include "proxy/site/tls_site.h"

namespace headgate::proxy {

/// Names as in SSLStaplingFile, else the certificate's with ".ocsp" behind it. Empty when the site
/// does not staple.
std::vector<std::string> staple_file_names(const TlsSite& site);

/// One response for each credential, empty where there is none. Reasons go to the diagnostics, as
/// warnings; none for a certificate that names no responder.
std::vector<std::string> read_staples(const TlsSite& site,
                                      const std::vector<net::TlsCredential>& credentials,
                                      conf::Diagnostics& diagnostics);

/// Has a context send those that are good.
void add_staples(net::TlsContext& context, const TlsSite& site, const TlsFiles& files,
                 conf::Diagnostics& diagnostics);

}  // namespace headgate::proxy
