// Content-Length values: every field line, every element of a list, compared.
#include "proxy/http/content_length.h"

#include "proxy/http/octets.h"

namespace headgate::http {

namespace {

constexpr std::uint64_t largest_length = (std::uint64_t{1} << 63) - 1;

}  // namespace

// RFC 9110 section 8.6: "Content-Length = 1*DIGIT". "Since there is no predefined limit to the
// length of content, a recipient MUST anticipate potentially large decimal numerals and prevent
// parsing errors due to integer conversion overflows".
bool parse_length(std::string_view digits, std::uint64_t& value) {
    if (digits.empty()) {
        return false;
    }
    std::uint64_t sum = 0;
    for (const char c : digits) {
        if (!is_digit(c) || sum > largest_length / 10) {
            return false;
        }
        sum = sum * 10 + static_cast<std::uint64_t>(c - '0');
        if (sum > largest_length) {
            return false;
        }
    }
    value = sum;
    return true;
}

ContentLength content_length(const Fields& fields, std::string_view text) {
    ContentLength result;
    if (!fields.has(FieldName::content_length)) {
        return result;
    }
    bool is_conflict = false;
    for (const Field& field : fields) {
        if (field.id != FieldName::content_length) {
            continue;
        }
        const std::string_view list = field.value.of(text);
        const bool is_list = list.find(',') != std::string_view::npos;
        ListElements elements(list);
        while (const auto element = elements.next()) {
            std::uint64_t value = 0;
            if (!parse_length(*element, value)) {
                return {LengthVerdict::invalid, 0};
            }
            if (result.verdict == LengthVerdict::absent) {
                result = {LengthVerdict::single, value};
                continue;
            }
            is_conflict = is_conflict || value != result.value;
            result.verdict = is_list || result.verdict == LengthVerdict::list
                                 ? LengthVerdict::list
                                 : LengthVerdict::repeated;
        }
    }
    if (is_conflict) {
        return {LengthVerdict::conflict, 0};
    }
    return result;
}

}  // namespace headgate::http
