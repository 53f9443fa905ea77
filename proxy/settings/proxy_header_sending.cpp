// See proxy_header_sending.h.
#include "proxy/settings/proxy_header_sending.h"

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

}  // namespace headgate::proxy
