// See tolerance.h.
#include "upstream/tolerance.h"

#include <array>

namespace headgate::upstream {
namespace {

constexpr std::array<std::string_view, tolerance_count> names{
    "bare-lf", "bare-lf-chunks", "space-before-colon", "identity-coding", "http10-keep-alive"};

}  // namespace

std::string_view name(Tolerance tolerance) {
    return names[static_cast<std::size_t>(tolerance)];
}

std::optional<Tolerance> tolerance_named(std::string_view name) {
    for (std::size_t i = 0; i < names.size(); i++) {
        if (names[i] == name) return static_cast<Tolerance>(i);
    }
    return std::nullopt;
}

}  // namespace headgate::upstream
