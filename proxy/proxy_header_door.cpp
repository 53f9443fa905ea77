// See proxy_header_door.h.
#include "proxy/proxy_header_door.h"

#include "proxy/net/proxy_protocol.h"

namespace headgate::proxy {

using net::Failure;
using net::FailureKind;
using net::ProxyHeader;
using net::Result;
using net::Side;
using net::Tried;
namespace phase = net::phase;

namespace {

constexpr std::size_t read_size = 4 * 1024;

Failure refused(const char* why) {
    return {Side::client, FailureKind::malformed, phase::proxy_header, 0, 0, why};
}

/// What is to be done about octets that say this, under a rule; null: nothing is wrong.
const char* objection(const ProxyHeader& header, ProxyHeaderRule rule) {
    if (rule == ProxyHeaderRule::refused && header.has_begun) {
        return "a PROXY header from a peer that may not send one";
    }
    if (header.state == ProxyHeader::State::malformed) return header.fault;
    if (rule == ProxyHeaderRule::required && header.state == ProxyHeader::State::absent) {
        return "no PROXY header from a peer that must send one";
    }
    return nullptr;
}

/// Who may say who the client is says it once.
bool is_second_header(std::string_view octets) {
    const ProxyHeader next = net::read_proxy_header(octets);
    return next.has_begun;
}

loop::Task<Result<ProxyHeader>> receive(net::PlainTransport& plain, ProxyHeaderRule rule,
                                        loop::Deadline deadline) {
    std::string octets;
    while (true) {
        const std::span<char> scratch = plain.loop().scratch().first(read_size);
        const Tried tried = plain.try_read(scratch);
        if (tried.is_done()) {
            octets.append(scratch.data(), tried.bytes);
            ProxyHeader header = net::read_proxy_header(octets);
            if (const char* why = objection(header, rule)) co_return refused(why);
            if (header.state == ProxyHeader::State::need_more) continue;
            const std::string_view rest = std::string_view(octets).substr(header.size);
            if (header.size > 0 && is_second_header(rest)) {
                co_return refused("a second PROXY header");
            }
            plain.unread(rest);
            co_return header;
        }
        if (!tried.would_block()) {
            const auto kind = octets.empty() ? FailureKind::closed : FailureKind::incomplete;
            co_return Failure{Side::client,        kind,
                              phase::proxy_header, 0,
                              tried.error,         "the peer left before its PROXY header"};
        }
        const loop::Wake wake = co_await wait(plain, tried.want(), phase::proxy_header, deadline);
        if (wake != loop::Wake::ready) {
            co_return failed_wait(Side::client, phase::proxy_header, wake);
        }
    }
}

loop::Milliseconds time_limit(const ServerSettings& settings) {
    const loop::Milliseconds handshake = settings.handshake_limit->start;
    const loop::Milliseconds limit = handshake.count() > 0 ? handshake : settings.head_limit->start;
    return limit.count() > 0 ? std::min(limit, *settings.timeout) : *settings.timeout;
}

/// Who opens a connection and says nothing is most often a load balancer that looks whether we are
/// there.
void report(LoopState& state, const ConnectionFacts& facts, const Failure& failure) {
    const bool is_usual =
        failure.kind == FailureKind::closed || failure.kind == FailureKind::client_silent;
    report_at_door(state, facts, failure, is_usual ? LogLevel::info : LogLevel::warn,
                   LogId::proxy_header_refused);
}

}  // namespace

loop::Task<bool> take_proxy_header(LoopState& state, Arrival& arrival) {
    ConnectionFacts& facts = arrival.facts;
    const ServerSettings& settings = facts.candidates->sites.front()->settings;
    const loop::Deadline deadline = loop::Deadline::at(state.loop.now() + time_limit(settings));
    const auto header = co_await receive(*arrival.plain, facts.header_rule, deadline);
    if (!header) {
        report(state, facts, header.error());
        co_return false;
    }
    if (!header->keeps_addresses) {
        facts.client = header->source;
        facts.reached = header->destination;
        arrival.view.show_client(facts.client.text());
    }
    co_return true;
}

}  // namespace headgate::proxy
