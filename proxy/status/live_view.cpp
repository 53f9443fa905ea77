// See live_view.h.
#include "proxy/status/live_view.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace headgate::proxy {
namespace {

template <std::size_t size>
void copy(char (&to)[size], std::string_view from) {
    const std::size_t count = std::min(from.size(), size - 1);
    std::memcpy(to, from.data(), count);
    to[count] = '\0';
}

/// Marks the texts of a record as being written, for as long as it lives.
class Writing {
public:
    explicit Writing(mpm::ConnectionRecord& record) : record_(record) { record_.writing++; }
    ~Writing() { record_.writing++; }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;

private:
    mpm::ConnectionRecord& record_;
};

}  // namespace

void LiveView::end() {
    leave_parked();
    records_.give_back(record_);
    record_ = nullptr;
}

void LiveView::leave_parked() {
    if (!std::exchange(is_parked_, false)) return;
    auto& gauge = slot_.parked[static_cast<std::size_t>(phase_)];
    gauge.set(gauge.get() - 1);
}

void LiveView::runs(loop::TimePoint now) {
    leave_parked();
    publish(true, phase_, now);
}

void LiveView::parks(loop::Phase phase, loop::TimePoint now) {
    leave_parked();
    phase_ = phase;
    is_parked_ = true;
    slot_.parked[static_cast<std::size_t>(phase)].add(1);
    publish(false, phase, now);
}

void LiveView::publish(bool running, loop::Phase phase, loop::TimePoint now) {
    if (record_ == nullptr) return;
    record_->is_running.store(running, std::memory_order_relaxed);
    record_->phase.store(static_cast<std::uint8_t>(phase), std::memory_order_relaxed);
    record_->since_ns.store(now.time_since_epoch().count(), std::memory_order_relaxed);
}

void LiveView::show_client(std::string_view client) {
    if (record_ == nullptr) return;
    const Writing writing(*record_);
    copy(record_->client, client);
    record_->is_used = true;
}

void LiveView::show_request(std::string_view request, std::string_view upstream) {
    if (record_ == nullptr) return;
    const Writing writing(*record_);
    copy(record_->request, request);
    copy(record_->upstream, upstream);
    record_->framing[0] = '\0';
}

void LiveView::show_framing(const char* framing) {
    if (record_ == nullptr) return;
    const Writing writing(*record_);
    copy(record_->framing, framing);
}

}  // namespace headgate::proxy
