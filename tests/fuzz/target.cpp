// Fuzzes targets and paths: slices stay inside, a matching path has no dot segment left and no
// NUL, and encoding it for the upstream and reading it again gives the same path.
// First octet of the input: method and rules.
#include "proxy/http/path_readings.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace headgate::http;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool has_plain_dot_segment(const std::string& path) {
    const std::string closed = path + '/';
    return closed.find("/./") != std::string::npos || closed.find("/../") != std::string::npos;
}

void check_path(std::string_view path, const PathRules& rules) {
    const auto matching = matching_path(path, rules);
    if (!matching) {
        require(matching.error().status == 400 || matching.error().status == 404);
        return;
    }
    require(matching->front() == '/' && matching->find('\0') == std::string::npos);
    require(!has_plain_dot_segment(*matching));
    require(!rules.merge_slashes || matching->find("//") == std::string::npos);
    std::string forwarded;
    append_forwarded_path(forwarded, *matching, rules.encoded_slashes);
    const auto again = matching_path(forwarded, rules);
    require(again.has_value() && *again == *matching);
    const auto readings = other_readings(*matching);
    if (!readings) {
        require(readings.error().status == 400);
        return;
    }
    for (const std::string& reading : *readings) {
        require(reading.front() == '/' && reading != *matching && !has_plain_dot_segment(reading));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    const PathRules rules{.encoded_slashes = static_cast<EncodedSlashes>(data[0] % 3),
                          .merge_slashes = (data[0] & 4) != 0};
    const auto method = (data[0] & 8) != 0    ? Method::connect
                        : (data[0] & 16) != 0 ? Method::options
                                              : Method::get;
    check_path(text, rules);
    const auto target = parse_target(method, {0, static_cast<std::uint32_t>(text.size())}, text);
    if (target) {
        require(target->path.at + target->path.size <= text.size());
        require(target->query.at + target->query.size <= text.size());
        require(target->form != TargetForm::origin || target->path.of(text).front() == '/');
        require(target->authority.empty() || parse_authority(target->authority.of(text)));
    }
    return 0;
}
