// What connections have in common, seen from two of them: which sessions are resumed, whose
// certificates are taken, and which are shown.
#include "proxy/net/tls_context.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "proxy/net/tls_peer.h"
#include "proxy/net/tls_tickets.h"
#include "tests/proxy/net/tls_rig.h"

namespace headgate::net {
namespace {

using namespace tls_rig;
using State = Tried::State;

/// Ticket keys are what two contexts have in common; the identity decides who may resume where.
TEST(TlsContext, resumes_with_shared_tickets) {
    TlsTickets tickets;
    TlsSessions sessions;
    const Context client = client_context();
    const auto visit = [&](const char* identity) {
        const Context server = server_context();
        server->use_tickets(&tickets, 300, {});
        server->set_identity(identity);
        Rig rig(server, client);
        rig.client->resume_from(sessions, "key");
        EXPECT_TRUE(rig.shake());
        rig.write(*rig.server, "x");
        EXPECT_EQ(rig.read(*rig.client), "x");
        return tls_fact(*rig.server, "SSL_SESSION_RESUMED");
    };
    EXPECT_EQ(visit("one"), "Initial");
    EXPECT_EQ(visit("one"), "Resumed");
    tickets.rotate();
    tickets.rotate();
    EXPECT_EQ(visit("one"), "Resumed") << "two keys back";
    EXPECT_EQ(visit("other"), "Initial");
    for (int i = 0; i < 3; i++)
        tickets.rotate();
    EXPECT_EQ(visit("other"), "Initial") << "its key is gone";
}

/// A virtual host with keys of its own has nothing to do with the others' turns.
TEST(TlsContext, resumes_by_keys_of_its_own) {
    EXPECT_FALSE(TlsTicketKey::read(std::string(47, 'x')));
    EXPECT_FALSE(TlsTicketKey::read(""));
    const TlsTicketKey first = *TlsTicketKey::read(std::string(48, '1'));
    const TlsTicketKey second = *TlsTicketKey::read(std::string(80, '2'));
    TlsTickets tickets;
    TlsSessions sessions;
    const Context client = client_context();
    const auto visit = [&](std::vector<TlsTicketKey> own) {
        const Context server = server_context();
        server->use_tickets(&tickets, 300, std::move(own));
        server->set_identity("one");
        Rig rig(server, client);
        rig.client->resume_from(sessions, "key");
        EXPECT_TRUE(rig.shake());
        rig.write(*rig.server, "x");
        EXPECT_EQ(rig.read(*rig.client), "x");
        return tls_fact(*rig.server, "SSL_SESSION_RESUMED");
    };
    EXPECT_EQ(visit({}), "Initial");
    EXPECT_EQ(visit({first}), "Resumed") << "sealed before there was a file";
    for (int i = 0; i < 9; i++)
        tickets.rotate();
    EXPECT_EQ(visit({first}), "Resumed");
    EXPECT_EQ(visit({second, first}), "Resumed");
    EXPECT_EQ(visit({first}), "Initial") << "the second one has sealed it";
}

/// A reload, or a program that takes over, goes on with the same age: else often enough reloaded
/// keys would never rotate.
TEST(TlsContext, tickets_keep_the_age_of_their_key) {
    const std::time_t begun = std::time(nullptr);
    TlsTickets tickets;
    EXPECT_GE(tickets.sealing_since(), begun);
    EXPECT_LE(tickets.sealing_since(), std::time(nullptr));
    const auto adopted = TlsTickets::adopt(::dup(tickets.descriptor()));
    ASSERT_NE(adopted, nullptr);
    EXPECT_EQ(adopted->sealing_since(), tickets.sealing_since());
    tickets.rotate();
    EXPECT_EQ(adopted->sealing_since(), tickets.sealing_since());
}

TEST(TlsContext, tickets_adopt_nothing_else) {
    TlsTickets tickets;
    const int memory = ::memfd_create("else", MFD_CLOEXEC);
    for (const off_t size : {off_t{1}, ::lseek(tickets.descriptor(), 0, SEEK_END)}) {
        ASSERT_EQ(::ftruncate(memory, size), 0);
        EXPECT_EQ(TlsTickets::adopt(memory), nullptr);
        EXPECT_EQ(::fcntl(memory, F_GETFD), FD_CLOEXEC) << "and leaves it open";
    }
    ::close(memory);
}

TEST(TlsContext, verifies_clients) {
    using Verify = TlsContext::Verify;
    const support::Issued known = authority().issue("client.test");
    support::Authority stranger("Stranger");
    const support::Issued unknown = stranger.issue("client.test");
    const struct {
        Verify mode;
        const support::Issued* shown;
        bool is_taken;
        const char* verified;
    } cases[] = {
        {Verify::require, &known, true, "SUCCESS"},
        {Verify::require, &unknown, false, ""},
        {Verify::require, nullptr, false, ""},
        {Verify::optional, nullptr, true, "NONE"},
        {Verify::optional, &unknown, false, ""},
        {Verify::optional_no_ca, &unknown, true, "GENEROUS"},
    };
    for (const auto& each : cases) {
        const Context server = server_context();
        server->verify_peer(each.mode, 1);
        EXPECT_EQ(server->add_authorities(authority().certificate()), "");
        const Context client = client_context();
        if (each.shown != nullptr) {
            client->add_credential({each.shown->certificate, each.shown->key, ""});
        }
        Rig rig(server, client);
        EXPECT_EQ(rig.shake(), each.is_taken);
        if (each.is_taken) {
            EXPECT_EQ(tls_fact(*rig.server, "SSL_CLIENT_VERIFY"), each.verified);
        } else {
            EXPECT_EQ(rig.last_server.state, State::error);
        }
    }
}

/// And none besides, of those that it judges clients by.
TEST(TlsContext, shows_the_certificates_it_was_given) {
    const support::Issued issued = authority().issue("server.test");
    for (const std::string& more : {std::string(), authority().certificate()}) {
        auto server = std::make_shared<TlsContext>(TlsContext::Role::server);
        EXPECT_EQ(server->add_credential({issued.certificate + more, issued.key, ""}).text, "");
        EXPECT_EQ(server->add_authorities(authority().certificate()), "");
        Rig rig(server);
        ASSERT_TRUE(rig.shake());
        EXPECT_EQ(sk_X509_num(SSL_get_peer_cert_chain(rig.client->ssl())), more.empty() ? 1 : 2);
    }
}

/// RSA and ECDSA beside one another are mostly issued by different authorities.
TEST(TlsContext, has_a_chain_for_each_type_of_key) {
    support::Authority of_ec("Of EC", authority()), of_rsa("Of RSA", authority());
    auto server = std::make_shared<TlsContext>(TlsContext::Role::server);
    for (const auto& [issuer, kind] : {std::pair{&of_ec, "EC"}, std::pair{&of_rsa, "RSA"}}) {
        const support::Issued own = issuer->issue("server.test", kind);
        const std::string certificates = own.certificate + issuer->certificate();
        EXPECT_EQ(server->add_credential({certificates, own.key, ""}).text, "");
    }
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        for (const auto& [algorithm, issuer] :
             {std::pair{"ECDSA+SHA256", "Of EC"}, std::pair{"RSA-PSS+SHA256", "Of RSA"}}) {
            const Context client = client_context();
            EXPECT_EQ(client->command("SignatureAlgorithms", algorithm, "/"), "");
            EXPECT_EQ(client->command("MaxProtocol", version, "/"), "");
            Rig rig(server, client);
            ASSERT_TRUE(rig.shake()) << version << algorithm;
            const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(rig.client->ssl());
            ASSERT_EQ(sk_X509_num(chain), 2);
            char name[64] = "";
            X509_NAME_get_text_by_NID(X509_get_subject_name(sk_X509_value(chain, 1)),
                                      NID_commonName, name, sizeof name);
            EXPECT_STREQ(name, issuer) << version << algorithm;
        }
    }
}

TEST(TlsContext, refuses_the_revoked) {
    for (const bool is_revoked : {false, true}) {
        const support::Issued shown = authority().issue("client.test");
        const Context server = server_context();
        authority().issue("another");
        const support::Issued last = authority().issue("last.test");
        server->verify_peer(TlsContext::Verify::require, 1);
        server->add_authorities(authority().certificate());
        EXPECT_EQ(server->add_revocations(authority().revoke(is_revoked)), "");
        server->check_revocation(TlsContext::Revocation::leaf, false);
        const Context client = client_context();
        client->add_credential({last.certificate, last.key, ""});
        Rig rig(server, client);
        EXPECT_EQ(rig.shake(), !is_revoked);
        if (is_revoked) {
            EXPECT_STREQ(rig.server->fault(), "certificate revoked");
        }
    }
}

TEST(TlsContext, checks_upstreams) {
    Rig rig;
    ASSERT_TRUE(rig.shake());
    EXPECT_EQ(fault_of_peer(*rig.client, "server.test", {}), nullptr);
    EXPECT_EQ(fault_of_peer(*rig.client, "127.0.0.1", {}), nullptr);
    EXPECT_STREQ(fault_of_peer(*rig.client, "other.test", {}),
                 "the upstream's certificate is for another name");
    using Name = PeerChecks::Name;
    EXPECT_EQ(fault_of_peer(*rig.client, "other.test", {Name::unchecked, true}), nullptr);
    EXPECT_EQ(fault_of_peer(*rig.client, "Server.Test", {Name::common, true}), nullptr);
    EXPECT_STREQ(fault_of_peer(*rig.client, "127.0.0.1", {Name::common, true}),
                 "the upstream's certificate has another common name");
    const auto old = std::make_shared<TlsContext>(TlsContext::Role::server);
    const support::Issued expired = authority().issue("server.test", "EC", -1);
    old->add_credential({expired.certificate, expired.key, ""});
    Rig late(old);
    ASSERT_TRUE(late.shake());
    EXPECT_STREQ(fault_of_peer(*late.client, "server.test", {}),
                 "the upstream's certificate is not valid now");
}

TEST(TlsContext, says_what_is_wrong_with_a_credential) {
    using Where = TlsCredentialProblem::Where;
    TlsContext context(TlsContext::Role::server);
    const support::Issued one = authority().issue("one");
    const support::Issued two = authority().issue("two");
    EXPECT_EQ(context.add_credential({"nothing", one.key, ""}).where, Where::certificate);
    EXPECT_EQ(context.add_credential({one.certificate, "nothing", ""}).where, Where::key);
    EXPECT_EQ(context.add_credential({one.certificate, two.key, ""}).text,
              "the key does not belong to the certificate");
    EXPECT_NE(context.set_ciphers("NONSENSE"), "");
    EXPECT_EQ(context.set_ciphers("HIGH:!aNULL"), "");
    EXPECT_NE(context.command("Nonsense", "x", "/"), "");
    EXPECT_EQ(context.command("Curves", "X25519:P-256", "/"), "");
    EXPECT_TRUE(context.shown().empty());
    EXPECT_EQ(context.add_credential({one.certificate, one.key, ""}).text, "");
    ASSERT_EQ(context.shown().size(), 1u);
    EXPECT_EQ(context.shown()[0].name, "one");
    EXPECT_EQ(context.shown()[0].kind, "EC");
    EXPECT_GT(context.shown()[0].expiry, std::time(nullptr) + 80 * 86400);
}

/// OpenSSL's readers take the first broken object for the end.
TEST(TlsContext, says_where_a_text_is_broken) {
    const std::string whole = authority().certificate();
    std::string broken = whole;
    broken.replace(broken.find('\n') + 1, 8, "AAAAAAAA");
    const std::string list = authority().revoke(false);
    std::string bad_list = list;
    bad_list.replace(bad_list.find('\n') + 1, 8, "AAAAAAAA");
    TlsContext context(TlsContext::Role::server);
    for (const std::string& text : {whole + broken, whole + broken + whole}) {
        const std::string fault = "certificate 2 cannot be read: ";
        EXPECT_EQ(context.add_authorities(text).substr(0, fault.size()), fault);
        EXPECT_EQ(context.announce_authorities(text).substr(0, fault.size()), fault);
        const support::Issued own = authority().issue("one");
        const auto problem = context.add_credential({own.certificate + broken, own.key, ""});
        EXPECT_EQ(problem.text.substr(0, fault.size()), fault);
        EXPECT_EQ(problem.where, TlsCredentialProblem::Where::certificate);
    }
    EXPECT_EQ(context.add_revocations(list + bad_list).substr(0, 18), "revocation list 2 ");
    EXPECT_EQ(context.add_authorities(whole + bad_list), "") << "it is about certificates";
    EXPECT_EQ(context.add_authorities(whole.substr(0, 200)).substr(0, 8), "its PEM ");
    EXPECT_EQ(context.add_authorities("no PEM"), "no certificate in it");
}

}  // namespace
}  // namespace headgate::net
