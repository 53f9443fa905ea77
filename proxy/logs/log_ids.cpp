// The explanations. A line that gets a number gets a row here.
#include "proxy/logs/log_ids.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "proxy/logs/failure_names.h"

namespace headgate::proxy {
namespace {

constexpr Explanation rows[] = {
    {LogId::started, "started", "The program serves.", "A start, or a program that was replaced.",
     "Nothing."},
    {LogId::draining, "draining",
     "The program takes no more connections and ends when those it has are done.",
     "TERM, INT, QUIT, or -k graceful-stop.",
     "Nothing. GracefulShutdownTimeout bounds how long it takes; a second signal cuts it short."},
    {LogId::stopped, "stopped", "The program has ended.", "A signal, or -k stop.", "Nothing."},
    {LogId::request_refused, "request refused",
     "The client's request was answered with the status shown, and the upstream never saw it, or "
     "not to its end. The reason is behind the status.",
     "A client that does not speak HTTP, an attack that wants two servers to read one request "
     "differently, or a limit that is too low for an honest client.",
     "For 414 and 431 raise LimitRequestLine, LimitRequestFieldSize or LimitRequestFields. For "
     "404 with %2F in the path see AllowEncodedSlashes, for names with underscores see "
     "FieldNameUnderscores. Other 404s: no ProxyPass has this path. 403 and 421 are about TLS: "
     "SSLRequireSSL, SSLVerifyClient, SSLStrictSNIVHostCheck, or a connection that was opened for "
     "another virtual host. A path \"that other readers could take for another one\" holds ;, "
     "backslashes or double encodings with which another ProxyPass rule would apply: give the "
     "rules the same target, or have the client encode once."},
    {LogId::client_lost, "client lost",
     "The client closed or reset its connection before its exchange was complete. The upstream was "
     "released.",
     "A visitor who went on, a client's own timeout, a load balancer's health check, a network. In "
     "keep-alive, where leaving is nothing to speak of, only TLS that broke: records that cannot "
     "be "
     "read, or messages without content and without end.",
     "Nothing, unless there are many: then compare the clients' timeouts with how long upstreams "
     "take (%{phases}x in the access log)."},
    {LogId::client_slow, "client too slow",
     "The client did not send its request, or did not take its response, in the time it has. It "
     "was "
     "answered 408 if nothing had been sent to it.",
     "A bad network, a client that died, or somebody who wants to keep connections busy.",
     "RequestReadTimeout says how long heads and content may take and at which rate, Timeout how "
     "long one read or write may."},
    {LogId::client_content_too_large, "request content too large",
     "The request's content grew above its limit while it was received. The client was answered "
     "413, and the upstream's connection was closed.",
     "An upload larger than LimitRequestBody, without a Content-Length that would have told "
     "before.",
     "Raise LimitRequestBody for that place, or 0 for no limit."},
    {LogId::client_tls, "no TLS with the client",
     "The handshake with a client failed; no request was read. The connection was closed.",
     "A client with nothing in common with SSLProtocol and SSLCipherSuite, one that does not "
     "believe the certificate or has none of its own where SSLVerifyClient asks for one, a port "
     "scan, or plain HTTP.",
     "The reason stands in the line. Try it: openssl s_client -connect HOST:PORT -servername "
     "NAME."},
    {LogId::proxy_header_refused, "no PROXY header, or one that is not taken",
     "What came first on a connection is not the PROXY protocol header that its peer must send, or "
     "is one that it may not send, or is malformed. The connection was closed; nothing of it was "
     "read further.",
     "A load balancer that is not told to send the header, or is told though it may not; a client "
     "that reached this port past the load balancer; somebody who wants to be taken for another.",
     "The reason stands in the line. RemoteIPProxyProtocolPeers says who must, may or may not send "
     "one. Try it: curl --haproxy-protocol http://HOST:PORT/."},
    {LogId::upstream_failed, "upstream ended the connection",
     "The upstream closed or reset its connection before its response's head was complete. The "
     "client was answered 502.",
     "An upstream that crashed, was restarted, or closes idle connections sooner than they are "
     "used.",
     "Look into the upstream's log at this time. If only reused connections are hit, lower ttl= "
     "of ProxyPass below the upstream's own idle time, or set disablereuse=On."},
    {LogId::response_cut, "response cut",
     "The upstream's response broke off after its head had been sent on. The client's connection "
     "was cut so that it cannot take what it has for the whole.",
     "An upstream that crashed or fell silent in the middle, or that sends malformed chunks or "
     "fewer "
     "octets than it announced.",
     "Look into the upstream's log at this time; the phase and kind are in the line and in "
     "%{end}x."},
    {LogId::retried, "sent again",
     "A reused connection had died before it brought an octet of an answer; the request was sent "
     "again on a fresh one. The client noticed nothing.",
     "The upstream closes idle connections at the moment they are used.",
     "Nothing; when there are many, lower ttl= of ProxyPass below the upstream's idle time."},
    {LogId::upstream_silent, "upstream silent",
     "The upstream did not answer, or did not take the request, in time. The client was answered "
     "504.",
     "A request that takes long, an overloaded upstream, or a network that loses packets.",
     "The phase says where: \"connect\", \"upstream-tls\", \"send-request\" or "
     "\"upstream-wait\". timeout= and "
     "connectiontimeout= of ProxyPass, ProxyTimeout and Timeout say how long it may take."},
    {LogId::upstream_unreachable, "upstream unreachable",
     "No connection to the upstream could be made. The client was answered 503.",
     "Nothing listens there, a firewall refuses, or the address is wrong.",
     "Try it from this machine: curl -v http://HOST:PORT/ with the upstream that the line names."},
    {LogId::upstream_unresolved, "upstream's name unresolved",
     "The upstream's name has no address. The client was answered 502.",
     "A misspelt name, or a name server that does not answer.",
     "Try it from this machine: getent hosts NAME; look into /etc/resolv.conf."},
    {LogId::upstream_malformed, "upstream's response malformed",
     "What the upstream sent is not HTTP, or could be read in two ways. The client was answered "
     "502.",
     "An upstream that speaks another protocol on this port (TLS, HTTP/2), or a program that "
     "writes "
     "its own responses and gets the framing wrong.",
     "The reason stands in the line. Look at it raw: printf 'GET / HTTP/1.1\\r\\nHost: "
     "x\\r\\nConnection: close\\r\\n\\r\\n' | nc HOST PORT."},
    {LogId::upstream_too_large, "upstream's head too large",
     "The upstream's response head is above its limit. The client was answered 502.",
     "Very large cookies, or a field that a program fills without end.",
     "Raise responsefieldsize= of ProxyPass."},
    {LogId::upstream_tls, "no TLS with the upstream",
     "The handshake with an https:// upstream failed, or its certificate must not be believed. The "
     "client was answered 502.",
     "An upstream that speaks plain HTTP on this port, no protocol or cipher in common, or a "
     "certificate that is expired, for another name, or of an unknown issuer.",
     "The reason stands in the line. Try it: openssl s_client -connect HOST:PORT -servername "
     "NAME; see SSLProxyCACertificateFile, SSLProxyCheckPeerName and SSLProxyProtocol."},
    {LogId::tunnel_ended, "tunnel ended early",
     "A tunnel, of TunnelTo or after an Upgrade, ended otherwise than by both ends saying so: the "
     "upstream "
     "reset it, nothing came from either end for its timeout, or this process had to end. What one "
     "end broke was reset towards the other, so that it cannot take what it has for the whole.",
     "An upstream that crashed or was restarted, a client or upstream that idles longer than "
     "timeout=, or a reload whose ProxyTunnelDrainTimeout is over.",
     "The reason stands in the line. For protocols that idle on purpose raise timeout= of "
     "TunnelTo, or ProxyWebsocketIdleTimeout."},
    {LogId::accept_paused, "accepting paused",
     "No descriptor or no memory was left for another connection, so none is accepted for a "
     "moment. "
     "New clients wait in the listen queue; exchanges that are under way go on. For want of memory "
     "idle connections were closed as well, those to upstreams and handshakes too, and requests "
     "of which only half a head was there were answered 503. At most one such line a second.",
     "More connections than descriptors: each exchange needs two. Or more connections than there "
     "is memory for; the line says which.",
     "Raise the limit of open files (LimitNOFILE of systemd, ulimit -n) or that of memory "
     "(LimitDATA, ulimit -d and -v), or bound connections with MaxConnections. Shorten "
     "KeepAliveTimeout if idle clients hold them, and lower LimitRequestHead."},
    {LogId::lines_lost, "log lines lost",
     "So many lines could not be written to a log since the last such line. Requests went on: they "
     "never wait for a log. One process says so at a time, once a second at most.",
     "A full disk, or a pipe whose reader does not keep up.",
     "Make room, or mend the reader. ?auto of server-status has the sum as LogLinesLost."},
    {LogId::exhausted, "out of descriptors, ports or memory",
     "An exchange could not be forwarded for want of something of our own, or the process ran "
     "short "
     "of memory while a request's head was still coming. The client was answered 503.",
     "Too many open files, no local port left towards one upstream address, or no memory (HG0301 "
     "says so then).",
     "Raise the limit of open files, or of memory; widen net.ipv4.ip_local_port_range; keep "
     "connections to upstreams (enablereuse=On)."},
    {LogId::exchange_ended, "exchange ended by us",
     "This process waited no longer for an exchange, since it had to end. Where nothing had been "
     "sent to the client it was answered 503; else its connection was cut, so that it cannot take "
     "what it has for the whole. %{end}x is admin/PHASE/stopped: the phase says what the exchange "
     "waited for.",
     "A second TERM, -k stop, or GracefulShutdownTimeout.",
     "Nothing, or a longer GracefulShutdownTimeout."},
    {LogId::process_lacks, "a process ended for want of memory or the like",
     "A process could not have something that it cannot be without: memory, a thread, a descriptor "
     "for its loop. Its connections were cut. The supervisor starts another one, at once or a "
     "second later.",
     "A limit of memory (of the container, of systemd's MemoryMax or LimitDATA), of processes "
     "(LimitNPROC counts threads), or of open files; or many more connections than there is memory "
     "for.",
     "The line says what was lacking and what the system said. Raise that limit, or bound "
     "connections with MaxConnections or MaxRequestWorkers."},
};

const Explanation* find(int number) {
    const auto found = std::find_if(std::begin(rows), std::end(rows), [&](const Explanation& row) {
        return static_cast<int>(row.id) == number;
    });
    return found != std::end(rows) ? found : nullptr;
}

/// The row whose number is nearest.
const Explanation& nearest(int number) {
    return *std::min_element(std::begin(rows), std::end(rows),
                             [&](const Explanation& left, const Explanation& right) {
                                 return std::abs(static_cast<int>(left.id) - number) <
                                        std::abs(static_cast<int>(right.id) - number);
                             });
}

/// Lines of at most 80 octets, indented.
void append_wrapped(std::string& text, std::string_view words) {
    constexpr std::size_t width = 76;
    while (!words.empty()) {
        std::size_t end = words.size();
        if (end > width) {
            const std::size_t blank = words.rfind(' ', width);
            end = blank == words.npos ? width : blank;
        }
        text += "    ";
        text += words.substr(0, end);
        text += '\n';
        words.remove_prefix(std::min(end + 1, words.size()));
    }
}

void append_part(std::string& text, std::string_view title, std::string_view words) {
    text += '\n';
    text += title;
    text += '\n';
    append_wrapped(text, words);
}

void append_row(std::string& text, const Explanation& row) {
    text += log_id_text(row.id) + ": " + std::string(row.title) + "\n";
    append_part(text, "What it means", row.meaning);
    append_part(text, "Where it comes from", row.causes);
    append_part(text, "What to do", row.remedy);
}

/// The line that a failure gets, whoever writes it.
LogId line_of(const net::Failure& failure) {
    const bool by_client = net::party_of(failure) == net::Side::client;
    if (failure.phase == net::phase::proxy_header) return LogId::proxy_header_refused;
    if (failure.phase == net::phase::tls && by_client) return LogId::client_tls;
    return log_id_of(failure, failure.phase == net::phase::response_content);
}

/// A name as %{end}x has it.
bool explain_name(std::string_view name, std::string& text) {
    const auto failure = failure_named(name);
    if (!failure) {
        text = "no failure is called \"" + std::string(name) +
               "\": expected side/phase/kind as in %{end}x, such as "
               "timeout/upstream-wait/upstream-silent";
        return false;
    }
    text = std::string(name) + "\n";
    append_wrapped(text, in_words(*failure));
    text += "\nIn the error log it is ";
    append_row(text, *find(static_cast<int>(line_of(*failure))));
    return true;
}

/// "HG0101", "hg101", "0101"; -1 for anything else.
int number_of(std::string_view word) {
    const bool has_letters =
        word.size() > 2 && std::toupper(word[0]) == 'H' && std::toupper(word[1]) == 'G';
    if (has_letters) word.remove_prefix(2);
    int number = -1;
    const char* const end = word.data() + word.size();
    const auto [parsed, failed] = std::from_chars(word.data(), end, number);
    return failed == std::errc{} && parsed == end ? number : -1;
}

}  // namespace

std::span<const Explanation> explanations() {
    return rows;
}

std::string log_id_text(LogId id) {
    char text[16];
    std::snprintf(text, sizeof text, "HG%04d", static_cast<int>(id));
    return text;
}

LogId log_id_of(const net::Failure& failure, bool is_response_begun) {
    using net::FailureKind;
    if (net::party_of(failure) == net::Side::client) {
        const bool is_in_head = failure.phase == net::phase::request_head;
        switch (failure.kind) {
            case FailureKind::client_silent:
                return LogId::client_slow;
            case FailureKind::too_large:
                return is_in_head ? LogId::request_refused : LogId::client_content_too_large;
            case FailureKind::malformed:
            case FailureKind::refused:
                return LogId::request_refused;
            default:
                return LogId::client_lost;
        }
    }
    if (failure.phase == net::phase::tunnel) return LogId::tunnel_ended;
    if (failure.side == net::Side::admin) return LogId::exchange_ended;
    if (is_response_begun) return LogId::response_cut;
    switch (failure.kind) {
        case FailureKind::upstream_silent:
        case FailureKind::both_silent:
            return LogId::upstream_silent;
        case FailureKind::malformed:
            return LogId::upstream_malformed;
        case FailureKind::too_large:
            return LogId::upstream_too_large;
        case FailureKind::unresolved:
            return LogId::upstream_unresolved;
        case FailureKind::unreachable:
        case FailureKind::refused:
            return LogId::upstream_unreachable;
        case FailureKind::tls_failed:
            return LogId::upstream_tls;
        case FailureKind::exhausted:
            return LogId::exhausted;
        case FailureKind::cancelled:
        case FailureKind::client_silent:
        case FailureKind::stopped:
        case FailureKind::drained:
        case FailureKind::closed:
        case FailureKind::incomplete:
        case FailureKind::reset:
            break;
    }
    return LogId::upstream_failed;
}

bool explain(std::string_view word, std::string& text) {
    text.clear();
    if (word.empty()) {
        for (const Explanation& row : rows) {
            text += log_id_text(row.id) + "  " + std::string(row.title) + "\n";
        }
        return true;
    }
    if (word.find('/') != word.npos) return explain_name(word, text);
    const int number = number_of(word);
    const Explanation* const row = find(number);
    if (row == nullptr) {
        text = "no line of the error log is numbered \"" + std::string(word) + "\"";
        if (number >= 0) text += ", did you mean " + log_id_text(nearest(number).id) + "?";
        if (number < 0) text += ": expected a number such as HG0101";
        return false;
    }
    append_row(text, *row);
    return true;
}

}  // namespace headgate::proxy
