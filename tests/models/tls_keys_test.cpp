// Where private keys are: read by whoever starts the program, kept in memory that leaves no core,
// and out of reach of the user that children become.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsKeys : public Behaviour {};
EVERY_MODEL(TlsKeys);

constexpr uid_t other_user = 4242;

std::string line_of(const std::string& path, const std::string& start) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(start)) return line;
    }
    return "";
}

/// The soft limit of cores, in octets as the kernel writes it.
std::string core_limit(pid_t pid) {
    std::istringstream line(line_of("/proc/" + std::to_string(pid) + "/limits", "Max core"));
    std::string word;
    for (int i = 0; i < 5; i++)
        line >> word;
    return word;
}

/// Whose its files in /proc are: root's when it leaves no core and lets nobody look in.
uid_t owner_in_proc(pid_t pid) {
    struct stat facts {};
    ::stat(("/proc/" + std::to_string(pid) + "/environ").c_str(), &facts);
    return facts.st_uid;
}

int status_over_tls(const RunningProxy& proxy) {
    RawConnection client(proxy.port(), asking_for("a.test"));
    client.send("GET /hello HTTP/1.1\r\nHost: a.test\r\n\r\n");
    return client.receive_response().status;
}

/// Whether a process of that user can open it.
bool may_open(uid_t user, const std::string& path) {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool is_other = ::setgid(user) == 0 && ::setuid(user) == 0;
        ::_exit(!is_other || ::open(path.c_str(), O_RDONLY) >= 0 ? 1 : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status) != 0;
}

void expect_no_cores(const RunningProxy& proxy) {
    std::vector<pid_t> all = proxy.children();
    all.push_back(proxy.pid());
    for (const pid_t pid : all) {
        EXPECT_EQ(core_limit(pid), "0");
        EXPECT_EQ(owner_in_proc(pid), 0u);
    }
}

TEST_P(TlsKeys, AreInNoCore) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(), files.server("a.test") + pass_all_to(origin));
    EXPECT_EQ(status_over_tls(proxy), 200);
    expect_no_cores(proxy);
}

/// Those that upstreams are shown, too, wherever they are read.
TEST_P(TlsKeys, OfMachinesAreInNoCore) {
    const TlsFiles files;
    const TemporaryFolder folder;
    RunningOrigin origin;
    const Issued issued = authority().issue("client.test");
    const std::string pair = folder.write("own.pem", issued.certificate + issued.key);
    for (const std::string& where : {"File " + pair, "Path " + folder.file(".")}) {
        RunningProxy proxy(model(), "SSLProxyEngine On\nSSLProxyMachineCertificate" + where +
                                        "\nProxyPass /tls/ https://127.0.0.1:1/\n" +
                                        pass_all_to(origin));
        RawConnection client(proxy.port());
        client.send(get("/hello"));
        EXPECT_EQ(client.receive_response().status, 200);
        expect_no_cores(proxy);
    }
}

/// Root only, as that is who has something to give up.
TEST_P(TlsKeys, AreOutOfReachOfChildren) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can read what its children cannot";
    const TlsFiles files;
    RunningOrigin origin;
    const std::string server = files.server("a.test");
    const std::string key = files.folder.file("a.testEC.key");
    std::filesystem::permissions(files.folder.file("."), std::filesystem::perms(0755));
    ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
    RunningProxy proxy(model(), "User #4242\nGroup #4242\n" + server + pass_all_to(origin));
    EXPECT_EQ(status_over_tls(proxy), 200);
    EXPECT_TRUE(may_open(0, key));
    EXPECT_FALSE(may_open(other_user, key)) << "mode 0600, owned by root";
    for (const pid_t pid : proxy.children()) {
        const std::string at = "/proc/" + std::to_string(pid);
        wait_until("for it to be the other user", [&] {
            return line_of(at + "/status", "Uid:") == "Uid:\t4242\t4242\t4242\t4242";
        });
        EXPECT_EQ(line_of(at + "/status", "Gid:"), "Gid:\t4242\t4242\t4242\t4242");
        EXPECT_EQ(line_of(at + "/status", "CapEff:"), "CapEff:\t0000000000000000");
        EXPECT_EQ(owner_in_proc(pid), 0u) << "nobody of that user can look into its memory";
        for (const auto& open : std::filesystem::directory_iterator(at + "/fd")) {
            std::error_code gone;
            EXPECT_NE(std::filesystem::read_symlink(open.path(), gone), key);
        }
    }
    // New keys reach them all the same: from the supervisor, which may read them.
    const std::vector<pid_t> children = proxy.children();
    files.server("a.test");
    ASSERT_EQ(::chmod(key.c_str(), 0600), 0);
    proxy.wait_for_message("new certificates for");
    EXPECT_EQ(status_over_tls(proxy), 200);
    EXPECT_EQ(proxy.children(), children);
}

/// The folder's program of SSLPassPhraseDialog: it notes how it is called, and knows a key by that.
std::string dialog(const TlsFiles& files) {
    const std::string program =
        files.folder.write("dialog", "#!/bin/sh\necho \"$1 $2\" >> " + files.folder.file("calls") +
                                         "\ncase $2 in RSA) echo one;; DSA) echo two;; esac\n");
    std::filesystem::permissions(program, std::filesystem::perms(0755));
    return "SSLPassPhraseDialog exec:" + program + "\n";
}

/// Encrypts the key of a name that server() has written.
void encrypt(const TlsFiles& files, const std::string& name, const std::string& passphrase) {
    files.folder.write(name + ".key", encrypted(files.folder.read(name + ".key"), passphrase));
}

TEST_P(TlsKeys, OpenByAPassphrase) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string server = files.server("a.test");
    encrypt(files, "a.testEC", "one");
    RunningProxy proxy(model(), dialog(files) + "<VirtualHost *:${PORT}>\nServerName a.test\n" +
                                    server + "</VirtualHost>\n" + pass_all_to(origin));
    EXPECT_EQ(status_over_tls(proxy), 200);
    EXPECT_EQ(files.folder.read("calls"), "a.test:443 RSA\n") << "whatever port it listens on";
}

/// As Apache 2.4.71 calls it: only where the host has no name of its own does its address tell.
TEST_P(TlsKeys, AreAskedForByNameAndPort) {
    RunningOrigin origin;
    const struct {
        const char* outside;
        const char* address;
        const char* inside;
        const char* asked;
    } cases[] = {{"", "*:${PORT}", "ServerName https://a.test:8443\n", "a.test:8443"},
                 {"", "*:${PORT}", "", "proxy.test:"},
                 {"ServerName main.test:99\n", "*:${PORT}", "ServerName a.test\n", "a.test:443"},
                 {"ServerName main.test:99\n", "*", "", "main.test:99"},
                 {"", "*", "", "proxy.test:443"}};
    for (const auto& each : cases) {
        const TlsFiles files;
        const std::string server = files.server("a.test");
        encrypt(files, "a.testEC", "one");
        RunningProxy proxy(model(), each.outside + dialog(files) + "<VirtualHost " + each.address +
                                        ">\n" + each.inside + server + "</VirtualHost>\n" +
                                        pass_all_to(origin));
        std::string asked = each.asked;
        if (asked.ends_with(':')) asked += std::to_string(proxy.port());
        EXPECT_EQ(files.folder.read("calls"), asked + " RSA\n") << each.address << each.inside;
    }
}

TEST_P(TlsKeys, OpenByAPassphraseEach) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string server = files.server("a.test") + files.server("a.test", "RSA");
    encrypt(files, "a.testEC", "one");
    encrypt(files, "a.testRSA", "two");
    RunningProxy proxy(model(), dialog(files) +
                                    "<VirtualHost *:${PORT}>\nServerName https://a.test:8443\n" +
                                    server + "</VirtualHost>\n" + pass_all_to(origin));
    for (const char* type : {"ECDSA", "RSA"}) {
        TlsTerms terms = asking_for("a.test");
        terms.version = TLS1_2_VERSION;
        terms.ciphers = std::string("ECDHE-") + type + "-AES128-GCM-SHA256";
        RawConnection client(proxy.port(), terms);
        EXPECT_TRUE(client.shake()) << type << ": " << client.tls()->fault();
    }
    EXPECT_EQ(files.folder.read("calls"), "a.test:8443 RSA\na.test:8443 DSA\n");
}

/// What opened one key is tried at the next, as in Apache: the program may know the first alone.
TEST_P(TlsKeys, OpenByThePassphraseOfAnother) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string server =
        files.server("a.test") + files.server("a.test", "RSA") + files.server("b.test");
    for (const char* name : {"a.testEC", "a.testRSA", "b.testEC"})
        encrypt(files, name, "one");
    RunningProxy proxy(model(), dialog(files) + "<VirtualHost *>\nServerName a.test\n" + server +
                                    "</VirtualHost>\n" + pass_all_to(origin));
    EXPECT_EQ(status_over_tls(proxy), 200);
    EXPECT_EQ(files.folder.read("calls"), "a.test:443 RSA\n");
}

/// Who wants cores says where.
TEST_P(TlsKeys, AreInCoresThatWereAskedFor) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
    const TlsFiles files;
    RunningOrigin origin;
    const TemporaryFolder cores;
    std::filesystem::permissions(cores.file("."), std::filesystem::perms(0777));
    RunningProxy proxy(model(), "User #4242\nGroup #4242\nCoreDumpDirectory " + cores.file(".") +
                                    "\n" + files.server("a.test") + pass_all_to(origin));
    EXPECT_EQ(status_over_tls(proxy), 200);
    for (const pid_t pid : proxy.children())
        wait_until("for cores to be on", [&] { return owner_in_proc(pid) == other_user; });
}

}  // namespace
}  // namespace headgate
