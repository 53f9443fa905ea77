// See request_hygiene.h.
#include "proxy/http/request_hygiene.h"

#include "proxy/http/octets.h"

#include <algorithm>

namespace headgate::http {

namespace {

constexpr std::uint32_t most_forwards = 1'000'000;  // beyond it the number means nothing

}  // namespace

bool has_underscore(const Field& field, std::string_view text) {
    return field.id == FieldName::other && field.name.of(text).find('_') != text.npos;
}

Result<void> judge_underscores(RequestHead& head, std::string_view text, Underscores rule) {
    const auto is_concerned = [text](const Field& field) { return has_underscore(field, text); };
    const Fields& fields = head.fields;
    if (rule == Underscores::keep || std::none_of(fields.begin(), fields.end(), is_concerned)) {
        return Result<void>();
    }
    if (rule == Underscores::refuse) {
        return HeadError{HeadFault::name_with_underscore, 400, 0};
    }
    head.fields.remove_if(is_concerned);
    return Result<void>();
}

// RFC 9110 section 7.6.2: "The Max-Forwards value is a decimal integer indicating the remaining
// number of times this request message can be forwarded."
Result<std::uint32_t> max_forwards(const RequestHead& head, std::string_view text) {
    const bool is_concerned = head.method == Method::trace || head.method == Method::options;
    if (!is_concerned || !head.fields.has(FieldName::max_forwards)) {
        return unbounded_forwards;
    }
    const std::string_view digits = *head.fields.value(FieldName::max_forwards, text);
    if (head.fields.count(FieldName::max_forwards) > 1 || digits.empty() ||
        !std::all_of(digits.begin(), digits.end(), is_digit)) {
        return HeadError{HeadFault::max_forwards, 400, 0};
    }
    std::uint32_t number = 0;
    for (const char digit : digits) {
        number = std::min(number * 10 + static_cast<std::uint32_t>(digit - '0'), most_forwards);
    }
    return number;
}

}  // namespace headgate::http
