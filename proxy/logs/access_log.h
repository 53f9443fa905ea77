// AccessLog: Apache's LogFormat, compiled once, rendered once per exchange.
//
// A request's head is gone long before its line is written. So what the format wants of it is
// captured when the head is there, a few hundred octets at most, and the line is put together at
// the end from that, from what was captured of the response's head, and from the ledger.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mpm/loop/address.h"
#include "proxy/http/message.h"
#include "proxy/logs/ledger.h"
#include "proxy/net/tls_transport.h"

namespace headgate::proxy {

/// What a format may ask about the request and its connection. Views are used during the call.
struct RequestFacts {
    const http::RequestHead* head = nullptr;  // null: the head could not be read
    std::string_view text;
    std::string_view path;   // decoded, as routes see it
    std::string_view query;  // without "?"
    bool has_query = false;
    const loop::Address* client = nullptr;  // as far as it is believed
    const loop::Address* peer = nullptr;    // the connection's: %{c}a, %{remote}p
    const loop::Address* local = nullptr;
    std::string_view server_name;
    const net::TlsTransport* tls = nullptr;  // null: the connection is plain
    std::string_view user_variable;          // what %u is: SSL_CLIENT_S_DN_CN, or nothing
    bool keeps_alive = false;
    std::uint32_t exchanges_before = 0;  // on this connection
};

class LogFormat {
public:
    struct Error {
        std::string text;    // "unknown log token %Q"
        std::size_t at = 0;  // offset into the format
        std::string hint;    // what to write instead, where that is known
    };
    /// Compiles; the error names the token.
    static std::optional<Error> compile(std::string_view format, LogFormat& result);

    /// Appends what the format wants of the request, to be handed to render() later.
    void capture_request(const RequestFacts& facts, std::string& captured) const;
    /// The same for a response head that is about to be sent: `fields` as serialised lines.
    void capture_response(std::string_view fields, std::string& captured) const;
    bool wants_response() const { return wants_response_; }

    /// Appends one line with its end.
    void render(const Ledger& ledger, bool runner_keeps_thread, std::string_view request,
                std::string_view response, std::string& line) const;

private:
    enum class Source : std::uint8_t { text, request, response, ledger };
    struct Item {
        Source source = Source::text;
        char letter = 0;               // as in %h; 'x' with `argument` for ours
        std::string argument;          // what stood in {}
        std::vector<int> statuses;     // %400,501{...}i
        bool unless_statuses = false;  // %!200
    };
    friend class LogFormatCompiler;

    std::vector<Item> items_;
    bool wants_response_ = false;
};

}  // namespace headgate::proxy
