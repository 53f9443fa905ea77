// What becomes of fields on their way through: hop-by-hop ones, X-Forwarded-*, Via, Host, Location,
// the edits of RequestHeader and Header, and the text of our own answers.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

class Fields : public Behaviour {
protected:
    /// One exchange: what the origin saw of the request and the client of the response.
    void exchange(const std::string& directives, const std::string& request_fields = "",
                  const std::string& response_fields = "") {
        RunningProxy proxy(model(), directives + pass_all_to(origin_));
        RawConnection client(proxy.port());
        client.send(get("/", request_fields));
        RawConnection upstream = origin_.accept_request(request_);
        upstream.send(ok("x", response_fields));
        response_ = client.receive_response().head;
        port_ = std::to_string(proxy.port());
    }
    std::string request(const char* name) const { return std::string(find_field(request_, name)); }
    std::string response(const char* name) const {
        return std::string(find_field(response_, name));
    }

    ScriptedOrigin origin_;
    std::string request_;
    std::string response_;
    std::string port_;
};
EVERY_MODEL(Fields);

TEST_P(Fields, OfOneConnectionStayOnIt) {
    exchange("",
             "Connection: x-secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\n"
             "TE: deflate, trailers\r\nProxy-Connection: keep-alive\r\nX-Public: 2\r\n",
             "Connection: x-inner\r\nX-Inner: 1\r\nKeep-Alive: timeout=5\r\nX-Outer: 2\r\n");
    EXPECT_EQ(request("X-Secret"), "");
    EXPECT_EQ(request("Keep-Alive"), "");
    EXPECT_EQ(request("TE"), "trailers") << "anew: trailers are taken and passed on";
    EXPECT_EQ(request("Connection"), "TE");
    EXPECT_EQ(request("Proxy-Connection"), "");
    EXPECT_EQ(request("X-Public"), "2");
    EXPECT_EQ(response("X-Inner"), "");
    EXPECT_EQ(response("Keep-Alive"), "");
    EXPECT_EQ(response("X-Outer"), "2");
}

/// Trailers come when the head has been judged, and some upstreams merge them.
TEST(FieldsOfTrailers, TellNothingAboutTheClient) {
    ScriptedOrigin origin;
    RunningProxy proxy("event", "RemoteIPHeader CF-Connecting-IP\n" + pass_all_to(origin));
    RawConnection client(proxy.port());
    client.send(
        "POST /a HTTP/1.1\r\nHost: proxy.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
        "X-Forwarded-Prefix: /evil\r\nCF-Connecting-IP: 1.1.1.1\r\nX-Real-IP: 1.1.1.1\r\n"
        "Forwarded: for=1.1.1.1\r\nX-Kept: 1\r\n\r\n");
    std::string head;
    RawConnection upstream = origin.accept_request(head);
    const std::string end = "1\r\nx\r\n0\r\nX-Kept: 1\r\n\r\n";
    EXPECT_EQ(upstream.receive(end.size()), end);
    upstream.send(ok("yes"));
    EXPECT_EQ(client.receive_response().content, "yes");
}

const std::string claims =
    "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Server: evil\r\n"
    "X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Forwarded-User: root\r\n"
    "X-Real-IP: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n";

TEST_P(Fields, AboutTheClientAreOursWhenNobodyIsTrusted) {
    exchange("", claims);
    EXPECT_EQ(request("X-Forwarded-For"), "127.0.0.1");
    EXPECT_EQ(request("X-Forwarded-Host"), "proxy.test");
    EXPECT_EQ(request("X-Forwarded-Server"), "proxy.test");
    const std::string scheme = tests_tls() ? "https" : "http";
    EXPECT_EQ(request("X-Forwarded-Proto"), scheme);
    EXPECT_EQ(request_.find("192.0.2.1"), std::string::npos) << request_;
    EXPECT_EQ(request_.find("root"), std::string::npos) << request_;
    exchange("ProxyAddHeaders Off\n", claims);
    EXPECT_EQ(request_.find("X-Forwarded"), std::string::npos) << request_;
    EXPECT_EQ(request_.find("192.0.2.1"), std::string::npos) << request_;
    exchange("ProxyForwardedFields X-Real-IP Forwarded X-Forwarded-Port\n", claims);
    EXPECT_EQ(request("X-Real-IP"), "127.0.0.1");
    EXPECT_EQ(request("Forwarded"), "for=127.0.0.1;host=proxy.test;proto=" + scheme);
    EXPECT_EQ(request("X-Forwarded-Port"), port_);
    EXPECT_EQ(request("X-Forwarded-For"), "");
}

TEST_P(Fields, AboutTheClientAreKeptFromATrustedPeer) {
    exchange("RemoteIPInternalProxy 127.0.0.0/8\n", claims);
    EXPECT_EQ(request("X-Forwarded-For"), "192.0.2.1, 127.0.0.1");
    EXPECT_EQ(request("X-Forwarded-Host"), "evil, proxy.test");
    EXPECT_EQ(request("X-Forwarded-Proto"), "https");
    EXPECT_EQ(request("X-Forwarded-User"), "root");
    EXPECT_EQ(request("X-Real-IP"), "192.0.2.1");
    exchange("RemoteIPInternalProxy 192.0.2.0/24\n", claims);
    EXPECT_EQ(request("X-Forwarded-For"), "127.0.0.1");
}

TEST_P(Fields, GiveTheClientsAddressToTheLogs) {
    RunningProxy proxy(
        model(),
        "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.1 10.0.0.0/8\n"
        "ProxyForwardedFields X-Real-IP X-Forwarded-For\n"
        "RemoteIPProxiesHeader X-Via-Proxies\n"
        "LogFormat \"client=%a host=%h peer=%{c}a\" who\n"
        "CustomLog /dev/stderr who\n" +
            pass_all_to(origin_));
    RawConnection client(proxy.port());
    client.send(get("/",
                    "X-Forwarded-For: 198.51.100.9, 203.0.113.7\r\n"
                    "X-Forwarded-For: 10.0.0.2\r\n"));
    RawConnection upstream = origin_.accept_request(request_);
    upstream.send(ok("x"));
    client.receive_response();
    EXPECT_EQ(request("X-Forwarded-For"), "203.0.113.7, 10.0.0.2, 127.0.0.1");
    EXPECT_EQ(request("X-Real-IP"), "203.0.113.7");
    EXPECT_EQ(request("X-Via-Proxies"), "10.0.0.2");
    proxy.wait_for_message("client=203.0.113.7 host=203.0.113.7 peer=127.0.0.1");
}

TEST_P(Fields, WithUnderscoresAreRefusedDroppedOrKept) {
    for (const std::string rule : {"", "FieldNameUnderscores Refuse\n"}) {
        RunningProxy proxy(model(), rule + pass_all_to(origin_));
        RawConnection client(proxy.port());
        client.send(get("/", "X_Real_IP: 192.0.2.1\r\n"));
        EXPECT_EQ(client.receive_response().status, 400);
        EXPECT_FALSE(origin_.has_connection());
        proxy.error_log("underscore in a field name");
    }
    exchange("FieldNameUnderscores Drop\n", "Api_Key: 1\r\n");
    EXPECT_EQ(request("Api_Key"), "");
    exchange("FieldNameUnderscores Keep\n", "Api_Key: 1\r\n");
    EXPECT_EQ(request("Api_Key"), "1");
}

TEST_P(Fields, DateIsAddedToAResponseWithoutOne) {
    exchange("");
    EXPECT_TRUE(response("Date").ends_with(" GMT")) << response_;
    exchange("", "", "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    EXPECT_EQ(response("Date"), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_P(Fields, MaxForwardsIsCountedDown) {
    RunningProxy proxy(model(), "TraceEnable on\n" + pass_all_to(origin_));
    const std::string start = " / HTTP/1.1\r\nHost: proxy.test\r\nCookie: a\r\nMax-Forwards: ";
    RawConnection client(proxy.port());
    client.send("OPTIONS" + start + "0\r\n\r\n");
    EXPECT_NE(client.receive_response().field("Allow"), "");
    client.send("TRACE" + start + "0\r\n\r\n");
    const Response reflected = client.receive_response();
    EXPECT_EQ(reflected.field("Content-Type"), "message/http");
    EXPECT_EQ(reflected.content, "TRACE / HTTP/1.1\r\nHost: proxy.test\r\nMax-Forwards: 0\r\n\r\n");
    EXPECT_FALSE(origin_.has_connection());
    client.send("TRACE" + start + "3\r\n\r\n");
    RawConnection upstream = origin_.accept_request(request_);
    EXPECT_EQ(request("Max-Forwards"), "2");
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().status, 200);
    client.send("GET" + start + "0\r\n\r\n");  // it is about other methods
    request_ = upstream.receive_head();
    EXPECT_EQ(request("Max-Forwards"), "0");
    upstream.send(ok("x"));
    EXPECT_EQ(client.receive_response().status, 200);
    client.send("OPTIONS" + start + "x\r\n\r\n");
    EXPECT_EQ(client.receive_response().status, 400);
}

TEST_P(Fields, OfATraceReachNobodyUnlessItIsEnabled) {
    RunningProxy proxy(model(), pass_all_to(origin_));
    RawConnection client(proxy.port());
    client.send("TRACE / HTTP/1.1\r\nHost: proxy.test\r\nCookie: secret\r\n\r\n");
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(response.content.find("secret"), std::string::npos);
    EXPECT_FALSE(origin_.has_connection());
}

TEST_P(Fields, HostIsTheUpstreamsOrPreserved) {
    exchange("");
    EXPECT_EQ(request("Host"), origin_.address());
    exchange("ProxyPreserveHost On\n");
    EXPECT_EQ(request("Host"), "proxy.test");
}

struct Via {
    const char* mode;
    std::string upstream;
    std::string client;
};

TEST_P(Fields, ViaIsAsConfigured) {
    const std::string own = "1.1 proxy.test:PORT";
    const Via cases[] = {
        {"Off", "1.0 before", "1.1 behind"},
        {"On", "1.0 before, " + own, "1.1 behind, " + own},
        {"Full", "1.0 before, " + own + " (Headgate/VERSION)",
         "1.1 behind, " + own + " (Headgate/VERSION)"},
        {"Block", "", ""},
    };
    const std::string version = run_headgate({"-v"}).out;
    const std::string number = version.substr(version.find('/') + 1);
    for (const Via& each : cases) {
        SCOPED_TRACE(each.mode);
        exchange("ProxyVia " + std::string(each.mode) + "\n", "Via: 1.0 before\r\n",
                 "Via: 1.1 behind\r\n");
        const auto filled = [&](std::string text) {
            if (const auto at = text.find("PORT"); at != text.npos) text.replace(at, 4, port_);
            if (const auto at = text.find("VERSION"); at != text.npos) {
                text.replace(at, 7, number.substr(0, number.find_first_of(" \n")));
            }
            return text;
        };
        EXPECT_EQ(request("Via"), filled(each.upstream));
        EXPECT_EQ(response("Via"), filled(each.client));
    }
}

TEST_P(Fields, OfRequestsAreEdited) {
    exchange(
        "RequestHeader set A 1\nRequestHeader add B 2\nRequestHeader append C 3\n"
        "RequestHeader unset D\nRequestHeader merge E x\nRequestHeader setifempty F new\n",
        "A: old\r\nA: older\r\nC: old\r\nD: old\r\nE: x, y\r\nF: old\r\n");
    EXPECT_EQ(request("A"), "1");
    EXPECT_EQ(request_.find("older"), std::string::npos);
    EXPECT_EQ(request("B"), "2");
    EXPECT_EQ(request("C"), "old, 3");
    EXPECT_EQ(request("D"), "");
    EXPECT_EQ(request("E"), "x, y");
    EXPECT_EQ(request("F"), "old");
}

TEST_P(Fields, OfResponsesAreEdited) {
    exchange(
        "Header set A 1\nHeader append C 3\nHeader unset D\nHeader setifempty F new\n"
        "Header always set G always\n",
        "", "A: old\r\nC: old\r\nD: old\r\n");
    EXPECT_EQ(response("A"), "1");
    EXPECT_EQ(response("C"), "old, 3");
    EXPECT_EQ(response("D"), "");
    EXPECT_EQ(response("F"), "new");
    EXPECT_EQ(response("G"), "always");
}

struct Reverse {
    std::string from_upstream;
    std::string to_client;
};

TEST_P(Fields, LocationIsTurnedRound) {
    const std::string inner = as_origins_speak("http://" + origin_.address());
    const std::string own = tests_tls() ? "https://proxy.test" : "http://proxy.test";
    const std::string directives =
        "ProxyPassReverse /shop/ " + inner + "/inner/\n" + "ProxyPassReverse / " + inner + "/\n";
    const Reverse cases[] = {
        {inner + "/inner/x?y", own + "/shop/x?y"},
        {inner + "/other", own + "/other"},
        {"http://elsewhere.test/x", "http://elsewhere.test/x"},
        {"/relative", "/relative"},
    };
    for (const Reverse& each : cases) {
        exchange(directives, "", "Location: " + each.from_upstream + "\r\n");
        EXPECT_EQ(response("Location"), each.to_client);
    }
}

TEST_P(Fields, OwnAnswersHaveTheConfiguredTextAndFields) {
    RunningProxy proxy(model(),
                       "ErrorDocument 404 \"Nothing here.\"\nHeader set A 1\n"
                       "Header always set B 2\n");
    RawConnection client(proxy.port());
    client.send(get("/"));
    const Response response = client.receive_response();
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.content, "Nothing here.");
    EXPECT_EQ(response.field("A"), "");  // for successful responses only, as in Apache
    EXPECT_EQ(response.field("B"), "2");
}

TEST_P(Fields, OfAnUpstreamsErrorPassAsTheyAre) {
    RunningProxy proxy(model(), "ErrorDocument 404 \"Nothing here.\"\n" + pass_all_to(origin_));
    RawConnection client(proxy.port());
    client.send(get("/"));
    RawConnection upstream = origin_.accept_request(request_);
    upstream.send("HTTP/1.1 404 Lost\r\nA: b\r\nContent-Length: 5\r\n\r\ntheir");
    const Response response = client.receive_response();
    EXPECT_EQ(response.content, "their");
    EXPECT_EQ(response.field("A"), "b");
    EXPECT_TRUE(response.head.starts_with("HTTP/1.1 404 Lost\r\n"));
}

}  // namespace
}  // namespace headgate
