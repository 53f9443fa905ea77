// Sessions that clients resume: by ticket and by id, across children, reloads, replacements of the
// program, and machines that share a key; and what is not to be resumed.
#include <algorithm>

#include "tests/support/behaviour.h"
#include "tests/support/tls_files.h"

namespace headgate {
namespace {

using namespace support;

class TlsSessions : public Behaviour {};
EVERY_MODEL(TlsSessions);

int status_of(RawConnection& client, const std::string& host) {
    client.send("GET /hello HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return client.receive_response().status;
}

/// A session agreed before a certificate was revoked does not outlive that.
TEST_P(TlsSessions, ResumesNothingThatIsRevokedMeanwhile) {
    const TlsFiles files;
    RunningOrigin origin;
    TlsTerms terms = asking_for("a.test");
    Authority signer("Signer");
    terms.shown = signer.issue("client.test");
    files.folder.write("signer.pem", signer.certificate());
    const std::string list = files.folder.write("crl.pem", signer.revoke(false));
    RunningProxy proxy(model(), one_thread(model()) + files.server("a.test") +
                                    "SSLCACertificateFile " + files.folder.file("signer.pem") +
                                    "\nSSLVerifyClient require\nSSLCARevocationCheck leaf\n"
                                    "SSLCARevocationFile " +
                                    list + "\n" + pass_all_to(origin));
    std::vector<RawConnection> before;
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        terms.version = version;
        before.emplace_back(proxy.port(), terms);
        ASSERT_EQ(status_of(before.back(), "a.test"), 200);
        before.back().finish_writing();
    }
    files.folder.write("crl.pem", signer.revoke(true));
    proxy.wait_for_message("new certificates for");
    wait_until("for the child that was told", [&] {
        RawConnection fresh(proxy.port(), terms);
        return status_of(fresh, "a.test") == 0;
    });
    for (const RawConnection& each : before) {
        terms.session = each.tls()->session();
        ASSERT_NE(terms.session, nullptr);
        terms.version = SSL_SESSION_get_protocol_version(terms.session);
        RawConnection after(proxy.port(), terms);
        EXPECT_EQ(status_of(after, "a.test"), 0) << terms.version;
    }
}

/// Until only the children of a program that has taken over are left.
void replace_program(RunningProxy& proxy) {
    const std::vector<pid_t> old = proxy.children();
    proxy.signal(SIGUSR2);
    wait_until("for the new program's children alone", [&] {
        const std::vector<pid_t> now = proxy.children();
        const auto is_old = [&](pid_t pid) { return std::count(old.begin(), old.end(), pid) > 0; };
        return !now.empty() && std::none_of(now.begin(), now.end(), is_old);
    });
}

/// Tickets are sealed with keys that all children have, of this generation and the next.
TEST_P(TlsSessions, ResumesAcrossChildrenAndAReload) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string directives = files.server("a.test") + pass_all_to(origin);
    RunningProxy proxy(model(), directives + threads_of(model(), 3));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsTerms terms = asking_for("a.test");
        terms.version = version;
        RawConnection first(proxy.port(), terms);
        EXPECT_EQ(status_of(first, "a.test"), 200);
        EXPECT_EQ(SSL_session_reused(first.tls()->ssl()), 0);
        std::vector<RawConnection> all;  // kept, so that other threads take the next ones
        all.push_back(std::move(first));
        for (int i = 0; i < 2; i++) {
            terms.session = all.back().tls()->session();
            ASSERT_NE(terms.session, nullptr);
            RawConnection next(proxy.port(), terms);
            EXPECT_EQ(status_of(next, "a.test"), 200);
            EXPECT_EQ(SSL_session_reused(next.tls()->ssl()), 1) << i;
            if (next.tls()->session() != nullptr) all.push_back(std::move(next));
        }
    }
    TlsTerms terms = asking_for("a.test");
    RawConnection before(proxy.port(), terms);
    EXPECT_EQ(status_of(before, "a.test"), 200);
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 1");
    terms.session = before.tls()->session();
    before.finish_writing();
    RawConnection after(proxy.port(), terms);
    EXPECT_EQ(status_of(after, "a.test"), 200);
    EXPECT_EQ(SSL_session_reused(after.tls()->ssl()), 1);
    // And of the program that takes its place.
    terms.session = after.tls()->session();
    after.finish_writing();
    replace_program(proxy);
    RawConnection anew(proxy.port(), terms);
    EXPECT_EQ(status_of(anew, "a.test"), 200);
    EXPECT_EQ(SSL_session_reused(anew.tls()->ssl()), 1);
}

/// A session of a client that has left.
using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

/// Whether a virtual host resumes it; then it is replaced by the one that it gives.
bool resumes(const RunningProxy& proxy, const std::string& name, Session& session) {
    TlsTerms terms = asking_for(name);
    terms.session = session.get();
    RawConnection client(proxy.port(), terms);
    EXPECT_EQ(status_of(client, name), 200) << name;
    const bool is_resumed = SSL_session_reused(client.tls()->ssl()) == 1;
    session.reset(SSL_get1_session(client.tls()->ssl()));
    client.finish_writing();
    EXPECT_EQ(client.receive_rest(), "");
    return is_resumed;
}

/// However many virtual hosts have a key of their own, and whoever else has it. One that a reload
/// replaces still opens what it has sealed.
TEST_P(TlsSessions, ResumesByKeysOfFiles) {
    const TlsFiles files;
    RunningOrigin origin;
    const std::string common = threads_of(model(), 2) + pass_all_to(origin);
    std::string hosts = files.host("none.test");
    std::string in_reverse;
    std::vector<std::string> names{"none.test"};
    for (char each = 'a'; each < 'h'; each++) {
        names.push_back(std::string(1, each) + ".test");
        const std::string key = files.folder.write(names.back() + ".tickets",
                                                   std::string(each % 2 == 0 ? 48 : 80, each));
        const std::string host = files.host(names.back(), "SSLSessionTicketKeyFile " + key + "\n");
        hosts += host;
        in_reverse = host + in_reverse;
    }
    RunningProxy proxy(model(), common + hosts);
    const RunningProxy fleet(model(), common + in_reverse);
    std::vector<Session> last;
    for (const std::string& name : names) {
        last.emplace_back(nullptr, SSL_SESSION_free);
        EXPECT_FALSE(resumes(proxy, name, last.back()));
    }
    for (std::size_t i = 0; i < names.size(); i++)
        EXPECT_TRUE(resumes(proxy, names[i], last[i])) << names[i];
    for (std::size_t i = 1; i < names.size(); i++)
        EXPECT_TRUE(resumes(fleet, names[i], last[i])) << names[i] << " on another machine";
    files.folder.write("b.test.tickets", std::string(48, '+'));
    const std::vector<pid_t> old = proxy.children();
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 1");
    wait_until("for the old generation to end", [&] {  // it still has the old key
        const std::vector<pid_t> now = proxy.children();
        return std::find_first_of(now.begin(), now.end(), old.begin(), old.end()) == now.end();
    });
    for (std::size_t i = 0; i < names.size(); i++)
        EXPECT_TRUE(resumes(proxy, names[i], last[i])) << names[i] << " after a reload";
    EXPECT_FALSE(resumes(fleet, "b.test", last[2])) << "which has not got the new key";
}

/// Without tickets: what one child has agreed, the others know by its id; of both versions.
TEST_P(TlsSessions, ResumesByIdAcrossChildren) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(),
                       "SSLSessionCache shmcb:/nowhere/scache(512000)\n"
                       "SSLSessionTickets Off\n" +
                           files.server("a.test") + pass_all_to(origin) + threads_of(model(), 3));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsTerms terms = asking_for("a.test");
        terms.version = version;
        std::vector<RawConnection> all;  // kept, so that other children take the next ones
        all.emplace_back(proxy.port(), terms);
        EXPECT_EQ(status_of(all.back(), "a.test"), 200);
        EXPECT_EQ(SSL_session_reused(all.back().tls()->ssl()), 0);
        for (int i = 0; i < 2; i++) {
            SSL_SESSION* session = SSL_get1_session(all.back().tls()->ssl());
            EXPECT_EQ(SSL_SESSION_is_resumable(session), 1);
            EXPECT_TRUE(version == TLS1_3_VERSION || SSL_SESSION_has_ticket(session) == 0);
            terms.session = session;
            all.emplace_back(proxy.port(), terms);
            EXPECT_EQ(status_of(all.back(), "a.test"), 200);
            EXPECT_EQ(SSL_session_reused(all.back().tls()->ssl()), 1) << i;
            SSL_SESSION_free(session);
        }
    }
}

/// As browsers do: since TLS 1.1 that is no reason to forget the session (RFC 5246 section 7.2.1).
TEST_P(TlsSessions, ResumesByIdAfterAnEndWithoutCloseNotify) {
    const TlsFiles files;
    RunningOrigin origin;
    RunningProxy proxy(model(),
                       "SSLSessionCache shmcb:/nowhere/scache(512000)\nSSLSessionTickets Off\n" +
                           one_thread(model()) + files.server("a.test") + pass_all_to(origin));
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        TlsTerms terms = asking_for("a.test");
        terms.version = version;
        Session session(nullptr, SSL_SESSION_free);
        {
            RawConnection first(proxy.port(), terms);
            EXPECT_EQ(status_of(first, "a.test"), 200);
            session.reset(SSL_get1_session(first.tls()->ssl()));
        }
        RawConnection later(proxy.port(), asking_for("a.test"));  // when that one has ended
        EXPECT_EQ(status_of(later, "a.test"), 200);
        later.close();
        terms.session = session.get();
        RawConnection second(proxy.port(), terms);
        EXPECT_EQ(status_of(second, "a.test"), 200);
        EXPECT_EQ(SSL_session_reused(second.tls()->ssl()), 1);
    }
}

/// Nor does a reload or a program that takes over forget them; one that has another size does.
TEST_P(TlsSessions, ResumesByIdAfterAReplacement) {
    const TlsFiles files;
    RunningOrigin origin;
    const auto directives = [&](const char* size) {
        return std::string("SSLSessionCache shmcb:/nowhere/scache(") + size +
               ")\nSSLSessionTickets Off\n" + files.host("a.test") + pass_all_to(origin);
    };
    RunningProxy proxy(model(), directives("512000"));
    Session session(nullptr, SSL_SESSION_free);
    EXPECT_FALSE(resumes(proxy, "a.test", session));
    replace_program(proxy);
    EXPECT_TRUE(resumes(proxy, "a.test", session));
    proxy.signal(SIGHUP);
    proxy.wait_for_message("reloaded: generation 2");
    EXPECT_TRUE(resumes(proxy, "a.test", session));
    replace_program(proxy);
    EXPECT_TRUE(resumes(proxy, "a.test", session)) << "the second time";
    proxy.reconfigure(directives("256000"));
    replace_program(proxy);
    EXPECT_FALSE(resumes(proxy, "a.test", session));
    EXPECT_TRUE(resumes(proxy, "a.test", session));
}

}  // namespace
}  // namespace headgate
