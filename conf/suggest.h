// "Did you mean": the nearest name by typing mistakes.
#pragma once

#include <span>
#include <string_view>

namespace headgate::conf {

/// Insertions, deletions, replacements and swaps of neighbours (Damerau-Levenshtein, optimal string
/// alignment) between two names, in any case.
std::size_t typing_distance(std::string_view left, std::string_view right);

/// The candidate nearest to `written`, the first of equals; empty when none is near enough (a third
/// of the length, at most 3).
std::string_view nearest(std::string_view written, std::span<const std::string_view> candidates);

}  // namespace headgate::conf
