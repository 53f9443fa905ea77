// proxyprotocol= of a rule: what it may say, and what is made of it.
#include "proxy/proxy_header_sending.h"

#include <gtest/gtest.h>

#include "proxy/net/proxy_protocol.h"

namespace headgate::proxy {
namespace {

TEST(ProxyHeaderSending, is_read) {
    for (const char* wrong :
         {"", "on", "v3", "v1,ssl", "v2,", "v2,tls", "v2 ssl", "v2,ssl,,alpn"}) {
        EXPECT_FALSE(ProxyHeaderSending::parse(wrong).value) << wrong;
    }
    EXPECT_FALSE(ProxyHeaderSending::parse("off").value->is_on());
    const auto all = ProxyHeaderSending::parse("V2,alpn,authority,SSL,cert-cn,ssl-cipher,crc32c");
    ASSERT_TRUE(all.value);
    EXPECT_TRUE(all.value->alpn && all.value->authority && all.value->ssl && all.value->cert_cn &&
                all.value->ssl_cipher && all.value->crc32c);
    EXPECT_FALSE(ProxyHeaderSending::parse("v2,ssl").value->alpn);
}

TEST(ProxyHeaderSending, becomes_octets) {
    const loop::Address client = *loop::Address::from_literal("198.51.100.7", 40000);
    const loop::Address reached = *loop::Address::from_literal("192.0.2.1", 443);
    const ProxyHeaderFacts facts{client, reached, nullptr, "shop.example"};
    EXPECT_EQ(proxy_header({}, facts), "");
    EXPECT_EQ(proxy_header(*ProxyHeaderSending::parse("v1").value, facts),
              "PROXY TCP4 198.51.100.7 192.0.2.1 40000 443\r\n");
    const std::string v2 =
        proxy_header(*ProxyHeaderSending::parse("v2,ssl,alpn,authority,crc32c").value, facts);
    EXPECT_EQ(net::read_proxy_header(v2).source, client);
    EXPECT_NE(v2.find(std::string("\x02\0\x0cshop.example\3\0\4", 18)), std::string::npos)
        << "a plain client has no facts of TLS";
}

}  // namespace
}  // namespace headgate::proxy
