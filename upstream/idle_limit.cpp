// See idle_limit.h.
#include "upstream/idle_limit.h"

#include <algorithm>
#include <utility>

namespace headgate::upstream {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest{1000};  // below: too short to be a limit that somebody set
constexpr milliseconds least_margin{250};
constexpr std::chrono::minutes memory{10};

loop::Duration margin(loop::Duration limit) {
    return std::max<loop::Duration>(limit / 10, least_margin);
}

}  // namespace

void IdleLimit::closed_after(loop::Duration idle, loop::TimePoint now) {
    const loop::Duration before = std::exchange(latest_, idle);
    const loop::Duration shorter = std::min(before, idle);
    const bool agree = std::max(before, idle) - shorter <= margin(shorter);
    if (!agree || shorter < shortest) return;
    believed_ = shorter;
    believed_until_ = now + memory;
}

loop::Milliseconds IdleLimit::within(loop::Milliseconds configured, loop::TimePoint now) const {
    if (believed_ == loop::Duration::zero() || now >= believed_until_) return configured;
    const auto own = std::chrono::duration_cast<milliseconds>(believed_ - margin(believed_));
    return std::min(configured, own);
}

}  // namespace headgate::upstream
