// Which upstream a request goes to, and as what: virtual hosts, ProxyPass in order, Location
// sections. Every rule leads to one origin, to a path of its own, which tells the rule that it was.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Routing : public Behaviour {
protected:
    /// Sends a request for a path of a host, and returns the target that the origin saw; of our own
    /// answers the status.
    std::string target_seen(std::uint16_t port, const std::string& host, const std::string& path) {
        RawConnection client(port);
        client.send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
        std::string seen;
        wait_until("for a request or an answer",
                   [&] { return origin_.has_connection() || client.has_news(); });
        if (!origin_.has_connection()) return std::to_string(client.receive_response().status);
        RawConnection upstream = origin_.accept_request(seen);
        upstream.send(ok("", "Connection: close\r\n"));
        client.receive_response();
        const std::size_t start = seen.find(' ') + 1;
        return seen.substr(start, seen.find(' ', start) - start);
    }

    /// A rule's URL.
    std::string to(const std::string& path) const {
        return " http://" + origin_.address() + path + "\n";
    }

    ScriptedOrigin origin_;
};
EVERY_MODEL(Routing);

struct Host {
    const char* host;
    const char* seen;
};

TEST_P(Routing, ChoosesTheVirtualHostByName) {
    RunningProxy proxy(
        model(), "<VirtualHost *:${PORT}>\nServerName first.test\nProxyPass /" + to("/first/") +
                     "</VirtualHost>\n<VirtualHost *:${PORT}>\nServerName second.test\n"
                     "ServerAlias 2.test *.second.test w?ld.test\nProxyPass /" +
                     to("/second/") + "</VirtualHost>\n");
    const std::string with_port = "second.test:" + std::to_string(proxy.port());
    const Host cases[] = {
        {"first.test", "/first/x"},     {"second.test", "/second/x"},
        {"SECOND.Test", "/second/x"},   {with_port.c_str(), "/second/x"},
        {"second.test.", "/second/x"},  {"2.test", "/second/x"},
        {"a.second.test", "/second/x"}, {"a.b.second.test", "/second/x"},
        {"wild.test", "/second/x"},     {"wiild.test", "/first/x"},
        {"xsecond.test", "/first/x"},   {"127.0.0.1", "/first/x"},
    };
    std::size_t lines = 0;
    for (const Host& each : cases) {
        EXPECT_EQ(target_seen(proxy.port(), each.host, "/x"), each.seen) << each.host;
        proxy.access_log(++lines);  // children write one after the other only if waited for
    }
    EXPECT_EQ(proxy.access_log(lines)[1]["host"], "second.test");
}

TEST_P(Routing, AbsoluteFormGoesBeforeHost) {
    RunningProxy proxy(
        model(), "<VirtualHost *:${PORT}>\nServerName first.test\nProxyPass /" + to("/first/") +
                     "</VirtualHost>\n<VirtualHost *:${PORT}>\nServerName second.test\n"
                     "ProxyPass /" +
                     to("/second/") + "</VirtualHost>\n");
    EXPECT_EQ(target_seen(proxy.port(), "first.test", "http://second.test/x"), "/second/x");
}

TEST_P(Routing, ChoosesTheVirtualHostByAddress) {
    RunningProxy proxy(model(), "Listen 127.0.0.1:${PORT2}\nProxyPass /" + to("/main/") +
                                    "<VirtualHost 127.0.0.1:${PORT2}>\nServerName other.test\n"
                                    "ProxyPass /" +
                                    to("/other/") + "</VirtualHost>\n");
    EXPECT_EQ(target_seen(proxy.port(), "other.test", "/x"), "/main/x");
    EXPECT_EQ(target_seen(proxy.second_port(), "proxy.test", "/x"), "/other/x");
}

// ---- paths

struct Path {
    const char* path;
    const char* seen;
};

TEST_P(Routing, FirstRuleThatMatchesWins) {
    RunningProxy proxy(model(), "ProxyPass /app/private !\nProxyPass /app" + to("/one") +
                                    "ProxyPass /app/late" + to("/never") +
                                    "ProxyPassMatch ^/user/(\\d+)/(.*)$" + to("/u/$2/$1") +
                                    "ProxyPassMatch ^/none/ !\nProxyPass /none" + to("/never") +
                                    "ProxyPass /slash/" + to("/two/"));
    const Path cases[] = {
        {"/app", "/one"},
        {"/app/", "/one/"},
        {"/app/x?q=1", "/one/x?q=1"},
        {"/app/late", "/one/late"},
        {"/app/private", "404"},
        {"/app/private/x", "404"},
        {"/app/privately", "/one/privately"},
        {"/apple", "404"},
        {"/App", "404"},
        {"/user/12/mail/x?y", "/u/mail/x/12?y"},
        {"/user/ab/mail", "404"},
        {"/none/x", "404"},
        {"/slash/x", "/two/x"},
        {"/slash", "404"},
        {"/other", "404"},
        {"/x/../app/y", "/one/y"},
        {"/app/./y", "/one/y"},
        {"/%61pp/x", "/one/x"},
        {"/app/a%20b", "/one/a%20b"},
        {"/app/%2e%2e/app/z", "/one/z"},
    };
    for (const Path& each : cases) {
        EXPECT_EQ(target_seen(proxy.port(), "proxy.test", each.path), each.seen) << each.path;
    }
}

TEST_P(Routing, LocationsOwnRuleGoesFirst) {
    RunningProxy proxy(model(), "ProxyPass /" + to("/rest/") + "<Location /a>\nProxyPass" +
                                    to("/a") + "</Location>\n<Location /a/deep>\nProxyPass" +
                                    to("/deep") +
                                    "</Location>\n<Location /a/no>\nProxyPass !\n</Location>\n" +
                                    "<LocationMatch ^/m(\\d)/>\nProxyPassMatch" + to("/m$1") +
                                    "</LocationMatch>\n");
    const Path cases[] = {
        {"/x", "/rest/x"},          {"/a/x", "/a/x"}, {"/a/deep/x", "/deep/x"}, {"/a/no", "404"},
        {"/a/nobody", "/a/nobody"}, {"/m7/x", "/m7"}, {"/mm/x", "/rest/mm/x"},
    };
    for (const Path& each : cases) {
        EXPECT_EQ(target_seen(proxy.port(), "proxy.test", each.path), each.seen) << each.path;
    }
}

/// Every Location that covers a path has its say, in the order of the file.
TEST_P(Routing, LocationsSettingsAddUp) {
    RunningProxy proxy(model(), "ProxyPass /" + to("/") +
                                    "RequestHeader append A server\nProxyPreserveHost On\n"
                                    "<Location /a>\nRequestHeader append A a\n"
                                    "LimitRequestBody 3\n</Location>\n"
                                    "<LocationMatch b$>\nRequestHeader append A b\n"
                                    "ProxyPreserveHost Off\nLimitRequestBody 9\n"
                                    "</LocationMatch>\n");
    struct Seen {
        const char* path;
        std::string field;
        std::string host;
        int status;  // of five octets of content
    };
    const Seen cases[] = {
        {"/x", "server", "proxy.test", 200},
        {"/a", "server, a", "proxy.test", 413},
        {"/b", "server, b", origin_.address(), 200},
        {"/a/b", "server, a, b", origin_.address(), 200},
    };
    for (const Seen& each : cases) {
        SCOPED_TRACE(each.path);
        RawConnection client(proxy.port());
        client.send(post(each.path, "hello"));
        if (each.status == 200) {
            std::string head;
            RawConnection upstream = origin_.accept_request(head);
            EXPECT_EQ(find_field(head, "A"), each.field);
            EXPECT_EQ(find_field(head, "Host"), each.host);
            upstream.send(ok("", "Connection: close\r\n"));
        }
        EXPECT_EQ(client.receive_response().status, each.status);
    }
}

TEST_P(Routing, NothingConfiguredIsNotFound) {
    RunningProxy proxy(model(), "");
    RawConnection client(proxy.port());
    client.send(get("/x") + get("/y"));
    EXPECT_EQ(client.receive_response().status, 404);
    EXPECT_EQ(client.receive_response().status, 404);
}

}  // namespace
}  // namespace headgate
