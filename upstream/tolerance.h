// Tolerance: what one upstream is forgiven, by name (directive ProxyAccept): departures from RFC
// 9112 that are refused, or cost the connection, elsewhere, because two readers of the same octets
// could disagree on them. For old origins that are known to mean it; each use is counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate::upstream {

enum class Tolerance : std::uint8_t {
    bare_lf,              ///< "bare-lf": a head with LF alone does not cost the connection
    bare_lf_chunks,       ///< "bare-lf-chunks": LF alone in chunk lines
    space_before_colon,   ///< "space-before-colon": the white space is removed
    identity_coding,      ///< "identity-coding": Transfer-Encoding: identity says nothing
    http_1_0_keep_alive,  ///< "http10-keep-alive": HTTP/1.0 with keep-alive persists
};
inline constexpr std::size_t tolerance_count = 5;
/// Uses of each in one exchange.
using ToleranceUses = std::array<std::uint8_t, tolerance_count>;

/// The name in the comment above.
std::string_view name(Tolerance tolerance);
std::optional<Tolerance> tolerance_named(std::string_view name);

/// A set of them, and where their uses are counted.
class Tolerances {
public:
    void add(Tolerance tolerance) { set_ |= bit(tolerance); }
    bool has(Tolerance tolerance) const { return (set_ & bit(tolerance)) != 0; }
    bool is_empty() const { return set_ == 0; }

    /// `uses` outlives every copy of this.
    void count_in(ToleranceUses& uses) { uses_ = &uses; }
    void used(Tolerance tolerance) const {
        if (uses_ != nullptr) (*uses_)[static_cast<std::size_t>(tolerance)]++;
    }

private:
    static std::uint8_t bit(Tolerance tolerance) {
        return static_cast<std::uint8_t>(1u << static_cast<unsigned>(tolerance));
    }
    std::uint8_t set_ = 0;
    ToleranceUses* uses_ = nullptr;
};

}  // namespace headgate::upstream
