// The two ends of an exchange that do not wait: what is decided from the request's head, and what
// is entered into the logs. See exchange.h.
#include <cstdlib>
#include <ctime>

#include "proxy/exchange.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/path_readings.h"
#include "proxy/method_rules.h"
#include "proxy/status/status.h"
#include "proxy/status/sums.h"

namespace headgate::proxy {

using net::Failure;
using net::FailureKind;
using net::Side;

namespace {

/// What a request that is answered with this status, and goes nowhere, is called. `lack`: as in
/// RefusedRequest.
Failure refused_with(std::uint16_t status, const char* reason, FailureKind lack) {
    Failure refused{Side::client, FailureKind::malformed, net::phase::request_head, status, 0,
                    reason};
    switch (status) {
        case 403:
        case 404:
        case 405:
        case 421:
            refused.kind = FailureKind::refused;
            break;
        case 408:
            refused.side = Side::timeout;
            refused.kind = FailureKind::client_silent;
            break;
        case 413:
        case 414:
        case 431:
            refused.kind = FailureKind::too_large;
            break;
        case 503:  // nothing is wrong with it but the time
            refused.side = lack == FailureKind::stopped ? Side::admin : Side::proxy;
            refused.kind = lack;
            break;
        default:
            break;
    }
    return refused;
}

/// Why the rules about methods answer with this status.
const char* reason_of_method(std::uint16_t status) {
    return status == 405 ? "TRACE, which TraceEnable does not allow" : "content in a TRACE request";
}

}  // namespace

Exchange::Exchange(LoopState& state, ClientSide& client, const ConnectionFacts& connection)
    : state_(state),
      client_(client),
      connection_(connection),
      address_(connection.client),
      site_(connection.candidates->sites.front()),
      settings_(&site_->base),
      view_(state.surroundings) {
    ledger_.began = state.loop.precise_now();
    ledger_.began_at = std::time(nullptr);
    view_.show_client(connection.client.text());
    state.loop.charge(&ledger_.account, &view_);
}

// ---- from the request's head
// ----------------------------------------------------------------------

void Exchange::prepare(const Request& request, bool keeps_alive) {
    site_ = &connection_.candidates->by_host(request.host);
    const BelievedClient client =
        believe(connection_.client, site_->trust, request.head.fields, request.text);
    address_ = client.address;
    if (client.is_peer_trusted) view_.show_client(client_text());
    RequestFacts facts;
    facts.head = &request.head;
    facts.text = request.text;
    facts.path = request.path;
    facts.query = request.target.query.of(request.text);
    facts.has_query = request.target.has_query;
    facts.keeps_alive = keeps_alive;
    capture(facts);
    request_.method = request.head.method;
    own_answer_ = route(request, client);
    view_.show_request(std::string(request.head.method_text.of(request.text)) + " " + request.path,
                       route_ != nullptr ? route_->endpoint.key : "");
}

/// "192.0.2.1:80"; without a port where a proxy in front of us told the address.
std::string Exchange::client_text() const {
    return address_.port() != 0 ? address_.text() : address_.host_text();
}

/// The answer of our own when the request is not to be forwarded.
std::optional<Answer> Exchange::route(const Request& request, const BelievedClient& client) {
    const Refusal wrong_door = misdirection();
    if (wrong_door.status != 0) {
        Answer answer = refusal(wrong_door.status, wrong_door.reason);
        if (connection_.is_plain_on_tls) {
            answer.content += "<p>This port speaks HTTPS; the request came in plain HTTP.</p>\n";
        }
        return answer;
    }
    Places& places = state_.places[site_->index];
    place_ = places.at(request.path);
    settings_ = &place_->settings();
    if (auto answer = answer_to_method(request, site_->settings, *settings_)) {
        if (answer->status >= 400) note_refusal(answer->status, reason_of_method(answer->status));
        return answer;
    }
    const bool keeps = !http::has_dot_segment(request.received_path());
    const Match match = place_->match(request.path, keeps ? request.received_path() : "");
    if (!places.are_alike(*place_, match, request.readings) || !is_contained(match)) {
        return refusal(400, http::reason(http::HeadFault::ambiguous_path));
    }
    if (lacks_tls()) return refusal(403, "no TLS, or no certificate, as this place wants it");
    if (*settings_->handler == RouteSettings::Handler::server_status) return make_status(request);
    if (match.route == nullptr) return refusal(404, "no rule passes this path on");
    merged_ = places.settings(place_, match);
    settings_ = merged_.get();
    const std::uint64_t limit = *settings_->limit_request_body;
    client_.limit_content(limit);
    if (limit != 0 && request.framing.length > limit) {
        return refusal(413, "content above LimitRequestBody");
    }
    if (match.route->rule.target.is_tls() && !prepare_tls(request, match)) {
        return make_answer(502, *settings_);
    }
    route_ = match.route;
    write_request(request, match, client);
    return std::nullopt;
}

/// Whether the request came in by the wrong door.
Exchange::Refusal Exchange::misdirection() const {
    if (connection_.is_plain_on_tls) return {400, "plain HTTP on a port that speaks TLS"};
    if (site_->settings.tunnel) return {421, "a request for a virtual host with TunnelTo"};
    if (connection_.tls_site == nullptr) return {};
    const TlsSite& shown = *connection_.tls_site->tls;
    // The default's word is for all virtual hosts, any other's for itself.
    const bool is_strict = *shown.server_settings.strict_sni ||
                           (site_->tls != nullptr && *site_->tls->server_settings.strict_sni);
    if (connection_.names_no_server && is_strict) {
        return {403, "no server name in the handshake, which SSLStrictSNIVHostCheck wants"};
    }
    // RFC 9110 section 15.5.20: a handshake for one virtual host says little about another.
    if (site_ == connection_.tls_site || shown.may_serve(*site_->tls)) return {};
    return {421, "a handshake for another virtual host, whose terms of TLS are others"};
}

/// Whether the place wants TLS, or a client's certificate, that the connection does not have.
bool Exchange::lacks_tls() const {
    if (connection_.tls == nullptr) {
        return *settings_->requires_tls ||
               *settings_->client_proof == RouteSettings::ClientProof::require;
    }
    // What another virtual host's handshake looked at proves nothing here, unless it asked the
    // same.
    const TlsSite& own = *site_->tls;
    const bool is_proof = connection_.tls_site->tls->demands_as(own);
    const bool host_demands = *own.server_settings.verify == net::TlsContext::Verify::require;
    if (host_demands && !is_proof) return true;
    return *settings_->client_proof == RouteSettings::ClientProof::require &&
           (!is_proof || net::tls_fact(*connection_.tls, "SSL_CLIENT_VERIFY") != "SUCCESS");
}

/// SetHandler server-status: ?auto, ?json, ?metrics, ?refresh=N, or the page.
Answer Exchange::make_status(const Request& request) const {
    const std::string_view query = request.target.query.of(request.text);
    const Status status = read_status(state_.surroundings, state_.loop.keeps_thread(), site_->name,
                                      state_.sites->shown());
    Answer made{200, "Cache-Control: no-store\r\n", ""};
    if (query.substr(0, 4) == "auto") {
        made.fields += "Content-Type: text/plain; charset=ISO-8859-1\r\n";
        made.content = status_text(status);
    } else if (query.substr(0, 4) == "json") {
        made.fields += "Content-Type: application/json\r\n";
        made.content = status_json(status);
    } else if (query == "metrics") {
        made.fields += "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
        made.content = status_metrics(status);
    } else {
        constexpr std::string_view refresh = "refresh=";
        const bool refreshes = query.substr(0, refresh.size()) == refresh;
        const int seconds = refreshes ? std::atoi(std::string(query.substr(8)).c_str()) : 0;
        made.fields +=
            "Content-Type: text/html; charset=utf-8\r\n"
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n";
        made.content = status_page(status, refreshes ? (seconds < 1 ? 10u : seconds) : 0u);
    }
    edit_answer_fields(*settings_, made.fields);
    return made;
}

void Exchange::write_request(const Request& request, const Match& match,
                             const BelievedClient& client) {
    using Kind = http::RequestFraming::Kind;
    upgrade_ = upgrade_for(request, *match.route->rule.parameters.upgrade);
    request_.upgrade_requested = !upgrade_.empty();
    request_.upgrade_protocol = upgrade_;
    const std::string peer = connection_.client.host_text();
    const RewriteFacts facts{*settings_,    site_->name, connection_.local.port(), peer,
                             &site_->trust, &client,     connection_.tls,          upgrade_};
    head_ = upstream_head(request, match, facts);
    rewrite_ = response_rewrite(request, facts);
    content_ = request.framing.kind == Kind::chunked ? upstream::RequestContent::chunked
               : request.framing.has_content()       ? upstream::RequestContent::length
                                                     : upstream::RequestContent::none;
    // A client that asks for 100 (Continue) gets it from us when the upstream is not asked.
    expects_continue_ = request.framing.expects_continue && http::has_field_line(head_, "Expect");
    answers_continue_ = request.framing.expects_continue && !expects_continue_;
}

/// As in Apache, an upstream that sees the client's Host is asked for that name under TLS too.
/// False where a Proxy section of this very URL leaves SSLProxyEngine off, which is reported.
bool Exchange::prepare_tls(const Request& request, const Match& match) {
    const TlsSite& tls = *site_->tls;
    const TlsUpstream& upstream =
        tls.has_sections() ? tls.upstream_for(match.url()) : *tls.upstreams.front();
    tls_ = std::make_unique<upstream::TlsOptions>();
    tls_->context = upstream.context();
    if (tls_->context == nullptr) {
        ledger_.failed = true;
        ledger_.failure = {Side::proxy,
                           FailureKind::tls_failed,
                           net::phase::upstream_tls,
                           0,
                           0,
                           "SSLProxyEngine is off for this URL"};
        report(ledger_.failure);
        return false;
    }
    const bool preserves_host = *settings_->proxy_preserve_host && !request.host.empty();
    tls_->server_name = preserves_host ? std::string(host_without_port(request.host))
                                       : match.route->rule.target.host;
    tls_->checks = upstream.checks();
    tls_->protocols = "\x08http/1.1";  // whoever serves others too by ALPN need not guess
    return true;
}

void Exchange::refuse(const RefusedRequest& refused) {
    RequestFacts facts;
    facts.head = refused.head;
    facts.text = refused.text;
    capture(facts);
    request_.method = refused.method;
    own_answer_ = make_answer(refused.status, *settings_);
    own_answer_->content += refused.told;
    note_refusal(refused.status, refused.reason, refused.lack);
}

/// Into the error log and the books: what the client asked for cannot be taken.
void Exchange::note_refusal(std::uint16_t status, const char* reason, FailureKind lack) {
    ledger_.failed = true;
    ledger_.failure = refused_with(status, reason, lack);
    if (!site_->errors->is_on(LogLevel::info)) return;  // whoever looks for paths gets many of them
    site_->errors->write(state_.logs, LogLevel::info, log_id_of(ledger_.failure, false),
                         client_text(), std::to_string(status) + ": " + reason);
}

/// The same, and what the client is told.
Answer Exchange::refusal(std::uint16_t status, const char* reason) {
    note_refusal(status, reason);
    return make_answer(status, *settings_);
}

void Exchange::abandon(const Failure& failure) {
    capture({});
    ledger_.failed = true;
    ledger_.failure = failure;
    report(failure);
    finish();
}

void Exchange::discard() {
    state_.loop.charge(nullptr);
}

// ---- into the logs

void Exchange::capture(const RequestFacts& from_request) {
    RequestFacts facts = from_request;
    facts.client = &address_;
    facts.peer = &connection_.client;
    facts.local = &connection_.local;
    facts.tls = connection_.tls;
    facts.user_variable = *settings_->user_variable;
    facts.server_name = site_->name;
    facts.exchanges_before = connection_.exchanges > 0 ? connection_.exchanges - 1 : 0;
    captured_requests_.resize(site_->logs.size());
    captured_responses_.resize(site_->logs.size());
    for (std::size_t i = 0; i < site_->logs.size(); i++) {
        site_->logs[i].format.capture_request(facts, captured_requests_[i]);
    }
}

void Exchange::finish() {
    state_.loop.charge(nullptr);
    ledger_.ended = state_.loop.precise_now();
    ledger_.octets_received = client_.received() + tunnelled_.to_upstream;
    ledger_.octets_sent = client_.sent() + tunnelled_.to_client;
    count();
    std::string line;
    for (std::size_t i = 0; i < site_->logs.size(); i++) {
        line.clear();
        site_->logs[i].format.render(ledger_, state_.loop.keeps_thread(), captured_requests_[i],
                                     captured_responses_[i], line);
        state_.logs.append(*site_->logs[i].file, line);
    }
}

/// Into the sums that all processes share.
void Exchange::count() {
    mpm::ThreadSlot& slot = state_.surroundings.slot;
    add_to_sums(state_.surroundings, ledger_, state_.loop.keeps_thread());
    static_assert(upstream::tolerance_count <= mpm::exception_limit);
    for (std::size_t i = 0; i < tolerated_.size(); i++) {
        if (tolerated_[i] != 0) slot.exceptions[i].add(tolerated_[i]);
    }
}

void Exchange::report(const Failure& failure) {
    const bool by_client = net::party_of(failure) == Side::client;
    const bool is_usual = by_client || failure.phase == net::phase::tunnel;
    const LogLevel level = is_usual                      ? LogLevel::info
                           : failure.side == Side::admin ? LogLevel::warn
                                                         : LogLevel::error;
    const LogId id = log_id_of(failure, response_begun_);
    std::string text = describe(failure);
    if (route_ != nullptr) text += ", upstream " + route_->endpoint.key;
    site_->errors->write(state_.logs, level, id, client_text(), text);
}

}  // namespace headgate::proxy
