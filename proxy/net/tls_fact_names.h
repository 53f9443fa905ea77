// Which variables of mod_ssl there are, so that a name that would never have a value is a mistake
// of the configuration. What they tell is said by tls_fact() (tls_peer.h), which goes by these
// names too. No connection is needed to ask.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::net {

/// Whether tls_fact() knows it: mod_ssl's names (Apache 2.4, "Environment Variables") with their
/// numbers and parts of names, and SSL_ALPN, ..._SAN_URI_n, ..._FINGERPRINT_SHA256, which are ours.
/// Upper and lower case are kept apart.
bool is_tls_fact(std::string_view name);
/// Why one of Apache's would never have a value here (static text); null for all others.
const char* why_no_tls_fact(std::string_view name);
/// All that there are, the first of those with numbers: for who has mistyped one.
std::vector<std::string> tls_fact_names();

/// A part of a distinguished name: "CN", "OU_1" (the second one), "CN_RAW" (octets as they are).
struct DnPart {
    int nid = 0;  ///< OpenSSL's number of the attribute
    int index = 0;
    bool is_raw = false;
};
/// Nothing where it is none.
std::optional<DnPart> dn_part_of(std::string_view text);

/// The digits behind a name that ends in "_n"; nothing where others stand there.
std::optional<int> number_of(std::string_view digits);

}  // namespace headgate::net
