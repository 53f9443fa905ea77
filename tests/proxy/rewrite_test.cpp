// Rewriting: the head that the upstream gets for a request, octet by octet, and the fields that the
// client gets for a response.
#include "proxy/rewrite.h"

#include <gtest/gtest.h>

#include "proxy/http/head_parser.h"
#include "proxy/http/request_framing.h"
#include "tests/support/loaded_sites.h"

namespace headgate::proxy {
namespace {

using support::LoadedSites;

const std::string version = "Headgate/" HEADGATE_VERSION;

/// One request through the routes of a configuration.
class Rig {
public:
    explicit Rig(const std::string& configuration)
        : loaded_("ServerName proxy.example\n" + configuration), places_(loaded_.main()) {}

    /// The upstream's head; fills `rewrite` too.
    std::string head(std::string text, std::uint16_t port = 80) {
        text_ = std::move(text);
        http::HeadParser parser(http::HeadParser::Kind::request);
        EXPECT_EQ(parser.parse(text_), http::HeadParser::Status::complete);
        head_ = parser.take_request();
        const auto target = http::parse_target(head_, text_);
        const auto framing = http::request_framing(head_, text_);
        if (!target || !framing) return "refused";
        const auto path = http::matching_path(target->path.of(text_));
        if (!path) return "refused";
        const std::string_view host =
            target->authority.empty()
                ? head_.fields.value(http::FieldName::host, text_).value_or("")
                : target->authority.of(text_);
        const Request request{head_, text_, *framing, *target, host, *path};
        const auto place = places_.at(request.path);
        const Match match = place->match(request.path);
        if (match.route == nullptr) return "no route";
        const RewriteFacts facts{place->settings(), loaded_.main().name, port, "192.0.2.7"};
        rewrite = response_rewrite(request, facts);
        return upstream_head(request, match, facts);
    }

    /// The client's fields of a response to the last request.
    std::string fields(std::string text) {
        http::HeadParser parser(http::HeadParser::Kind::response);
        EXPECT_EQ(parser.parse(text), http::HeadParser::Status::complete);
        upstream::ReceivedHead received{parser.take_response(), text, {}};
        return client_fields(received, rewrite);
    }

    ResponseRewrite rewrite;

private:
    LoadedSites loaded_;
    Places places_;
    std::string text_;
    http::RequestHead head_;
};

const std::string get = "GET /a?q=1 HTTP/1.1\r\nHost: www.example\r\n";
const std::string forwarded =
    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Host: www.example\r\n"
    "X-Forwarded-Server: proxy.example\r\nX-Forwarded-Proto: http\r\n";

TEST(UpstreamHead, table) {
    const std::string pass = "ProxyPass / http://origin:8080/base/\n";
    const std::string start = "GET /base/a?q=1 HTTP/1.1\r\nHost: origin:8080\r\n";
    const struct {
        const char* name;
        std::string configuration;
        std::string request;
        std::string expected;
    } cases[] = {
        {"plain", pass, get + "\r\n", start + forwarded + "\r\n"},
        {"default port", "ProxyPass / http://origin/\n", get + "\r\n",
         "GET /a?q=1 HTTP/1.1\r\nHost: origin\r\n" + forwarded + "\r\n"},
        {"preserved host", pass + "ProxyPreserveHost On\n", get + "\r\n",
         "GET /base/a?q=1 HTTP/1.1\r\nHost: www.example\r\n" + forwarded + "\r\n"},
        {"no forwarding fields", pass + "ProxyAddHeaders Off\n", get + "X-Forwarded-For: x\r\n\r\n",
         start + "\r\n"},
        {"forwarding fields are replaced", pass, get + "X-Forwarded-For: 10.0.0.1\r\n\r\n",
         start + forwarded + "\r\n"},
        {"end-to-end fields in order", pass, get + "B: 2\r\nA: 1\r\nB: 3\r\nCookie: c\r\n\r\n",
         start + "B: 2\r\nA: 1\r\nB: 3\r\nCookie: c\r\n" + forwarded + "\r\n"},
        {"hop-by-hop fields", pass,
         get + "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
               "Proxy-Connection: close\r\nX-Kept: 1\r\n\r\n",
         start + "X-Kept: 1\r\n" + forwarded + "Connection: TE\r\nTE: trailers\r\n\r\n"},
        {"length", pass, "POST /a HTTP/1.1\r\nHost: www.example\r\nContent-Length: 5\r\n\r\n",
         "POST /base/a HTTP/1.1\r\nHost: origin:8080\r\n" + forwarded +
             "Content-Length: 5\r\n\r\n"},
        {"length 0", pass, "POST /a HTTP/1.1\r\nHost: www.example\r\nContent-Length: 0\r\n\r\n",
         "POST /base/a HTTP/1.1\r\nHost: origin:8080\r\n" + forwarded +
             "Content-Length: 0\r\n\r\n"},
        {"chunked", pass,
         "POST /a HTTP/1.1\r\nHost: www.example\r\nTransfer-Encoding: Chunked\r\n\r\n",
         "POST /base/a HTTP/1.1\r\nHost: origin:8080\r\n" + forwarded +
             "Transfer-Encoding: chunked\r\n\r\n"},
        {"HTTP/1.0 without Host", pass, "GET /a HTTP/1.0\r\n\r\n",
         "GET /base/a HTTP/1.1\r\nHost: origin:8080\r\nX-Forwarded-For: 192.0.2.7\r\n"
         "X-Forwarded-Server: proxy.example\r\nX-Forwarded-Proto: http\r\n\r\n"},
        {"absolute-form", pass, "GET http://other.example/a HTTP/1.1\r\nHost: www.example\r\n\r\n",
         "GET /base/a HTTP/1.1\r\nHost: origin:8080\r\nX-Forwarded-For: 192.0.2.7\r\n"
         "X-Forwarded-Host: other.example\r\nX-Forwarded-Server: proxy.example\r\n"
         "X-Forwarded-Proto: http\r\n\r\n"},
        {"path is normalised and encoded anew", pass,
         "GET /x/../a%20b/%7Ec//d?e=%2F HTTP/1.1\r\nHost: www.example\r\n\r\n",
         "GET /base/a%20b/~c/d?e=%2F HTTP/1.1\r\nHost: origin:8080\r\n" + forwarded + "\r\n"},
        {"empty query", pass, "GET /a? HTTP/1.1\r\nHost: www.example\r\n\r\n",
         "GET /base/a? HTTP/1.1\r\nHost: origin:8080\r\n" + forwarded + "\r\n"},
        {"unknown method", pass, "BREW /a HTTP/1.1\r\nHost: www.example\r\n\r\n",
         "BREW /base/a HTTP/1.1\r\nHost: origin:8080\r\n" + forwarded + "\r\n"},
        {"edits", pass + "RequestHeader set X-A 1\nRequestHeader unset B\n", get + "B: 2\r\n\r\n",
         start + "X-A: 1\r\n" + forwarded + "\r\n"},
        {"Host is set, not added", pass + "ProxyPreserveHost On\nRequestHeader set Host inner:81\n",
         get + "\r\n", "GET /base/a?q=1 HTTP/1.1\r\nHost: inner:81\r\n" + forwarded + "\r\n"},
        {"one X-Forwarded-Proto", pass + "RequestHeader set X-Forwarded-Proto https\n",
         get + "X-Forwarded-Proto: ftp\r\n\r\n",
         start + "X-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n"
                 "X-Forwarded-Host: www.example\r\nX-Forwarded-Server: proxy.example\r\n\r\n"},
        {"Via on", pass + "ProxyVia On\n", get + "Via: 1.0 first\r\n\r\n",
         start + "Via: 1.0 first, 1.1 proxy.example\r\n" + forwarded + "\r\n"},
        {"Via full", pass + "ProxyVia Full\n", get + "\r\n",
         start + "Via: 1.1 proxy.example (" + version + ")\r\n" + forwarded + "\r\n"},
        {"Via off keeps", pass + "ProxyVia Off\n", get + "Via: 1.0 first\r\n\r\n",
         start + "Via: 1.0 first\r\n" + forwarded + "\r\n"},
        {"Via block", pass + "ProxyVia Block\n", get + "Via: 1.0 first\r\n\r\n",
         start + forwarded + "\r\n"},
    };
    for (const auto& each : cases) {
        Rig rig(each.configuration);
        EXPECT_EQ(rig.head(each.request), each.expected) << each.name;
    }
}

TEST(UpstreamHead, via_names_a_port_that_is_not_the_default) {
    Rig rig("ProxyPass / http://origin/\nProxyVia On\nProxyAddHeaders Off\n");
    EXPECT_EQ(rig.head(get + "\r\n", 8443),
              "GET /a?q=1 HTTP/1.1\r\nHost: origin\r\nVia: 1.1 proxy.example:8443\r\n\r\n");
}

TEST(ClientFields, table) {
    const std::string pass = "ProxyPass / http://origin/\n";
    const struct {
        const char* name;
        std::string configuration;
        std::string received;
        std::string expected;
    } cases[] = {
        {"plain", pass, "Server: x\r\nDate: d\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n",
         "Server: x\r\nDate: d\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n"},
        {"framing and connection stay behind", pass,
         "Content-Length: 5\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nA: b\r\n",
         "A: b\r\n"},
        {"transfer coding stays behind", pass,
         "Transfer-Encoding: chunked\r\nTrailer: A\r\nB: c\r\n", "B: c\r\n"},
        {"edits", pass + "Header set X-A 1\nHeader unset Server\nHeader always append B c\n",
         "Server: x\r\nB: a\r\n", "B: a, c\r\nX-A: 1\r\n"},
        {"Via", pass + "ProxyVia On\n", "Via: 1.0 o\r\n", "Via: 1.0 o, 1.1 proxy.example\r\n"},
        {"Via block", pass + "ProxyVia Block\n", "Via: 1.0 o\r\nA: b\r\n", "A: b\r\n"},
        {"reverse", pass + "ProxyPassReverse / http://origin/\n", "Location: http://origin/x?y\r\n",
         "Location: http://www.example/x?y\r\n"},
        {"reverse of a folder", pass + "ProxyPassReverse /app/ http://origin/base/\n",
         "Location: http://origin/base/x\r\nContent-Location: http://origin/base/\r\n",
         "Location: http://www.example/app/x\r\nContent-Location: http://www.example/app/\r\n"},
        {"reverse of another place", pass + "ProxyPassReverse / http://origin/\n",
         "Location: http://elsewhere/x\r\nX-Location: http://origin/\r\n",
         "Location: http://elsewhere/x\r\nX-Location: http://origin/\r\n"},
        {"reverse, first match",
         pass + "ProxyPassReverse /a/ http://origin/a/b/\n"
                "ProxyPassReverse /z/ http://origin/\n",
         "Location: http://origin/a/b/c\r\n", "Location: http://www.example/a/c\r\n"},
        {"no rule, no change", pass, "Location: http://origin/x\r\n",
         "Location: http://origin/x\r\n"},
    };
    for (const auto& each : cases) {
        Rig rig(each.configuration);
        rig.head(get + "\r\n");
        EXPECT_EQ(rig.fields("HTTP/1.1 200 OK\r\n" + each.received + "\r\n"), each.expected)
            << each.name;
    }
}

TEST(AnswerFields, only_edits_that_say_always) {
    const LoadedSites loaded("Header set A 1\nHeader always set B 2\n");
    std::string fields = "C: 3\r\n";
    edit_answer_fields(loaded.main().base, fields);
    EXPECT_EQ(fields, "C: 3\r\nB: 2\r\n");
}

}  // namespace
}  // namespace headgate::proxy
