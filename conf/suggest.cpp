// See suggest.h.
#include "conf/suggest.h"

#include <algorithm>
#include <string>
#include <vector>

#include "conf/value.h"

namespace headgate::conf {

std::size_t typing_distance(std::string_view left, std::string_view right) {
    const std::string from = lower(left);
    const std::string to = lower(right);
    std::vector<std::size_t> before(to.size() + 1);
    std::vector<std::size_t> above(to.size() + 1);
    std::vector<std::size_t> row(to.size() + 1);
    for (std::size_t column = 0; column <= to.size(); ++column) {
        above[column] = column;
    }
    for (std::size_t line = 1; line <= from.size(); ++line) {
        row[0] = line;
        for (std::size_t column = 1; column <= to.size(); ++column) {
            const std::size_t replaced = above[column - 1] + (from[line - 1] != to[column - 1]);
            row[column] = std::min({above[column] + 1, row[column - 1] + 1, replaced});
            const bool is_swap = line > 1 && column > 1 && from[line - 1] == to[column - 2] &&
                                 from[line - 2] == to[column - 1];
            if (is_swap) {
                row[column] = std::min(row[column], before[column - 2] + 1);
            }
        }
        std::swap(before, above);
        std::swap(above, row);
    }
    return above[to.size()];
}

std::string_view nearest(std::string_view written, std::span<const std::string_view> candidates) {
    std::string_view best;
    std::size_t least = std::min<std::size_t>(3, std::max<std::size_t>(1, written.size() / 3)) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t distance = typing_distance(written, candidate);
        if (distance < least) {
            least = distance;
            best = candidate;
        }
    }
    return best;
}

}  // namespace headgate::conf
