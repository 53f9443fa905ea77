// Every status that is the proxy's own has a name: in %{end}x, in a numbered line of the error log,
// and in the counters of the status. One row for each place that makes such an answer.
#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class Answers : public Behaviour {};
EVERY_MODEL(Answers);

struct Case {
    std::string request;
    int status;
    const char* end;
    const char* line;  // of the error log
};

const std::string host = "Host: proxy.test\r\n";

/// The status in one of its forms: "auto", "json" or "", which is the page.
std::string status_of(const RunningProxy& proxy, const std::string& form) {
    RawConnection client(proxy.port());
    client.send(get("/status?" + form, "Connection: close\r\n"));
    return client.receive_response().content;
}

void expect_names(const RunningProxy& proxy, const std::vector<Case>& cases) {
    std::size_t lines = proxy.access_log(0).size();
    for (const Case& each : cases) {
        SCOPED_TRACE(each.line);
        RawConnection client(proxy.port());
        client.send(each.request);
        EXPECT_EQ(client.receive_response().status, each.status);
        const LogLine line = proxy.access_log(++lines).back();
        EXPECT_EQ(line["status"], std::to_string(each.status));
        EXPECT_EQ(line["end"], each.end);
        proxy.error_log(each.line);
    }
    const std::string text = status_of(proxy, "auto");
    const std::string json = status_of(proxy, "json");
    const std::string page = status_of(proxy, "");
    for (const Case& each : cases) {
        const std::string name = each.end;
        EXPECT_NE(text.find("\nFailed " + name + ": "), text.npos) << name << "\n" << text;
        EXPECT_NE(json.find("\"" + name + "\":"), json.npos) << name << "\n" << json;
        EXPECT_NE(page.find(name), page.npos) << name;
    }
    EXPECT_EQ(text.find("Failed admin/"), text.npos) << "what did not happen is not shown";
}

const char* const status_place = "<Location /status>\nSetHandler server-status\n</Location>\n";

TEST_P(Answers, ToRequestsHaveNames) {
    ScriptedOrigin origin;
    RunningProxy proxy(model(),
                       std::string(status_place) +
                           "LimitRequestLine 256\nLimitRequestFieldSize 256\nLimitRequestBody 9\n"
                           "RequestReadTimeout header=1\nTimeout 1\nProxyPass /none !\n"
                           "ProxyPass /admin !\n" +
                           pass_all_to(origin));
    expect_names(
        proxy,
        {
            {"nonsense\r\n\r\n", 400, "client/request-head/malformed", "HG0101: 400: "},
            {get("/x/..;/admin"), 400, "client/request-head/malformed",
             "HG0101: 400: path that other readers"},
            {get("/none"), 404, "client/request-head/refused", "HG0101: 404: no rule"},
            {"TRACE / HTTP/1.1\r\n" + host + "\r\n", 405, "client/request-head/refused",
             "HG0101: 405: TRACE"},
            {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405, "client/request-head/refused",
             "HG0101: 405: "},
            {"GET / HTTP/1.1\r\nHo", 408, "timeout/request-head/client-silent", "HG0103: 408: "},
            {"POST / HTTP/1.1\r\n" + host + "Content-Length: 9\r\n\r\nhello", 408,
             "timeout/request-content/client-silent",
             "HG0103: timeout client-silent in request-content"},
            {post("/", "0123456789"), 413, "client/request-head/too-large", "HG0101: 413: "},
            {"POST / HTTP/1.1\r\n" + host +
                 "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
             413, "client/request-content/too-large", "HG0104: client too-large"},
            {get("/" + std::string(300, 'x')), 414, "client/request-head/too-large",
             "HG0101: 414: "},
            {"POST / HTTP/1.1\r\n" + host + "Expect: tea\r\nContent-Length: 5\r\n\r\nhello", 417,
             "client/request-head/malformed", "HG0101: 417: "},
            {get("/", "A: " + std::string(300, 'x') + "\r\n"), 431, "client/request-head/too-large",
             "HG0101: 431: "},
            {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
             501, "client/request-head/malformed", "HG0101: 501: "},
            {"GET / HTTP/2.0\r\n" + host + "\r\n", 505, "client/request-head/malformed",
             "HG0101: 505: "},
        });
}

TEST_P(Answers, ForUpstreamsHaveNames) {
    ScriptedOrigin silent;
    RunningOrigin origin;
    const std::string nobody = "127.0.0.1:" + std::to_string(free_port());
    RunningProxy proxy(model(), std::string(status_place) + "ProxyTimeout 1\nTraceEnable On\n" +
                                    "ProxyPass /refused http://" + nobody + "/\n" +
                                    "ProxyPass /unknown http://nobody.invalid:80/\n" +
                                    "ProxyPass /silent http://" + silent.address() + "/\n" +
                                    pass_all_to(origin));
    expect_names(proxy, {
                            {"TRACE / HTTP/1.1\r\n" + host + "Content-Length: 1\r\n\r\nx", 413,
                             "client/request-head/too-large", "HG0101: 413: content in a TRACE"},
                            {get("/refused"), 503, "upstream/connect/unreachable",
                             "HG0205: upstream unreachable in connect"},
                            {get("/unknown"), 502, "upstream/resolve/unresolved",
                             "HG0206: upstream unresolved in resolve"},
                            {get("/silent"), 504, "timeout/upstream-wait/upstream-silent",
                             "HG0204: timeout upstream-silent in upstream-wait"},
                            {get("/abort?after=0"), 502, "upstream/upstream-wait/reset",
                             "HG0201: upstream reset in upstream-wait"},
                        });
}

/// One request over TLS to a name that is shown in the handshake, for a host.
void expect_over_tls(const RunningProxy& proxy, const std::string& name, const Case& each) {
    SCOPED_TRACE(each.line);
    const std::size_t lines = proxy.access_log(0).size();
    RawConnection client(proxy.port(), asking_for(name));
    client.send(each.request);
    EXPECT_EQ(client.receive_response().status, each.status);
    const LogLine line = proxy.access_log(lines + 1).back();
    EXPECT_EQ(line["end"], each.end);
    proxy.error_log(each.line);
}

std::string asking(const std::string& of) {
    return "GET / HTTP/1.1\r\nHost: " + of + "\r\n\r\n";
}

TEST_P(Answers, AboutTlsHaveNames) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(
        model(), files.host("a.test", "<Location /secret>\nSSLVerifyClient require\n</Location>\n" +
                                          files.authorities() + pass_all_to(origin)) +
                     files.host("b.test", "SSLStrictSNIVHostCheck On\n" + pass_all_to(origin)) +
                     files.host("c.test", "TunnelTo tcp://" + origin.address() + "\n"));
    const char* const refused = "client/request-head/refused";
    expect_over_tls(proxy, "a.test",
                    {"GET /secret HTTP/1.1\r\nHost: a.test\r\n\r\n", 403, refused,
                     "HG0101: 403: no TLS, or no certificate"});
    expect_over_tls(proxy, "", {asking("b.test"), 403, refused, "HG0101: 403: no server name"});
    expect_over_tls(proxy, "a.test",
                    {asking("b.test"), 421, refused, "HG0101: 421: a handshake for another"});
    expect_over_tls(
        proxy, "a.test",
        {asking("c.test"), 421, refused, "HG0101: 421: a request for a virtual host with Tunnel"});
    const std::size_t lines = proxy.access_log(0).size();
    RawConnection plain(proxy.port());
    plain.send(asking("a.test"));
    EXPECT_EQ(plain.receive_response().status, 400);
    EXPECT_EQ(proxy.access_log(lines + 1).back()["end"], "client/request-head/malformed");
    proxy.error_log("HG0101: 400: plain HTTP on a port that speaks TLS");
}

/// Those that end before there was a request have no line in the access log, but are counted.
TEST_P(Answers, AreNotAllThatIsCounted) {
    if (tests_tls()) GTEST_SKIP() << "plain clients are needed";
    const TlsFiles files;
    RunningProxy proxy(model(), std::string(status_place) +
                                    "Listen 127.0.0.1:${PORT2}\n<VirtualHost *:${PORT2}>\n" +
                                    files.server("a.test") + "</VirtualHost>\n");
    RawConnection client(proxy.second_port());
    client.send("neither TLS nor HTTP");
    EXPECT_NE(client.receive_end(), RawConnection::End::not_yet);
    proxy.error_log("HG0105: client tls-failed in tls: ");
    const std::string text = status_of(proxy, "auto");
    EXPECT_NE(text.find("\nFailed client/tls/tls-failed: 1\n"), text.npos) << text;
}

}  // namespace
}  // namespace headgate
