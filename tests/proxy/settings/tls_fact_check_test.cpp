// The variables of mod_ssl: all of them are known, or refused with a reason.
#include "proxy/settings/tls_fact_check.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

/// The list of mod_ssl's documentation; x509 is each part of a name, n a number.
constexpr const char* of_apache[] = {"HTTPS",
                                     "SSL_PROTOCOL",
                                     "SSL_SESSION_ID",
                                     "SSL_SESSION_RESUMED",
                                     "SSL_SECURE_RENEG",
                                     "SSL_CIPHER",
                                     "SSL_CIPHER_EXPORT",
                                     "SSL_CIPHER_USEKEYSIZE",
                                     "SSL_CIPHER_ALGKEYSIZE",
                                     "SSL_COMPRESS_METHOD",
                                     "SSL_VERSION_INTERFACE",
                                     "SSL_VERSION_LIBRARY",
                                     "SSL_CLIENT_M_VERSION",
                                     "SSL_CLIENT_M_SERIAL",
                                     "SSL_CLIENT_S_DN",
                                     "SSL_CLIENT_S_DN_x509",
                                     "SSL_CLIENT_SAN_Email_n",
                                     "SSL_CLIENT_SAN_DNS_n",
                                     "SSL_CLIENT_SAN_OTHER_msUPN_n",
                                     "SSL_CLIENT_I_DN",
                                     "SSL_CLIENT_I_DN_x509",
                                     "SSL_CLIENT_V_START",
                                     "SSL_CLIENT_V_END",
                                     "SSL_CLIENT_V_REMAIN",
                                     "SSL_CLIENT_A_SIG",
                                     "SSL_CLIENT_A_KEY",
                                     "SSL_CLIENT_CERT",
                                     "SSL_CLIENT_CERT_CHAIN_n",
                                     "SSL_CLIENT_CERT_RFC4523_CEA",
                                     "SSL_CLIENT_VERIFY",
                                     "SSL_SERVER_M_VERSION",
                                     "SSL_SERVER_M_SERIAL",
                                     "SSL_SERVER_S_DN",
                                     "SSL_SERVER_SAN_Email_n",
                                     "SSL_SERVER_SAN_DNS_n",
                                     "SSL_SERVER_SAN_OTHER_dnsSRV_n",
                                     "SSL_SERVER_S_DN_x509",
                                     "SSL_SERVER_I_DN",
                                     "SSL_SERVER_I_DN_x509",
                                     "SSL_SERVER_V_START",
                                     "SSL_SERVER_V_END",
                                     "SSL_SERVER_A_SIG",
                                     "SSL_SERVER_A_KEY",
                                     "SSL_SERVER_CERT",
                                     "SSL_TLS_SNI"};
constexpr const char* parts[] = {"C", "ST", "L", "O", "OU",  "CN",   "T",
                                 "I", "G",  "S", "D", "UID", "Email"};

TEST(TlsFactCheck, are_those_of_apache) {
    for (const std::string name : of_apache) {
        if (name.ends_with("x509")) {
            const std::string start = name.substr(0, name.size() - 4);
            for (const std::string part : parts) {
                for (const char* tail : {"", "_0", "_12", "_RAW", "_1_RAW"})
                    EXPECT_FALSE(problem_of_tls_fact(start + part + tail)) << start << part << tail;
            }
        } else if (name.ends_with("_n")) {
            for (const char* tail : {"0", "1", "17"}) {
                const std::string with = name.substr(0, name.size() - 1) + tail;
                EXPECT_FALSE(problem_of_tls_fact(with)) << with;
            }
        } else {
            EXPECT_FALSE(problem_of_tls_fact(name)) << name;
        }
    }
}

TEST(TlsFactCheck, are_refused_with_a_reason_where_they_have_no_value) {
    for (const char* name : {"SSL_SRP_USER", "SSL_SRP_USERINFO", "SSL_HANDSHAKE_RTT",
                             "SSL_CLIENTHELLO_VERSION", "SSL_CLIENTHELLO_CIPHERS"}) {
        const auto problem = problem_of_tls_fact(name);
        ASSERT_TRUE(problem) << name;
        EXPECT_EQ(problem->text.find("no variable"), std::string::npos) << problem->text;
    }
}

TEST(TlsFactCheck, are_guessed) {
    const struct {
        const char* written;
        const char* hint;
    } cases[] = {
        {"SSL_PROTOCOLL", "did you mean \"SSL_PROTOCOL\"?"},
        {"ssl_protocol", "did you mean \"SSL_PROTOCOL\"?"},
        {"SSL_CLIENT_S_DN_cn", "did you mean \"SSL_CLIENT_S_DN_CN\"?"},
        {"SSL_CLIENT_SDN_CN", "did you mean \"SSL_CLIENT_S_DN_CN\"?"},
        {"SSL_CLIENT_SAN_DNS", "did you mean \"SSL_CLIENT_SAN_DNS_0\"?"},
        {"SSL_CLIENT_SAN_DNS_x", "did you mean \"SSL_CLIENT_SAN_DNS_0\"?"},
        {"SSL_CLIENT_CERT_CHAIN_", "did you mean \"SSL_CLIENT_CERT_CHAIN_0\"?"},
        {"SSL_CLIENT_S_DN_CN_", "did you mean \"SSL_CLIENT_S_DN_CN\"?"},
        {"SSL_CLIENT_S_DN_CN_-1", "did you mean \"SSL_CLIENT_S_DN_CN\"?"},
        {"SSL_SERVER_VERIFY", "such as SSL_PROTOCOL or SSL_CLIENT_S_DN_CN"},
        {"REMOTE_USER", "such as SSL_PROTOCOL or SSL_CLIENT_S_DN_CN"},
        {"", "such as SSL_PROTOCOL or SSL_CLIENT_S_DN_CN"},
    };
    for (const auto& each : cases) {
        const auto problem = problem_of_tls_fact(each.written);
        ASSERT_TRUE(problem) << each.written;
        EXPECT_EQ(problem->text, "\"" + std::string(each.written) + "\" is no variable of TLS");
        EXPECT_EQ(problem->hint, each.hint) << each.written;
    }
}

}  // namespace
}  // namespace headgate::proxy
