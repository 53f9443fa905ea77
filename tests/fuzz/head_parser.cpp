// Fuzzes the head parser: octet by octet must give what the whole gives, every slice must lie in
// the head, and no field may hold an octet that could end a line.
// First octet of the input: even, a request; odd, a response.
#include "proxy/http/head_parser.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace headgate::http;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

HeadParser::Status parse_by_octet(HeadParser& parser, std::string_view text) {
    auto status = HeadParser::Status::need_more;
    for (std::size_t size = 0; size <= text.size() && status == HeadParser::Status::need_more;
         ++size) {
        const std::string copy(text.substr(0, size));  // moves each time
        status = parser.parse(copy);
    }
    return status;
}

void check_fields(const Fields& fields, std::string_view head) {
    for (const Field& field : fields) {
        require(field.name.at + field.name.size < head.size() && !field.name.empty());
        require(field.value.at + field.value.size < head.size());
        require(field.value.of(head).find_first_of(std::string_view("\r\n\0", 3)) ==
                std::string_view::npos);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto kind = data[0] % 2 == 0 ? HeadParser::Kind::request : HeadParser::Kind::response;
    std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const HeadLimits limits{.line = 200, .field_size = 200, .fields = 10, .total = 1000};
    HeadParser whole(kind, limits);
    HeadParser split(kind, limits);
    const auto status = whole.parse(text);
    require(parse_by_octet(split, text) == status);
    if (status == HeadParser::Status::error) {
        require(whole.error() == split.error() && whole.error().status >= 400);
    }
    if (status != HeadParser::Status::complete) {
        return 0;
    }
    require(whole.head_size() == split.head_size() && whole.head_size() <= text.size());
    text.resize(whole.head_size());
    if (kind == HeadParser::Kind::request) {
        const RequestHead head = whole.take_request();
        require(!head.target.empty() && !head.method_text.empty());
        check_fields(head.fields, text);
    } else {
        const ResponseHead head = whole.take_response();
        require(head.status >= 100 && head.status <= 999);
        unfold(text, head);
        check_fields(head.fields, text);
    }
    return 0;
}
