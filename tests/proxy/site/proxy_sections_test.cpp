// What Proxy sections say about connections: SSLProxy... by the URL of a request, ProxySet by the
// target of a rule, and what is said of sections that can do nothing.
#include "proxy/site/proxy_sections.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/certificates.h"
#include "tests/support/loaded_sites.h"
#include "tests/support/temporary_folder.h"

namespace headgate::proxy {
namespace {

using support::LoadedSites;

/// "depth name expiry" of what is in force for a URL.
std::string terms(const LoadedSites& loaded, const std::string& url) {
    const TlsUpstreamSettings& settings = loaded.main().tls->upstream_for(url).settings;
    return std::to_string(*settings.verify_depth) + (*settings.check_name ? " name" : " any") +
           (*settings.check_expiry ? " now" : " ever");
}

/// The longest URL goes over the others, and these over the virtual host, in whatever order.
TEST(ProxySections, of_the_longest_url_decide_about_tls) {
    std::vector<std::string> sections = {
        "<Proxy *>\nSSLProxyVerifyDepth 2\n</Proxy>\n",
        "<Proxy https://a.test>\nSSLProxyVerifyDepth 3\nSSLProxyCheckPeerName On\n</Proxy>\n",
        "<Proxy https://a.test/x/>\nSSLProxyCheckPeerExpire Off\n</Proxy>\n",
        "<Proxy https://*/y/*>\nSSLProxyVerifyDepth 4\n</Proxy>\n"};
    do {
        std::string text =
            "SSLProxyEngine On\nSSLProxyCheckPeerName Off\nProxyPass /a https://a.test/\n"
            "ProxyPass / https://b.test/\n";
        for (const std::string& section : sections)
            text += section;
        const LoadedSites loaded(text);
        ASSERT_TRUE(loaded.sites());
        EXPECT_EQ(terms(loaded, "https://b.test/"), "2 any now");
        EXPECT_EQ(terms(loaded, "https://b.test/y/1"), "4 any now");
        EXPECT_EQ(terms(loaded, "https://a.test/"), "3 name now");
        EXPECT_EQ(terms(loaded, "https://a.test/x"), "3 name now");
        EXPECT_EQ(terms(loaded, "https://a.test/x/1"), "3 name ever");
        EXPECT_EQ(terms(loaded, "https://a.test/y/1"), "3 name now") << "wildcards count as long";
        for (const char* url : {"https://a.test/", "https://a.test/x/", "https://a.test/y/"})
            EXPECT_NE(loaded.main().tls->upstream_for(url).context(), nullptr) << url;
    } while (std::next_permutation(sections.begin(), sections.end()));
}

/// Where its own settings are not written a virtual host has those of the server's sections.
TEST(ProxySections, of_the_server_are_about_virtual_hosts) {
    const LoadedSites loaded(
        "SSLProxyEngine On\n<Proxy https://a.test>\nSSLProxyVerifyDepth 3\n</Proxy>\n"
        "<VirtualHost *:80>\nServerName one\nProxyPass / https://a.test/\n</VirtualHost>\n"
        "<VirtualHost *:80>\nServerName two\nProxyPass / https://a.test/\n"
        "<Proxy https://a.test>\nSSLProxyVerifyDepth 5\n</Proxy>\n</VirtualHost>\n");
    ASSERT_TRUE(loaded.sites());
    const auto depth = [&](std::size_t site) {
        const TlsSite& tls = *loaded.sites()->all()[site]->tls;
        return *tls.upstream_for("https://a.test/").settings.verify_depth;
    };
    EXPECT_EQ(depth(1), 3);
    EXPECT_EQ(depth(2), 5);
    const TlsSite& unused = *loaded.main().tls;
    EXPECT_EQ(unused.upstreams[1]->context(), nullptr) << "no rule of it leads there";
}

/// A pattern may cover a rule's target and not what is below it: then another one decides there.
TEST(ProxySections, are_all_loaded_that_can_decide) {
    const LoadedSites loaded(
        "SSLProxyEngine On\nProxyPass / https://a.test/\n"
        "<Proxy https://a.test>\nSSLProxyVerifyDepth 3\n</Proxy>\n"
        "<Proxy https://?.test/>\nSSLProxyVerifyDepth 4\n</Proxy>\n"
        "<Proxy https://*>\nSSLProxyVerifyDepth 5\n</Proxy>\n");
    ASSERT_TRUE(loaded.sites());
    for (const auto& [url, depth] : {std::pair{"https://a.test/", 4}, {"https://a.test/x", 3}}) {
        const TlsUpstream& upstream = loaded.main().tls->upstream_for(url);
        EXPECT_EQ(*upstream.settings.verify_depth, depth) << url;
        EXPECT_NE(upstream.context(), nullptr) << url;
    }
    const TlsUpstream& other = loaded.main().tls->upstream_for("https://b.test/x");
    EXPECT_EQ(*other.settings.verify_depth, 5);
    EXPECT_EQ(other.context(), nullptr) << "no rule leads there";
}

TEST(ProxySections, give_rules_their_parameters) {
    const LoadedSites loaded(
        "<Proxy http://a.test/deep>\nProxySet timeout=3 ttl=9\n</Proxy>\n"
        "<Proxy *>\nProxySet connectiontimeout=1 timeout=2\n</Proxy>\n"
        "ProxyPass /own http://a.test/deep/ timeout=4 nocanon\n"
        "ProxyPass /deep http://a.test/deep/\n"
        "<Location /other>\nProxyPass http://a.test/\n</Location>\n");
    ASSERT_TRUE(loaded.sites());
    Places places(loaded.main());
    const auto seconds = [&](const std::string& path) {
        const auto place = places.at(path);
        const PassParameters& got = place->match(path).route->rule.parameters;
        EXPECT_EQ(got.connection_timeout->count(), 1000);
        return std::to_string(got.timeout->count() / 1000) + " " +
               (got.time_to_live.is_written() ? "ttl" : "-") + (got.keeps_path ? " nocanon" : "");
    };
    EXPECT_EQ(seconds("/own"), "4 ttl nocanon");
    EXPECT_EQ(seconds("/deep"), "3 ttl");
    EXPECT_EQ(seconds("/other"), "2 -");
}

TEST(ProxySections, are_told_when_they_can_do_nothing) {
    const std::string rule = "ProxyPass /x/ http://a.test/x/\n";
    const auto messages = [&](const std::string& url, const char* directive) {
        return LoadedSites::messages_of(rule + "<Proxy " + url + ">\n" + directive +
                                        "\n</Proxy>\n");
    };
    for (const char* url : {"http://a.test", "http://a.test/x/deeper", "*", "http://*/y", "http"})
        EXPECT_EQ(messages(url, "ProxyPreserveHost On"), "") << url;
    for (const char* url : {"https://a.test", "http://a.test/y", "http://b*"}) {
        EXPECT_NE(messages(url, "ProxyPreserveHost On").find("2:8: warning: no effect: no rule"),
                  std::string::npos)
            << url;
    }
    EXPECT_EQ(messages("http://a.test/x", "ProxySet timeout=5"), "");
    EXPECT_NE(messages("http://a.test/x/deeper", "ProxySet timeout=5").find("no effect"),
              std::string::npos)
        << "rules have parameters, not requests";
}

/// Part of a section may have an effect where another part has none.
TEST(ProxySections, are_told_what_of_them_can_do_nothing) {
    const auto messages = [](const std::string& rule, const std::string& section) {
        return LoadedSites::messages_of("SSLProxyEngine On\n" + rule + "\n<Proxy " + section +
                                        "\n</Proxy>\n");
    };
    const std::string https = "ProxyPass / https://a.test/";
    const std::string http = "ProxyPass / http://a.test/";
    const std::string unused = "no effect of ProxySet: no ProxyPass has such a target";
    const std::string both =
        messages(https, "https://a.test/deep/>\nProxySet timeout=5\nSSLProxyVerifyDepth 2");
    EXPECT_NE(both.find(unused), std::string::npos) << both;
    EXPECT_EQ(both.find("no effect: no rule"), std::string::npos) << both;
    EXPECT_NE(messages(http, "http://a.test>\nSSLProxyVerifyDepth 2").find("no effect: no rule"),
              std::string::npos)
        << "nobody speaks TLS there";
    const std::string tunnel =
        "<VirtualHost *:853>\nServerName a\nTunnelTo tls://a.test:853\n</VirtualHost>";
    const std::string parameters = messages(tunnel, "tls://a.test:853>\nProxySet timeout=5");
    EXPECT_NE(parameters.find("no effect: no rule"), std::string::npos)
        << "a tunnel has its parameters behind TunnelTo" << parameters;
    const std::string terms = messages(tunnel, "tls://a.test:853>\nSSLProxyVerifyDepth 2");
    EXPECT_EQ(terms.find("no effect"), std::string::npos) << terms;
}

/// What Apache takes for a set of characters is an IPv6 address here.
TEST(ProxySections, take_brackets_as_they_stand) {
    const LoadedSites loaded(
        "SSLProxyEngine On\nProxyPass / https://[::1]:8443/\n"
        "<Proxy https://[::1]:8443/*>\nSSLProxyVerifyDepth 3\n</Proxy>\n"
        "<Proxy https://[:1]:8443/*>\nSSLProxyVerifyDepth 4\n</Proxy>\n");
    ASSERT_TRUE(loaded.sites());
    EXPECT_EQ(terms(loaded, "https://[::1]:8443/x"), "3 name now");
    EXPECT_NE(loaded.main().tls->upstream_for("https://[::1]:8443/x").context(), nullptr);
    EXPECT_FALSE(covers_url("https://a.test:844[34]*", "https://a.test:8443/"));
    EXPECT_TRUE(covers_url("a\\b*", "a\\bc"));
}

/// Nothing has to be written for the virtual host that no rule asks it.
TEST(ProxySections, are_enough_where_they_cover_every_target) {
    const std::string require = "SSLProxyEngine On\nSSLProxyVerify require\n";
    const support::TemporaryFolder folder;
    support::Authority authority;
    const std::string rule = "ProxyPass / https://a.test/\n";
    const std::string section = "<Proxy https://a.test>\nSSLProxyCACertificateFile " +
                                folder.write("ca.pem", authority.certificate()) + "\n</Proxy>\n";
    EXPECT_EQ(LoadedSites::messages_of(require + rule + section), "");
    EXPECT_NE(LoadedSites::messages_of(require + rule).find("no authority to verify upstreams by"),
              std::string::npos);
    EXPECT_NE(LoadedSites::messages_of(require + rule + section + "ProxyPass /b https://b.test\n")
                  .find("no authority to verify upstreams by"),
              std::string::npos);
}

TEST(ProxySections, say_where_apache_would_have_the_last_one_win) {
    const auto section = [](const std::string& url, const std::string& directive) {
        return "<Proxy " + url + ">\n" + directive + "\n</Proxy>\n";
    };
    const std::string rule = "ProxyPass / http://a.test/\n";
    const std::string longer = section("http://a.test/", "ProxySet timeout=5");
    const std::string shorter = section("*", "ProxySet timeout=6");
    EXPECT_EQ(LoadedSites::messages_of(rule + shorter + longer), "");
    const std::string said = LoadedSites::messages_of(rule + longer + shorter);
    EXPECT_NE(said.find("2:8: warning: the longest URL decides about connections: this one goes "
                        "over <Proxy *> behind it"),
              std::string::npos)
        << said;
    EXPECT_EQ(LoadedSites::messages_of(rule + longer + section("*", "ProxyPreserveHost On")), "");
    EXPECT_EQ(LoadedSites::messages_of(rule + section("http://a.test", "ProxySet ttl=5") + longer),
              "");
}

TEST(ProxySections, must_allow_tls_where_a_rule_needs_it) {
    const std::string rule = "ProxyPass /x https://a.test/x/\n";
    const auto messages = [&](const std::string& more) {
        return LoadedSites::messages_of(more + rule);
    };
    const std::string needs = "error: an https:// upstream needs SSLProxyEngine On";
    const std::string section = "<Proxy https://a.test/x>\nSSLProxyEngine ";
    EXPECT_NE(messages("").find(needs), std::string::npos);
    EXPECT_EQ(messages(section + "On\n</Proxy>\n").find("error"), std::string::npos);
    const std::string off = messages("SSLProxyEngine On\n" + section + "Off\n</Proxy>\n");
    EXPECT_NE(off.find(needs), std::string::npos);
    EXPECT_NE(off.find("in <Proxy https://a.test/x>"), std::string::npos) << off;
    const std::string unverified = messages(
        "SSLProxyEngine On\n<Proxy https://a.test/x/deeper>\nSSLProxyVerifyDepth 2\n</Proxy>\n");
    EXPECT_NE(unverified.find("SSLProxyCACertificateFile in <Proxy https://a.test/x/deeper>"),
              std::string::npos)
        << unverified;
}

}  // namespace
}  // namespace headgate::proxy
