// See access_log.h. The tokens are those of mod_log_config and mod_logio, and %{...}x for ours.
#include "proxy/access_log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "proxy/http/fields.h"
#include "proxy/net/tls_peer.h"

namespace headgate::proxy {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view request_letters = "haAlurUqmHivpkX";
constexpr std::string_view response_letters = "o";
constexpr std::string_view ledger_letters = "stDTbBIOSPLfRCexn";
constexpr std::array our_names{"framing", "held",     "parked",   "releases",
                               "end",     "upstream", "attempts", "phases"};

/// %{SSL_PROTOCOL}x and its like, from mod_ssl.
bool is_tls_fact(std::string_view name) {
    return name.starts_with("SSL_") || name == "HTTPS";
}

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
            return facts.tls != nullptr ? net::tls_fact(*facts.tls, argument) : "";
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
    std::tm local{};
    ::localtime_r(&at, &local);
    char text[128];
    if (format == "sec") return std::to_string(at);
    const char* layout = format.empty() ? "[%d/%b/%Y:%H:%M:%S %z]" : format.c_str();
    return {text, std::strftime(text, sizeof text, layout, &local)};
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

void append_of_ledger(std::string& line, char letter, const std::string& argument,
                      const Ledger& ledger, bool keeps) {
    const auto spent = ledger.ended - ledger.began;
    switch (letter) {
        case 's':
            if (ledger.status != 0)
                append_number(line, ledger.status);
            else
                line += '-';
            break;
        case 't':
            line += time_text(argument, ledger.began_at);
            break;
        case 'D':
            append_number(line, duration_cast<microseconds>(spent).count());
            break;
        case 'T':
            append_number(line, argument == "us"   ? duration_cast<microseconds>(spent).count()
                                : argument == "ms" ? duration_cast<milliseconds>(spent).count()
                                                   : duration_cast<seconds>(spent).count());
            break;
        case 'b':
            if (ledger.content_sent == 0)
                line += '-';
            else
                append_number(line, static_cast<std::int64_t>(ledger.content_sent));
            break;
        case 'B':
            append_number(line, static_cast<std::int64_t>(ledger.content_sent));
            break;
        case 'I':
            append_number(line, static_cast<std::int64_t>(ledger.octets_received));
            break;
        case 'O':
            append_number(line, static_cast<std::int64_t>(ledger.octets_sent));
            break;
        case 'S':
            append_number(line,
                          static_cast<std::int64_t>(ledger.octets_received + ledger.octets_sent));
            break;
        case 'P':
            append_number(line, argument == "tid" ? ::gettid() : ::getpid());
            break;
        case 'R':
            line += ledger.upstream.empty() ? "-" : "proxy-server";
            break;
        case 'x':
            append_ours(line, argument, ledger, keeps);
            break;
        default:
            line += '-';
            break;  // %L %f %{}C %{}e %{}n: nothing sets these yet
    }
}

}  // namespace

// ---- compiling
// ------------------------------------------------------------------------------------

/// Reads a format from left to right.
class LogFormatCompiler {
public:
    LogFormatCompiler(std::string_view format, LogFormat& result)
        : format_(format), result_(result) {}

    std::optional<LogFormat::Error> run() {
        while (at_ < format_.size()) {
            if (format_[at_] == '%') {
                if (auto error = token()) return error;
            } else {
                text();
            }
        }
        return std::nullopt;
    }

private:
    using Item = LogFormat::Item;
    using Source = LogFormat::Source;

    void text() {
        Item item;
        while (at_ < format_.size() && format_[at_] != '%')
            item.argument += unescaped();
        result_.items_.push_back(std::move(item));
    }

    char unescaped() {
        const char c = format_[at_++];
        if (c != '\\' || at_ == format_.size()) return c;
        const char next = format_[at_++];
        return next == 'n' ? '\n' : next == 't' ? '\t' : next;
    }

    std::optional<LogFormat::Error> token() {
        const std::size_t start = at_++;
        Item item;
        while (at_ < format_.size()) {
            const char c = format_[at_++];
            if (c == '%' && at_ == start + 2) {
                item.argument = "%";
                break;
            }
            if (c == '>' || c == '<') continue;
            if (c == '!') {
                item.unless_statuses = true;
            } else if (std::isdigit(static_cast<unsigned char>(c))) {
                statuses(item);
            } else if (c == '{') {
                const std::size_t end = format_.find('}', at_);
                if (end == std::string_view::npos) return LogFormat::Error{"unclosed {", start};
                item.argument = format_.substr(at_, end - at_);
                at_ = end + 1;
            } else {
                item.letter = c;
                break;
            }
        }
        if (!classify(item)) {
            return LogFormat::Error{
                "unknown log token " + std::string(format_.substr(start, at_ - start)), start};
        }
        result_.wants_response_ |= item.source == Source::response;
        result_.items_.push_back(std::move(item));
        return std::nullopt;
    }

    void statuses(Item& item) {
        at_--;
        while (at_ < format_.size() &&
               (std::isdigit(static_cast<unsigned char>(format_[at_])) || format_[at_] == ',')) {
            int status = 0;
            const char* end = format_.data() + format_.size();
            at_ = std::from_chars(format_.data() + at_, end, status).ptr - format_.data();
            if (at_ < format_.size() && format_[at_] == ',') at_++;
            item.statuses.push_back(status);
        }
    }

    static bool classify(Item& item) {
        if (item.letter == 0) return item.argument == "%";
        if (item.letter == 'x' && is_tls_fact(item.argument)) {
            item.source = Source::request;
            return true;
        }
        if (item.letter == 'x') {
            item.source = Source::ledger;
            return std::find(our_names.begin(), our_names.end(), item.argument) != our_names.end();
        }
        if (request_letters.find(item.letter) != std::string_view::npos) {
            item.source = Source::request;
        } else if (response_letters.find(item.letter) != std::string_view::npos) {
            item.source = Source::response;
        } else if (ledger_letters.find(item.letter) != std::string_view::npos) {
            item.source = Source::ledger;
        } else {
            return false;
        }
        const bool needs_name = std::strchr("ioeCn", item.letter) != nullptr;
        return !needs_name || !item.argument.empty();
    }

    std::string_view format_;
    LogFormat& result_;
    std::size_t at_ = 0;
};

std::optional<LogFormat::Error> LogFormat::compile(std::string_view format, LogFormat& result) {
    return LogFormatCompiler(format, result).run();
}

// ---- using
// ----------------------------------------------------------------------------------------

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
