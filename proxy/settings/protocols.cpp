// See protocols.h.
#include "proxy/settings/protocols.h"

#include "proxy/settings/rules.h"

namespace headgate::proxy {
namespace {

using conf::Call;
using conf::Word;

constexpr const char* help = "headgate -L Protocols";

/// What speaks HTTP here, or an error.
void check_protocol(const Word& name, conf::Diagnostics& diagnostics) {
    if (conf::is_equal_name(name.text, "http/1.1")) return;
    if (conf::is_equal_name(name.text, "h2") || conf::is_equal_name(name.text, "h2c")) {
        diagnostics.error(name.span, "protocol " + name.text + ": not yet", "http/1.1 works", help);
    } else {
        diagnostics.error(name.span, "\"" + name.text + "\" is not a protocol", "expected http/1.1",
                          help);
    }
}

/// RFC 7301 section 3.1: 1 to 255 octets, whichever; those that one can write and read.
bool is_protocol_name(const std::string& text) {
    if (text.empty() || text.size() > 255) return false;
    for (const char octet : text) {
        if (octet <= ' ' || octet > '~') return false;
    }
    return true;
}

}  // namespace

void add_protocols(ServerSettings& settings, const Call& call) {
    for (const Word& word : call.arguments()) {
        if (!is_protocol_name(word.text)) {
            call.wrong_value(word, "names of protocols, such as http/1.1 or imap");
        } else if (call.scope.kind == conf::Scope::Kind::server) {
            check_protocol(word, call.diagnostics);  // where no TunnelTo can stand
        } else {
            settings.protocols.push_back(word);
        }
    }
}

std::string protocol_list(const std::vector<Word>& names) {
    std::string list;
    for (const Word& name : names) {
        list += static_cast<char>(name.text.size());
        list += name.text;
    }
    return list;
}

void check_protocols_of_requests(const ServerSettings& own, conf::Diagnostics& diagnostics) {
    for (const Word& name : own.protocols)
        check_protocol(name, diagnostics);
    if (own.own_protocol_order.is_written() && !*own.own_protocol_order) {
        diagnostics.warning(own.own_protocol_order.span(), "no effect: one protocol is offered",
                            "beside TunnelTo there may be several");
    }
}

}  // namespace headgate::proxy
