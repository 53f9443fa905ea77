// See access_log.h. Formats are read in access_log_format.cpp, and used here.
#include "proxy/logs/access_log.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "proxy/http/fields.h"
#include "proxy/logs/log_time.h"
#include "proxy/net/tls_peer.h"

namespace headgate::proxy {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// The letter of C's short escapes that Apache uses; NUL for every other octet.
char escape_letter(char c) {
    switch (c) {
        case '\b':
            return 'b';
        case '\n':
            return 'n';
        case '\r':
            return 'r';
        case '\t':
            return 't';
        case '\v':
            return 'v';
        default:
            return '\0';
    }
}

/// As Apache escapes what clients send: no control octets, quotes or backslashes can forge a line.
void append_escaped(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (const char letter = escape_letter(c); letter != '\0') {
            out += '\\';
            out += letter;
        } else if (octet < 0x20 || octet >= 0x7F) {
            out += "\\x";
            out += hex[octet >> 4];
            out += hex[octet & 15];
        } else {
            out += c;
        }
    }
}

void append_or_dash(std::string& out, std::string_view text) {
    if (text.empty()) {
        out += '-';
    } else {
        append_escaped(out, text);
    }
}

void append_number(std::string& out, std::int64_t number) {
    char text[24];
    out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

/// A captured piece: two octets of size, then the octets (cut at 64 KiB - 1).
void store(std::string& captured, std::string_view piece) {
    piece = piece.substr(0, UINT16_MAX);
    captured += static_cast<char>(piece.size() & 0xFF);
    captured += static_cast<char>(piece.size() >> 8);
    captured += piece;
}

std::string_view take(std::string_view& captured) {
    if (captured.size() < 2) return "-";
    const std::size_t size =
        static_cast<unsigned char>(captured[0]) | static_cast<unsigned char>(captured[1]) << 8;
    const std::string_view piece = captured.substr(2, size);
    captured.remove_prefix(2 + size);
    return piece;
}

std::string all_values(const http::Fields& fields, std::string_view wanted, std::string_view text) {
    std::string joined;
    for (const http::Field& field : fields) {
        if (!http::equals_ignore_case(http::name(field, text), wanted)) continue;
        if (!joined.empty()) joined += ", ";
        joined += http::value(field, text);
    }
    return joined;
}

std::string request_line(const http::RequestHead& head, std::string_view text) {
    std::string line(head.method_text.of(text));
    line += ' ';
    line += head.target.of(text);
    line += head.version == http::Version::http_1_1 ? " HTTP/1.1" : " HTTP/1.0";
    return line;
}

std::string port_text(const RequestFacts& facts, std::string_view kind) {
    const loop::Address* end = kind == "remote" ? facts.peer : facts.local;
    return end != nullptr ? std::to_string(end->port()) : "";
}

std::string of_request(char letter, const std::string& argument, const RequestFacts& facts) {
    const http::RequestHead* head = facts.head;
    switch (letter) {
        case 'a':
            if (argument == "c") return facts.peer != nullptr ? facts.peer->host_text() : "";
            [[fallthrough]];
        case 'h':
            return facts.client != nullptr ? facts.client->host_text() : "";
        case 'A':
            return facts.local != nullptr ? facts.local->host_text() : "";
        case 'r':
            return head != nullptr ? request_line(*head, facts.text) : "";
        case 'U':
            return std::string(facts.path);
        case 'q':
            return facts.has_query ? "?" + std::string(facts.query) : " ";
        case 'm':
            return head != nullptr ? std::string(head->method_text.of(facts.text)) : "";
        case 'H':
            if (head == nullptr) return "";
            return head->version == http::Version::http_1_1 ? "HTTP/1.1" : "HTTP/1.0";
        case 'i':
            return head != nullptr ? all_values(head->fields, argument, facts.text) : "";
        case 'v':
            return std::string(facts.server_name);
        case 'p':
            return port_text(facts, argument);
        case 'k':
            return std::to_string(facts.exchanges_before);
        case 'x':
            return net::tls_fact(facts.tls, argument);
        case 'u': {
            const bool has_user = facts.tls != nullptr && !facts.user_variable.empty();
            return has_user ? net::tls_fact(*facts.tls, facts.user_variable) : "";
        }
        case 'X':
            return facts.keeps_alive ? "+" : "-";
        default:
            return "";  // %l: nobody asks identd
    }
}

std::string time_text(const std::string& format, std::time_t at) {
    if (format.empty()) return access_log_time(at);
    if (format == "sec") return std::to_string(at);
    std::tm local{};
    ::localtime_r(&at, &local);
    char text[128];
    return {text, std::strftime(text, sizeof text, format.c_str(), &local)};
}

void append_ours(std::string& line, const std::string& name, const Ledger& ledger, bool keeps) {
    const auto micros = [&](loop::Duration spent) {
        append_number(line, duration_cast<microseconds>(spent).count());
    };
    if (name == "framing") line += ledger.framing;
    if (name == "held") micros(ledger.held(keeps));
    if (name == "parked") micros(ledger.account.parked());
    if (name == "releases") append_number(line, ledger.account.releases());
    if (name == "end") line += ledger.end();
    if (name == "upstream") append_or_dash(line, ledger.upstream);
    if (name == "attempts") append_number(line, ledger.attempts);
    if (name == "phases") line += ledger.phases();
}

std::int64_t time_spent(const Ledger& ledger, std::string_view unit) {
    const auto spent = ledger.ended - ledger.began;
    if (unit == "us") return duration_cast<microseconds>(spent).count();
    if (unit == "ms") return duration_cast<milliseconds>(spent).count();
    return duration_cast<seconds>(spent).count();
}

void append_of_ledger(std::string& line, char letter, const std::string& argument,
                      const Ledger& ledger, bool keeps) {
    const auto number = [&line](auto value) {
        append_number(line, static_cast<std::int64_t>(value));
    };
    const auto number_or_dash = [&](auto value) {
        if (value == 0) line += '-';
        if (value != 0) number(value);
    };
    switch (letter) {
        case 's':
            return number_or_dash(ledger.status);
        case 't':
            line += time_text(argument, ledger.began_at);
            return;
        case 'D':
            return number(time_spent(ledger, "us"));
        case 'T':
            return number(time_spent(ledger, argument));
        case 'b':
            return number_or_dash(ledger.content_sent);
        case 'B':
            return number(ledger.content_sent);
        case 'I':
            return number(ledger.octets_received);
        case 'O':
            return number(ledger.octets_sent);
        case 'S':
            return number(ledger.octets_received + ledger.octets_sent);
        case 'P':
            return number(argument == "tid" ? ::gettid() : ::getpid());
        case 'R':
            line += ledger.upstream.empty() ? "-" : "proxy-server";
            return;
        case 'x':
            return append_ours(line, argument, ledger, keeps);
        default:
            line += '-';  // %L %f %{}C %{}e %{}n: nothing sets these yet
    }
}

}  // namespace

void LogFormat::capture_request(const RequestFacts& facts, std::string& captured) const {
    for (const Item& item : items_) {
        if (item.source == Source::request) {
            store(captured, of_request(item.letter, item.argument, facts));
        }
    }
}

void LogFormat::capture_response(std::string_view fields, std::string& captured) const {
    for (const Item& item : items_) {
        if (item.source != Source::response) continue;
        std::string joined;
        for (std::size_t at = 0; at < fields.size();) {
            const std::size_t end = std::min(fields.find("\r\n", at), fields.size());
            const std::string_view line = fields.substr(at, end - at);
            const std::size_t colon = std::min(line.find(": "), line.size());
            if (http::equals_ignore_case(line.substr(0, colon), item.argument)) {
                if (!joined.empty()) joined += ", ";
                joined += line.substr(std::min(colon + 2, line.size()));
            }
            at = end + 2;
        }
        store(captured, joined);
    }
}

void LogFormat::render(const Ledger& ledger, bool runner_keeps_thread, std::string_view request,
                       std::string_view response, std::string& line) const {
    for (const Item& item : items_) {
        std::string_view piece;
        if (item.source == Source::request) piece = take(request);
        if (item.source == Source::response) piece = take(response);
        const bool listed = std::find(item.statuses.begin(), item.statuses.end(), ledger.status) !=
                            item.statuses.end();
        if (!item.statuses.empty() && listed == item.unless_statuses) {
            line += '-';
            continue;
        }
        switch (item.source) {
            case Source::text:
                line += item.argument;
                break;
            case Source::ledger:
                append_of_ledger(line, item.letter, item.argument, ledger, runner_keeps_thread);
                break;
            case Source::request:
                if (item.letter == 'q' && piece == " ") break;  // %q without a query is nothing
                [[fallthrough]];
            case Source::response:
                append_or_dash(line, piece);
                break;
        }
    }
    line += '\n';
}

}  // namespace headgate::proxy
