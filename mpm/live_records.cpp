// See live_records.h.
#include "mpm/live_records.h"

namespace headgate::mpm {

/// One that was used before, if there is one: a table of many touches little memory.
ConnectionRecord* LiveRecords::take() {
    std::uint32_t index = used_;
    if (!free_.empty()) {
        index = free_.back();
        free_.pop_back();
    } else if (used_ == count_) {
        return nullptr;
    } else {
        slot_.records_used.set(++used_);
    }
    ConnectionRecord& record = records_[index];
    record.request[0] = record.upstream[0] = record.framing[0] = '\0';
    return &record;
}

void LiveRecords::give_back(ConnectionRecord* record) {
    if (record == nullptr) return;
    record->is_used = false;
    free_.push_back(static_cast<std::uint32_t>(record - records_));
}

}  // namespace headgate::mpm
