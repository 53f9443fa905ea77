// See tls_fact_names.h.
#include "proxy/net/tls_fact_names.h"

#include <openssl/obj_mac.h>

#include <algorithm>
#include <charconv>

namespace headgate::net {
namespace {

/// What follows a name.
enum class Tail { none, number, part };

struct Known {
    std::string_view name;
    Tail tail = Tail::none;
};

constexpr Known of_connections[] = {
    {"HTTPS"},
    {"SSL_PROTOCOL"},
    {"SSL_ALPN"},
    {"SSL_CIPHER"},
    {"SSL_CIPHER_ALGKEYSIZE"},
    {"SSL_CIPHER_EXPORT"},
    {"SSL_CIPHER_USEKEYSIZE"},
    {"SSL_CLIENT_CERT_CHAIN_", Tail::number},
    {"SSL_CLIENT_CERT_RFC4523_CEA"},
    {"SSL_CLIENT_VERIFY"},
    {"SSL_COMPRESS_METHOD"},
    {"SSL_SECURE_RENEG"},
    {"SSL_SESSION_ID"},
    {"SSL_SESSION_RESUMED"},
    {"SSL_TLS_SNI"},
    {"SSL_VERSION_INTERFACE"},
    {"SSL_VERSION_LIBRARY"},
};

/// Behind SSL_CLIENT_ and SSL_SERVER_.
constexpr Known of_certificates[] = {
    {"A_KEY"},
    {"A_SIG"},
    {"CERT"},
    {"FINGERPRINT_SHA256"},
    {"I_DN"},
    {"I_DN_", Tail::part},
    {"M_SERIAL"},
    {"M_VERSION"},
    {"SAN_DNS_", Tail::number},
    {"SAN_Email_", Tail::number},
    {"SAN_OTHER_dnsSRV_", Tail::number},
    {"SAN_OTHER_msUPN_", Tail::number},
    {"SAN_URI_", Tail::number},
    {"S_DN"},
    {"S_DN_", Tail::part},
    {"V_END"},
    {"V_REMAIN"},
    {"V_START"},
};

/// Those of Apache that would never have a value here.
struct Missing {
    std::string_view start;
    const char* why;
};
constexpr Missing missing[] = {
    {"SSL_SRP_", "keys by password (SRP) are not offered"},
    {"SSL_HANDSHAKE_RTT", "OpenSSL 3.0 does not measure it"},
    {"SSL_CLIENTHELLO_", "what a ClientHello offers is not kept"},
};

struct PartName {
    std::string_view name;
    int nid;
};
constexpr PartName parts[] = {
    {"C", NID_countryName},
    {"ST", NID_stateOrProvinceName},
    {"SP", NID_stateOrProvinceName},  // older than ST
    {"L", NID_localityName},
    {"O", NID_organizationName},
    {"OU", NID_organizationalUnitName},
    {"CN", NID_commonName},
    {"T", NID_title},
    {"I", NID_initials},
    {"G", NID_givenName},
    {"S", NID_surname},
    {"D", NID_description},
    {"UID", NID_userId},
    {"Email", NID_pkcs9_emailAddress},
};

bool fits(const Known& known, std::string_view name) {
    if (known.tail == Tail::none) return name == known.name;
    if (!name.starts_with(known.name)) return false;
    name.remove_prefix(known.name.size());
    return known.tail == Tail::number ? number_of(name).has_value() : dn_part_of(name).has_value();
}

template <std::size_t count>
bool is_among(const Known (&table)[count], std::string_view name) {
    return std::any_of(std::begin(table), std::end(table),
                       [name](const Known& known) { return fits(known, name); });
}

template <std::size_t count>
void spell_out(const Known (&table)[count], const std::string& before,
               std::vector<std::string>& all) {
    for (const Known& known : table) {
        const std::string name = before + std::string(known.name);
        if (known.tail == Tail::none) all.push_back(name);
        if (known.tail == Tail::number) all.push_back(name + "0");
        if (known.tail != Tail::part) continue;
        for (const PartName& part : parts)
            all.push_back(name + std::string(part.name));
    }
}

}  // namespace

bool is_tls_fact(std::string_view name) {
    const bool is_of_certificate = name.starts_with("SSL_CLIENT_") ||  // both have 11 letters
                                   name.starts_with("SSL_SERVER_");
    return is_among(of_connections, name) ||
           (is_of_certificate && is_among(of_certificates, name.substr(11)));
}

const char* why_no_tls_fact(std::string_view name) {
    for (const Missing& each : missing) {
        if (name.starts_with(each.start)) return each.why;
    }
    return nullptr;
}

std::vector<std::string> tls_fact_names() {
    std::vector<std::string> all;
    spell_out(of_connections, "", all);
    for (const char* whose : {"SSL_CLIENT_", "SSL_SERVER_"})
        spell_out(of_certificates, whose, all);
    return all;
}

std::optional<DnPart> dn_part_of(std::string_view text) {
    constexpr std::string_view raw = "_RAW";
    DnPart part;
    if (text.ends_with(raw)) {
        part.is_raw = true;
        text.remove_suffix(raw.size());
    }
    const std::size_t line = text.find('_');
    if (line != text.npos) {
        const std::optional<int> index = number_of(text.substr(line + 1));
        if (!index) return std::nullopt;
        part.index = *index;
        text = text.substr(0, line);
    }
    const auto* known = std::find_if(std::begin(parts), std::end(parts),
                                     [text](const PartName& each) { return each.name == text; });
    if (known == std::end(parts)) return std::nullopt;
    part.nid = known->nid;
    return part;
}

std::optional<int> number_of(std::string_view digits) {
    int number = 0;
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool is_whole = problem == std::errc() && end == digits.data() + digits.size();
    return is_whole && number >= 0 && digits.front() != '-' ? std::optional(number) : std::nullopt;
}

}  // namespace headgate::net
