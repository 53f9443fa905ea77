// See proxy_header_sending.h.
#include "proxy/proxy_header_sending.h"

#include "proxy/net/proxy_header_writer.h"
#include "proxy/net/tls_peer.h"

namespace headgate::proxy {
namespace {

struct Fact {
    std::string_view name;
    bool ProxyHeaderSending::*member;
};
constexpr Fact facts_of_v2[] = {
    {"alpn", &ProxyHeaderSending::alpn},     {"authority", &ProxyHeaderSending::authority},
    {"ssl", &ProxyHeaderSending::ssl},       {"cert-cn", &ProxyHeaderSending::cert_cn},
    {"crc32c", &ProxyHeaderSending::crc32c}, {"ssl-cipher", &ProxyHeaderSending::ssl_cipher},
};

constexpr const char* form =
    "off, v1, v2, or v2 with alpn, authority, ssl, cert-cn, ssl-cipher or crc32c behind commas";

bool add_fact(ProxyHeaderSending& sending, std::string_view name) {
    for (const Fact& fact : facts_of_v2) {
        if (!conf::is_equal_name(fact.name, name)) continue;
        sending.*fact.member = true;
        return true;
    }
    return false;
}

net::ProxyTlsFacts tls_facts(const ProxyHeaderSending& sending, const net::TlsTransport& tls) {
    net::ProxyTlsFacts facts;
    const std::string verdict = net::tls_fact(tls, "SSL_CLIENT_VERIFY");
    facts.shows_certificate = !net::tls_fact(tls, "SSL_CLIENT_M_SERIAL").empty();
    facts.is_verified = verdict == "SUCCESS";
    facts.version = net::tls_fact(tls, "SSL_PROTOCOL");
    if (sending.ssl_cipher) facts.cipher = net::tls_fact(tls, "SSL_CIPHER");
    if (sending.cert_cn) facts.common_name = net::tls_fact(tls, "SSL_CLIENT_S_DN_CN");
    return facts;
}

}  // namespace

conf::Parsed<ProxyHeaderSending> ProxyHeaderSending::parse(std::string_view text) {
    ProxyHeaderSending sending;
    if (conf::is_equal_name(text, "off")) return {sending, {}};
    sending.version = Version::v1;
    if (conf::is_equal_name(text, "v1")) return {sending, {}};
    sending.version = Version::v2;
    std::size_t comma = text.find(',');
    if (!conf::is_equal_name(text.substr(0, comma), "v2")) return {std::nullopt, form};
    while (comma != text.npos) {
        text.remove_prefix(comma + 1);
        comma = text.find(',');
        if (!add_fact(sending, text.substr(0, comma))) return {std::nullopt, form};
    }
    return {sending, {}};
}

std::string proxy_header(const ProxyHeaderSending& sending, const ProxyHeaderFacts& facts) {
    if (!sending.is_on()) return "";
    if (sending.version == ProxyHeaderSending::Version::v1) {
        return net::write_proxy_v1(facts.client, facts.reached);
    }
    net::ProxyHeaderExtras extras;
    extras.has_checksum = sending.crc32c;
    if (sending.authority) extras.authority = facts.server_name;
    if (facts.tls != nullptr) {
        const bool wants_tls = sending.ssl || sending.cert_cn || sending.ssl_cipher;
        if (wants_tls) extras.tls = tls_facts(sending, *facts.tls);
        if (sending.alpn) extras.alpn = net::tls_fact(*facts.tls, "SSL_ALPN");
        if (sending.authority) extras.authority = net::tls_fact(*facts.tls, "SSL_TLS_SNI");
    }
    return net::write_proxy_v2(facts.client, facts.reached, extras);
}

}  // namespace headgate::proxy
