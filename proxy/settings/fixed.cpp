// Setters of directives that have one value here, whatever else Apache takes: what Headgate is not,
// and what it always does.
#include "proxy/settings/rules.h"

namespace headgate::proxy {

using conf::Call;
using conf::Parsed;
using conf::Word;

/// Never a forward proxy: whoever can reach one can reach whatever it can.
void refuse_forward_proxy(ServerSettings&, const Call& call) {
    const Parsed<bool> parsed = conf::on_off(call.argument(0).text);
    if (!parsed.value) {
        call.wrong_value(call.argument(0), parsed.expected);
    } else if (*parsed.value) {
        call.error(call.argument(0), "ProxyRequests On is refused: Headgate is no forward proxy",
                   "write Off, or leave the line out");
    }
}

/// One value is what we do; the other waits.
template <bool ours>
void accept_only(RouteSettings&, const Call& call) {
    const Word& word = call.argument(0);
    const Parsed<bool> parsed = conf::on_off(word.text);
    if (!parsed.value) {
        call.wrong_value(word, parsed.expected);
    } else if (*parsed.value != ours) {
        call.not_yet(word, std::string(call.row.name) + " " + word.text,
                     ours ? "On works" : "Off works");
    }
}

template void accept_only<true>(RouteSettings&, const Call&);
template void accept_only<false>(RouteSettings&, const Call&);

void check_protocol_options(ServerSettings&, const Call& call) {
    for (const Word& word : call.arguments()) {
        if (conf::is_equal_name(word.text, "Unsafe")) {
            call.error(word, "HttpProtocolOptions Unsafe is refused", "write Strict");
        } else if (!conf::is_equal_name(word.text, "Strict") &&
                   !conf::is_equal_name(word.text, "LenientMethods")) {
            call.not_yet(word, "HttpProtocolOptions " + word.text,
                         "Strict and LenientMethods work");
        }
    }
}

}  // namespace headgate::proxy
