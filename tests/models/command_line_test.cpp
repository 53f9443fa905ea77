// The program's face: options, exit codes, diagnostics, and what it says when it cannot start.
#include "tests/support/behaviour.h"

namespace headgate {
namespace {

using namespace support;

struct Call {
    const char* name;
    std::vector<std::string> arguments;
    int exit_code;
    std::vector<std::string> out;  // texts that must be there
    std::vector<std::string> err;
};

const Call calls[] = {
    {"help", {"--help"}, 0, {"Usage: headgate", "-f, --config FILE", "Exit status: 0"}, {}},
    {"-h", {"-h"}, 0, {"Usage: headgate"}, {}},
    {"version", {"-v"}, 0, {"Headgate/"}, {}},
    {"build", {"-V"}, 0, {"Headgate/", "c-ares"}, {}},
    {"one directive", {"-L", "ProxyPass"}, 0, {"ProxyPass [/path] !|http://host"}, {}},
    {"all directives", {"-L"}, 0, {"Listen", "ProxyPass", "LogFormat", "KeepAliveTimeout"}, {}},
    {"a section", {"-L", "virtualhost"}, 0, {"<VirtualHost address:port ...>"}, {}},
    {"no such directive", {"-L", "ProxyPas"}, 2, {}, {"did you mean \"ProxyPass\"?"}},
    {"one of Apache's", {"-L", "Require"}, 2, {}, {"Apache's \"Require\" is refused here"}},
    {"no configuration", {"-t", "-f", "/bin/true"}, 1, {}, {"NUL octet\n1 error, 0 warnings"}},
    {"one number", {"explain", "HG0202"}, 0, {"HG0202: response cut", "What to do"}, {}},
    {"all numbers", {"explain"}, 0, {"HG0101  request refused", "HG0301  accepting"}, {}},
    {"no such number", {"explain", "HG0211"}, 2, {}, {"did you mean HG0209?", "explain alone"}},
    {"two numbers", {"explain", "1", "2"}, 2, {}, {"explain takes one number"}},
    {"a name",
     {"explain", "timeout/upstream-wait/upstream-silent"},
     0,
     {"A deadline passed.", "HG0204: upstream silent"},
     {}},
    {"a handshake of the client's",
     {"explain", "client/tls/tls-failed"},
     0,
     {"handshake with the client.", "HG0105: no TLS with the client"},
     {}},
    {"a client that left in an upstream's",
     {"explain", "client/upstream-tls/reset"},
     0,
     {"handshake with the upstream.", "HG0102: client lost"},
     {}},
    {"an upstream's",
     {"explain", "upstream/upstream-tls/tls-failed"},
     0,
     {"handshake with the upstream.", "HG0209: no TLS with the upstream"},
     {}},
    {"no such name", {"explain", "upstream/connect/tired"}, 2, {}, {"expected side/phase/kind"}},
    {"no such option", {"--confg", "x"}, 2, {}, {"did you mean \"--config\"?", "headgate --help"}},
    {"no argument", {"-f"}, 2, {}, {"-f needs FILE"}},
    {"no such file", {"-t", "-f", "/nowhere/headgate.conf"}, 1, {}, {"/nowhere/headgate.conf"}},
    {"no such model", {"--mpm", "evnt", "-t", "-f", "/dev/null"}, 1, {}, {"evnt"}},
    {"nothing to listen on", {"-t", "-f", "/dev/null"}, 1, {}, {"no Listen directive"}},
};

TEST(CommandLine, DoesAndSaysWhatItIsAsked) {
    for (const Call& each : calls) {
        SCOPED_TRACE(each.name);
        const Ran ran = run_headgate(each.arguments);
        EXPECT_EQ(ran.exit_code, each.exit_code) << ran.out << ran.err;
        for (const std::string& text : each.out) {
            EXPECT_NE(ran.out.find(text), std::string::npos) << text << "\nis not in\n" << ran.out;
        }
        for (const std::string& text : each.err) {
            EXPECT_NE(ran.err.find(text), std::string::npos) << text << "\nis not in\n" << ran.err;
        }
    }
}

TEST(CommandLine, ShowsEveryMistakeOfAConfigurationAtItsPlace) {
    const TemporaryFolder folder;
    const std::string file = folder.write("bad.conf",
                                          "Listen 127.0.0.1:8080\n"
                                          "KeepAlive yes\n"
                                          "ProxyPas / http://127.0.0.1:9000/\n");
    for (const bool test_only : {true, false}) {
        std::vector<std::string> arguments{"-f", file};
        if (test_only) arguments.push_back("-t");
        const Ran ran = run_headgate(arguments);
        EXPECT_EQ(ran.exit_code, 1);
        EXPECT_EQ(ran.out, "");
        EXPECT_EQ(ran.err, file +
                               ":2:11: error: \"yes\" is not a value for KeepAlive\n"
                               "    2 | KeepAlive yes\n"
                               "      |           ^~~ expected On or Off\n"
                               "      = help: headgate -L KeepAlive\n" +
                               file +
                               ":3:1: error: unknown directive \"ProxyPas\"\n"
                               "    3 | ProxyPas / http://127.0.0.1:9000/\n"
                               "      | ^~~~~~~~ did you mean \"ProxyPass\"?\n"
                               "      = help: headgate -L ProxyPass\n"
                               "2 errors, 0 warnings.\n");
    }
}

TEST(CommandLine, TestsAConfigurationWithoutServing) {
    const TemporaryFolder folder;
    const std::string file = folder.write(
        "good.conf", "Listen 127.0.0.1:1\nServerName a.test\nErrorLog " + folder.file("error.log") +
                         "\n<VirtualHost *:1>\nServerName b.test\nServerAlias c.test\n"
                         "</VirtualHost>\n");
    const Ran tested = run_headgate({"-t", "-f", file});
    EXPECT_EQ(tested.exit_code, 0);
    EXPECT_EQ(tested.err, "Syntax OK\n");
    const Ran shown = run_headgate({"-S", "-f", file});
    EXPECT_EQ(shown.exit_code, 0);
    for (const char* text : {"*:1", "b.test", "c.test", "good.conf:4", "main server a.test"}) {
        EXPECT_NE(shown.out.find(text), std::string::npos) << text << "\nis not in\n" << shown.out;
    }
    EXPECT_FALSE(std::filesystem::exists(folder.file("error.log")));
}

TEST(CommandLine, WarnsOfVirtualHostsThatNobodyListensFor) {
    const TemporaryFolder folder;
    const std::string file = folder.write("unreached.conf",
                                          "Listen 127.0.0.1:8080\nServerName a.test\n"
                                          "<VirtualHost *:8080 127.0.0.2:443>\n</VirtualHost>\n"
                                          "<VirtualHost *>\n</VirtualHost>\n");
    const Ran ran = run_headgate({"-t", "-f", file});
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_EQ(ran.err, file +
                           ":3:21: warning: nothing listens on port 443: no connection gets here\n"
                           "    3 | <VirtualHost *:8080 127.0.0.2:443>\n"
                           "      |                     ^~~~~~~~~~~~~ write Listen 443\n"
                           "0 errors, 1 warning.\nSyntax OK\n");
}

class SecondInstance : public Behaviour {};
EVERY_MODEL(SecondInstance);

TEST_P(SecondInstance, IsRefusedTheAddressAndToldWhoHoldsIt) {
    RunningOrigin origin;
    RunningProxy proxy(model(), pass_all_to(origin));
    const TemporaryFolder folder;
    const std::string file = folder.write(
        "second.conf", "Listen 127.0.0.1:" + std::to_string(proxy.port()) +
                           "\nServerName a.test\nErrorLog " + folder.file("error.log") + "\n");
    const Ran ran = run_headgate({"-f", file, "--mpm", model()});
    EXPECT_EQ(ran.exit_code, 3);
    EXPECT_NE(ran.err.find("cannot listen on 127.0.0.1:" + std::to_string(proxy.port())),
              std::string::npos)
        << ran.err;
    EXPECT_NE(ran.err.find("held by process " + std::to_string(proxy.pid()) + " (headgate)"),
              std::string::npos)
        << ran.err;
    RawConnection client(proxy.port());
    client.send(get("/hello"));
    EXPECT_EQ(client.receive_response().status, 200);
}

}  // namespace
}  // namespace headgate
