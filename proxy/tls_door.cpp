// See tls_door.h.
#include "proxy/tls_door.h"

#include "proxy/net/tls_hello.h"
#include "proxy/net/tls_transport.h"
#include "proxy/read_pace.h"
#include "proxy/site/tls_site.h"
#include "proxy/status/sums.h"
#include "proxy/status/tls.h"

namespace headgate::proxy {

using net::ClientHello;
using net::Failure;
using net::FailureKind;
using net::Result;
using net::Side;
using net::Tried;

namespace {

constexpr std::size_t hello_read = 4 * 1024;

Failure refused(const char* why) {
    return {Side::client, FailureKind::tls_failed, net::phase::tls, 0, 0, why};
}

/// Puts the octets of a ClientHello back when all are there; only what a client has sent of it is
/// kept meanwhile.
loop::Task<Result<ClientHello>> receive_hello(net::PlainTransport& plain, ReadPace& pace,
                                              loop::Deadline timeout) {
    std::string octets;
    while (true) {
        const std::span<char> scratch = plain.loop().scratch().first(hello_read);
        const Tried tried = plain.try_read(scratch);
        if (tried.is_done()) {
            octets.append(scratch.data(), tried.bytes);
            pace.add(tried.bytes, plain.loop().now());
            ClientHello hello = net::read_client_hello(octets);
            if (hello.state == ClientHello::State::need_more) continue;
            plain.unread(octets);
            co_return std::move(hello);
        }
        if (!tried.would_block()) co_return refused("the client left before its ClientHello");
        const loop::Deadline deadline = pace.bound(timeout, plain.loop().now());
        const loop::Wake wake = co_await wait(plain, tried.want(), net::phase::tls, deadline);
        if (wake != loop::Wake::ready) co_return failed_wait(Side::client, net::phase::tls, wake);
    }
}

/// RFC 6066 section 3: the site that the client names, or the default one.
const Site& site_for(const ConnectionFacts& facts, const ClientHello& hello) {
    const Site& site = facts.candidates->by_host(hello.server_name);
    return site.tls != nullptr && site.tls->is_on() ? site : *facts.candidates->sites.front();
}

/// SSLStrictSNIVHostCheck: requests without a name are answered with 403; a tunnel has no requests.
bool lacks_name(const ConnectionFacts& facts) {
    const Site& site = *facts.tls_site;
    return facts.names_no_server && site.settings.tunnel && *site.tls->server_settings.strict_sni;
}

void report(LoopState& state, const ConnectionFacts& facts, const Failure& failure) {
    report_at_door(state, facts, failure, LogLevel::info, LogId::client_tls);
}

}  // namespace

void report_at_door(LoopState& state, const ConnectionFacts& facts, const Failure& failure,
                    LogLevel level, LogId id) {
    if (failure.kind == FailureKind::cancelled) return;
    count_failure(state.surroundings.scoreboard, failure);
    const Site& site = *facts.candidates->sites.front();
    site.errors->write(state.logs, level, id, facts.client.text(), describe(failure));
}

Arrival::Arrival(const mpm::Surroundings& around, std::unique_ptr<net::PlainTransport> with,
                 const ConnectionFacts& known)
    : plain(std::move(with)), facts(known), view(around), loop_(plain->loop()) {
    view.show_client(facts.client.text());
}

/// Again and again: a wait that just then has nothing parked is followed by another one.
void Arrival::hasten(loop::Milliseconds limit) {
    if (end_.deadline_hook.is_linked()) return;
    end_.context = this;
    end_.phase = net::phase::tls;
    end_.call = [](loop::Waiter& woken) {
        Arrival& self = *static_cast<Arrival*>(woken.context);
        if (self.branch != nullptr) self.branch->interrupt(loop::Wake::deadline);
        self.loop_.park(woken, nullptr, loop::Deadline::after(loop::Milliseconds(1)));
    };
    loop_.park(end_, nullptr, loop::Deadline::after(limit));
}

loop::Task<void> open_door(LoopState& state, Arrival& arrival) {
    ConnectionFacts& facts = arrival.facts;
    const Site& first = *facts.candidates->sites.front();
    const loop::Deadline timeout = loop::Deadline::at(state.loop.now() + *first.settings.timeout);
    ReadPace pace;
    pace.begin(*first.settings.handshake_limit, state.loop.now());
    const auto hello = co_await receive_hello(*arrival.plain, pace, timeout);
    if (!hello) {
        report(state, facts, hello.error());
        co_return;
    }
    if (hello->state == ClientHello::State::plain_http) {
        facts.is_plain_on_tls = true;
        arrival.transport = std::move(arrival.plain);
        co_return;
    }
    if (hello->state != ClientHello::State::complete) {
        report(state, facts, refused("neither a ClientHello nor a request"));
        co_return;
    }
    const Site& named = facts.candidates->by_host(hello->server_name);
    if (named.settings.tunnel && !named.serves_tls()) {
        facts.tunnel_site = &named;
        arrival.server_name = hello->server_name;
        arrival.transport = std::move(arrival.plain);
        co_return;
    }
    facts.tls_site = &site_for(facts, *hello);
    facts.names_no_server = hello->server_name.empty();
    if (lacks_name(facts)) {
        report(state, facts, refused("no server name, which SSLStrictSNIVHostCheck wants"));
        co_return;
    }
    auto tls = std::make_unique<net::TlsTransport>(std::move(arrival.plain),
                                                   facts.tls_site->tls->server());
    const loop::Deadline deadline = pace.bound(timeout, state.loop.now());
    const Result<void> shaken = co_await handshake(*tls, Side::client, deadline);
    count_handshake(state.surroundings.slot, shaken.has_value() ? tls.get() : nullptr);
    if (!shaken) {
        report(state, facts, shaken.error());
        co_return;
    }
    if (facts.tls_site->settings.tunnel) facts.tunnel_site = facts.tls_site;
    facts.tls = tls.get();
    arrival.transport = std::move(tls);
}

}  // namespace headgate::proxy
