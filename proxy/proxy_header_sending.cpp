// See proxy_header_sending.h.
#include "proxy/proxy_header_sending.h"

#include "proxy/net/proxy_header_writer.h"
#include "proxy/net/tls_peer.h"

namespace headgate::proxy {
namespace {

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
