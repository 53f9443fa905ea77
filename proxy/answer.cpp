// See answer.h.
#include "proxy/answer.h"

#include "proxy/http/reason_phrase.h"
#include "proxy/rewrite.h"

namespace headgate::proxy {
namespace {

constexpr const char* allow = "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n";

}  // namespace

Answer make_options_answer() {
    return {200, allow, ""};
}

Answer make_answer(std::uint16_t status, const RouteSettings& settings) {
    Answer answer{status, "Content-Type: text/html; charset=utf-8\r\n", ""};
    const auto document = settings.error_documents.find(status);
    if (document != settings.error_documents.end()) {
        answer.content = document->second;
    } else {
        const std::string title =
            std::to_string(status) + " " + std::string(http::reason_phrase(status));
        answer.content = "<!DOCTYPE html>\n<html><head><title>" + title +
                         "</title></head>\n<body><h1>" + title + "</h1></body></html>\n";
    }
    if (status == 405) answer.fields += allow;
    edit_answer_fields(settings, answer.fields);
    return answer;
}

}  // namespace headgate::proxy
