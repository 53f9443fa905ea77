// LiveView: an exchange, or what comes before the first one of a connection, as others see it while
// it happens: its row in the live table, and its place in the counts of what is parked where.
#pragma once

#include <string_view>

#include "mpm/connection_handler.h"
#include "mpm/loop/account.h"

namespace headgate::proxy {

class LiveView final : public loop::AccountObserver {
public:
    /// Has a row until its end, if one is free; the counts are kept in any case.
    explicit LiveView(const mpm::Surroundings& around)
        : slot_(around.slot), records_(around.records), record_(records_.take()) {}
    ~LiveView() override { end(); }
    LiveView(const LiveView&) = delete;
    LiveView& operator=(const LiveView&) = delete;

    void runs(loop::TimePoint now) override;
    void parks(loop::Phase phase, loop::TimePoint now) override;

    void show_client(std::string_view client);
    void show_request(std::string_view request, std::string_view upstream);
    void show_framing(const char* framing);
    /// Nothing is shown from here on: the row is for whoever comes next.
    void end();

private:
    void leave_parked();
    void publish(bool running, loop::Phase phase, loop::TimePoint now);

    mpm::ThreadSlot& slot_;
    mpm::LiveRecords& records_;
    mpm::ConnectionRecord* record_;  // null: there is none for it
    loop::Phase phase_{};
    bool is_parked_ = false;
};

}  // namespace headgate::proxy
