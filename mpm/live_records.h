// LiveRecords: the rows of the live table that belong to one thread. One is lent for as long as
// there is something to show, so that idle connections take up no room in it.
#pragma once

#include <vector>

#include "mpm/scoreboard.h"

namespace headgate::mpm {

class LiveRecords {
public:
    /// `records`: `count` of them, written by this thread alone. `slot` is told how many have ever
    /// been used. Both outlive this.
    LiveRecords(ThreadSlot& slot, ConnectionRecord* records, std::size_t count)
        : slot_(slot), records_(records), count_(count) {}
    LiveRecords(const LiveRecords&) = delete;
    LiveRecords& operator=(const LiveRecords&) = delete;

    /// An empty one; null when all are lent: then there is one thing that is not shown.
    ConnectionRecord* take();
    /// Null is taken back as well. The record is not shown any more.
    void give_back(ConnectionRecord* record);

private:
    ThreadSlot& slot_;
    ConnectionRecord* records_;
    std::size_t count_;
    std::uint32_t used_ = 0;           // ever, from the first on
    std::vector<std::uint32_t> free_;  // among those
};

}  // namespace headgate::mpm
