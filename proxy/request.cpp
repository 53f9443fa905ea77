// See request.h. What is judged here is the request as a whole; its lines were judged by the
// parser.
#include "proxy/request.h"

#include "proxy/http/path_readings.h"

namespace headgate::proxy {

http::Result<Request> judge_request(http::RequestHead& head, std::string_view text,
                                    const Sites::Candidates& candidates) {
    const auto target = http::parse_target(head, text);
    if (!target) return target.error();
    const auto framing = http::request_framing(head, text);
    if (!framing) return framing.error();
    const std::string_view host = target->authority.empty()
                                      ? head.fields.value(http::FieldName::host, text).value_or("")
                                      : target->authority.of(text);
    const ServerSettings& site = candidates.by_host(host).settings;
    const auto names = http::judge_underscores(head, text, *site.underscores);
    if (!names) return names.error();
    const auto forwards = http::max_forwards(head, text);
    if (!forwards) return forwards.error();
    const http::PathRules rules = site.path_rules();
    const auto path = http::matching_path(target->path.of(text), rules);
    if (!path) return path.error();
    auto readings = http::other_readings(*path);
    if (!readings) return readings.error();
    return Request{head,     text, *framing, *target, host, *path, rules, std::move(*readings),
                   *forwards};
}

}  // namespace headgate::proxy
